"""A mail is sent in the language of its recipient, if there is a translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hogsend.delivery.render import Renderer
from hogsend.delivery.template import ContentMissing
from hogsend.delivery.templates import Templates
from hogsend.domain.footer_texts import FOOTER_TEXTS, get_footer_texts
from hogsend.domain.languages import LANGUAGES
from tests.delivery.test_render import ADA, BASE, LISTS, NOW, TOKENS, make_send


def make_renderer(folder: Path, files: Mapping[str, str], **options: Any) -> Renderer:
    """Return a renderer of the templates with these names and texts."""
    emails = folder / "emails"
    emails.mkdir(exist_ok=True)
    for name, text in files.items():
        (emails / name).write_text(text, "utf-8")
    templates = Templates.load(folder, LISTS)
    options = {"base_url": BASE, "sender": "Acme <post@example.com>"} | options
    return Renderer(templates, LISTS, TOKENS, **options)


BODY = '<p lang="{{ language }}">%s {{ footer.unsubscribe }}</p>'
FILES = {
    "hello.html": "---\nsubject: Hello\nfrom: Ada <a@example.com>\nlist: tips\n---\n"
    + BODY % "Hello",
    "hello.de.html": "---\nsubject: Hallo\n---\n" + BODY % "Hallo",
    "hello.pt.html": "---\n---\n" + BODY % "Olá",
    "hello.pt-BR.html": "---\nsubject: Oi\nfrom: Bo <b@example.com>\n---\n" + BODY % "Oi",
    "hello.de.txt": "Nur Text",
}


@pytest.mark.parametrize(
    ("properties", "subject", "text", "sender"),
    [
        ({}, "Hello", "Hello Unsubscribe", "Ada"),
        ({"language": "de"}, "Hallo", "Nur Text", "Ada"),
        ({"locale": "de_AT"}, "Hallo", "Nur Text", "Ada"),
        ({"language": "pt-BR"}, "Oi", "Oi Cancelar inscrição", "Bo"),
        ({"language": "pt-AO"}, "Hello", "Olá Cancelar subscrição", "Ada"),
        ({"language": "fr", "locale": "de"}, "Hello", "Hello Se désabonner", "Ada"),
        ({"language": "ja"}, "Hello", "Hello Unsubscribe", "Ada"),
    ],
)
def test_a_mail_is_in_the_closest_language_of_its_recipient(
    tmp_path: Path, properties: dict[str, Any], subject: str, text: str, sender: str
):
    renderer = make_renderer(tmp_path, FILES)
    mail = renderer.render(make_send(), replace(ADA, properties=properties), None, NOW)
    assert (mail.subject, mail.text.strip(), mail.from_.name) == (subject, text, sender)


def test_a_mail_names_its_own_language(tmp_path: Path):
    renderer = make_renderer(tmp_path, FILES)
    assert 'lang="pt-BR"' in renderer.preview("hello", NOW, language="pt-BR").html
    assert 'lang="en"' in renderer.preview("hello", NOW, language="fr").html


def test_a_broken_translation_blocks_only_its_own_recipients(tmp_path: Path):
    renderer = make_renderer(tmp_path, FILES | {"hello.de.html": "---\nsubject: {{\n---\n"})
    assert renderer.preview("hello", NOW).subject == "Hello"
    with pytest.raises(ContentMissing, match=r"template hello \(de\) is broken"):
        renderer.preview("hello", NOW, language="de")


@pytest.mark.parametrize(
    ("name", "front", "problem"),
    [
        ("hello.de.html", "list: tips", "has no 'list' of its own"),
        ("hello.DE-x-!.html", "subject: x", "cannot be a template's key"),
        ("other.pt-BR.html", "subject: x", "no other.html"),
        ("hello.mjml", "subject: x", "hello.html and hello.mjml for one mail"),
        ("a.html", "subject: x\nlanguage: German", "is not a language"),
    ],
)
def test_a_file_that_cannot_be_a_translation_is_named(
    tmp_path: Path, name: str, front: str, problem: str
):
    base = "---\nsubject: Hello\n---\n"
    make_renderer(tmp_path, {"hello.html": base, name: f"---\n{front}\n---\n"})
    broken = Templates.load(tmp_path, LISTS).broken
    assert any(problem in file.problem for file in broken)


def test_a_name_that_is_no_translation_stays_a_key(tmp_path: Path):
    make_renderer(tmp_path, {"release.v2.html": "---\nsubject: x\n---\n"})
    make_renderer(tmp_path, {"acme.de.html": "---\nsubject: x\n---\n"})
    assert Templates.load(tmp_path, LISTS).keys() == ["acme.de", "release.v2"]


def test_the_footer_has_every_text_in_every_language():
    for tag in LANGUAGES:
        texts = get_footer_texts(tag, "en")
        assert texts["language"] == tag
        assert set(texts) == set(FOOTER_TEXTS)
        assert "Acme" in texts["account"].format(name="Acme") != texts["account"]
        assert "Tips" in texts["list"].format(name="Tips")
    assert get_footer_texts("ja", "de-AT")["language"] == "de"
    assert get_footer_texts(None, "ja")["language"] == "en"
