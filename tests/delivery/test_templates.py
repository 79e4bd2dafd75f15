"""Templates: front matter, what is in scope, and every problem with its file and line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.delivery.template_context import build_scope
from hogsend.delivery.templates import RenderFailed, Templates
from hogsend.domain.contact import Contact
from hogsend.domain.event import Event

EXAMPLES = Path(__file__).parents[2] / "journeys"
LISTS = ("journey", "tips")
SOMEBODY = UUID(int=1)


def load(folder: Path, **files: str) -> Templates:
    emails = folder / "emails"
    emails.mkdir(exist_ok=True)
    for name, text in files.items():
        (emails / name.replace("__", ".")).write_text(text, "utf-8")
    return Templates.load(folder, LISTS)


def mail(body: str, *lines: str) -> str:
    return "\n".join(["---", "subject: Hello", *lines, "---", body])


def render_body(folder: Path, body: str, **properties: Any) -> str:
    templates = load(folder, hello__html=mail(body))
    assert templates.broken == ()
    contact = Contact(SOMEBODY, email="ada@example.com", properties=properties)
    event = Event(SOMEBODY, "user.created", {"plan": "pro"})
    return templates.get("hello").render_body(build_scope(contact, event, {"n": 1, "items": ["a"]}))


def test_templates_can_show_when_contact_and_event_were_seen(tmp_path: Path):
    body = (
        "{{ contact.first_seen_at.strftime('%B %Y') }}, {{ contact.last_seen_at.day }}, "
        "{{ event.occurred_at.year }}, {{ event.received_at }}"
    )
    templates = load(tmp_path, hello__html=mail(body))
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    contact = Contact(SOMEBODY, first_seen_at=at, last_seen_at=at + timedelta(days=2))
    event = Event(SOMEBODY, "go", occurred_at=at, received_at=at + timedelta(days=1))
    rendered = templates.get("hello").render_body(build_scope(contact, event, {}))
    assert rendered == "March 2026, 3, 2026, 2026-03-02 09:00:00+00:00"


def test_front_matter_is_read_and_lines_are_templates(tmp_path: Path):
    text = mail(
        "<p>x</p>",
        'preheader: "Plan {{ event.properties.plan }}"',
        "# a remark",
        "list: tips",
        "from: Ada <ada@example.com>",
        "reply_to: help@example.com",
        'sample: {"plan": "Pro",',
        '  "seats": 5}',
    )
    template = load(tmp_path, hello__html=text).get("hello")
    scope = build_scope(Contact(SOMEBODY), Event(SOMEBODY, "e", {"plan": "pro"}), {})
    assert template.list_id == "tips"
    assert template.sample == {"plan": "Pro", "seats": 5}
    assert template.render_line("subject", scope) == "Hello"
    assert template.render_line("preheader", scope) == "Plan pro"
    assert template.render_line("from", scope) == "Ada <ada@example.com>"
    assert template.render_line("reply_to", scope) == "help@example.com"
    assert template.source == "<p>x</p>"


def test_values_are_escaped_in_html_and_not_in_the_subject(tmp_path: Path):
    text = mail("{{ contact.properties.name }}").replace(
        "Hello", "Hi {{ contact.properties.name }}"
    )
    template = load(tmp_path, hello__html=text).get("hello")
    scope = build_scope(Contact(SOMEBODY, properties={"name": "<b>&"}), None, {})
    assert template.render_body(scope) == "&lt;b&gt;&amp;"
    assert template.render_line("subject", scope) == "Hi <b>&"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ contact.email }} {{ event.name }}", "ada@example.com user.created"),
        ("{{ contact.properties.company.name }}", "Analytical"),
        ("{{ contact.properties.items }}", "three"),
        ("{{ contact.properties['keys'] }}", "two"),
        ("{{ props.items[0] }}", "a"),
        ("{% for line in contact.properties.lines %}{{ line.values }}{% endfor %}", "7"),
        ("{{ contact.properties.nothing | default('there') }}", "there"),
        ("{{ contact.properties.null | default('there') }}", "there"),
        ("{{ 'yes' if props.x is defined else 'no' }}", "no"),
        ("{{ contact.user_id | default('none') }}", "none"),
    ],
)
def test_the_variables_of_a_template(tmp_path: Path, body: str, expected: str):
    names = {
        "company": {"name": "Analytical"},
        "items": "three",
        "keys": "two",
        "lines": [{"values": 7}],
        "null": None,
    }
    assert render_body(tmp_path, body, **names) == expected


@pytest.mark.parametrize(
    ("body", "variable"),
    [
        ("{{ props.x }}", "props.x"),
        ("{{ props.x.y }}", "props.x"),
        (
            "{% if not event.properties.trial %}{{ event.properties.trial }}{% endif %}",
            "event.properties.trial",
        ),
        ("{{ contact.properties.company.name }}", "contact.properties.company"),
        ("{{ contact.properties.null }}", "contact.properties.null"),
        ("{{ contact.user_id }}", "contact.user_id"),
        ("{{ contact.properties.values }}", "contact.properties.values"),
        ("{{ props.n + props.m }}", "props.m"),
    ],
)
def test_a_missing_variable_is_named(tmp_path: Path, body: str, variable: str):
    with pytest.raises(RenderFailed) as failed:
        render_body(tmp_path, body, null=None)
    assert failed.value.reason == f"template hello: variable {variable} is missing"


def test_without_an_event_its_properties_are_missing_by_name(tmp_path: Path):
    template = load(tmp_path, hello__html=mail("{{ event.properties.plan }}")).get("hello")
    with pytest.raises(RenderFailed, match=r"variable event\.properties\.plan is missing"):
        template.render_body(build_scope(Contact(SOMEBODY), None, {}))


def test_an_invalid_expression_fails_the_send_with_a_reason(tmp_path: Path):
    with pytest.raises(RenderFailed, match="template hello: ZeroDivisionError"):
        render_body(tmp_path, "{{ 1 / 0 }}")


def test_blocks_can_use_the_names_that_their_layout_sets(tmp_path: Path):
    templates = load(
        tmp_path,
        _layout__html='{% set brand = {"name": "Acme"} %}<b>{% block body %}{% endblock %}</b>',
        hello__html=mail(
            '{% extends "_layout.html" %}{% block body %}{{ brand.name }}{% endblock %}'
        ),
    )
    assert templates.broken == ()
    assert templates.keys() == ["hello"]
    assert (
        templates.get("hello").render_body(build_scope(Contact(SOMEBODY), None, {}))
        == "<b>Acme</b>"
    )


def test_a_text_file_with_the_same_key_is_the_plain_part(tmp_path: Path):
    templates = load(tmp_path, hello__html=mail("x"), hello__txt="Hi {{ contact.email }} & co")
    scope = build_scope(Contact(SOMEBODY, email="ada@example.com"), None, {})
    assert templates.get("hello").render_plain_text(scope) == "Hi ada@example.com & co"


@pytest.mark.parametrize(
    ("name", "text", "line", "problem"),
    [
        ("a.html", "<p>x</p>", 1, "front matter is missing"),
        ("a.html", "---\nsubject: x\nfrom: Ada <.a@b.cd>\n---\n", 3, "'from' must be an email"),
        ("a.html", "---\nsubject: x\nreply_to: ada\n---\n", 3, "'reply_to' must be an email"),
        ("a.html", "---\nsubject: x\n<p>", 3, "not `name: value`"),
        ("a.html", "---\nsubject: x\n", 1, "does not end"),
        ("a.html", "---\npreheader: x\n---\n", 1, "no subject"),
        ("a.html", "---\nsubject: x\ntopic: y\n---\n", 3, "no field 'topic'"),
        ("a.html", "---\nsubject: x\nsubject: y\n---\n", 3, "twice"),
        ("a.html", "---\nsubject: x\nlist: nope\n---\n", 3, "no list 'nope'"),
        ("a.html", "---\nsubject: x\nsample: {x\n---\n", 3, "not JSON"),
        ("a.html", "---\nsubject: x\nsample: [1]\n---\n", 3, "not a JSON object"),
        ("a.html", "---\nsubject: {{ x\n---\n", 2, "end of"),
        ("a.html", "---\nsubject: x\n---\n<p>\n{% if %}", 5, "xpected"),
        ("a.html", "---\nsubject: x\n---\n\n\n{{ porps.x }}", 6, "no variable 'porps'"),
        ("a.html", "---\nsubject: x\n---\n{{ 1 | shout }}", 4, "shout"),
        ("a.html", '---\nsubject: x\n---\n{% extends "_no.html" %}', 4, "'_no.html'"),
        ("a.mjml", "<mjml>", 1, "front matter is missing"),
        ("a.txt", "x", 0, "no a.html"),
        ("a.md", "x", 0, "cannot end in '.md'"),
        ("A b.html", "---\nsubject: x\n---\n", 0, "cannot be a template's key"),
    ],
)
def test_a_broken_file_is_reported_and_the_others_load(
    tmp_path: Path, name: str, text: str, line: int, problem: str
):
    templates = load(tmp_path, **{"good__html": mail("x"), name.replace(".", "__"): text})
    assert templates.keys() == ["good"]
    (broken,) = templates.broken
    assert (broken.file, broken.line) == (f"emails/{name}", line)
    assert problem in broken.problem


def test_a_file_that_is_not_utf8_is_broken(tmp_path: Path):
    load(tmp_path)
    (tmp_path / "emails" / "a.html").write_bytes(b"---\nsubject: \xff\n---\n")
    (broken,) = Templates.load(tmp_path, LISTS).broken
    assert "UTF-8" in broken.problem


def test_a_broken_or_unknown_template_raises_an_error(tmp_path: Path):
    templates = load(tmp_path, bad__html="<p>")
    with pytest.raises(RenderFailed, match="template bad is broken: The front matter is missing"):
        templates.get("bad")
    with pytest.raises(RenderFailed, match="there is no template other"):
        templates.get("other")


def test_a_folder_without_templates_has_none(tmp_path: Path):
    assert Templates.load(tmp_path, LISTS).keys() == []
