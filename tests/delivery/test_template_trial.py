"""A check names what a template prints that its sample, or an unknown contact, lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from hogsend.delivery.template_trial import Unguarded, find_unguarded
from hogsend.delivery.templates import Templates
from hogsend.turns.folder_loader import load

JOURNEYS = Path(__file__).parents[2] / "journeys"
EXAMPLES = Templates.load(JOURNEYS, load(JOURNEYS).lists)


def try_out(folder: Path, front: str, body: str, **parts: str) -> list[Unguarded]:
    """Return what the template `hello` with these parts lacks."""
    emails = folder / "emails"
    emails.mkdir()
    (emails / "hello.html").write_text(f"---\n{front}\n---\n{body}")
    for name, text in parts.items():
        (emails / f"_{name}.html").write_text(text)
    templates = Templates.load(folder, ())
    assert templates.broken == ()
    return find_unguarded(templates.get("hello"))


def list_places(unguarded: list[Unguarded]) -> list[tuple[str, str, int, bool]]:
    return [(use.variable, use.file, use.line, use.is_in_sample) for use in unguarded]


def test_everything_unguarded_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    uses = try_out(
        tmp_path,
        'subject: Hi {{ contact.properties.name }}\nsample: {"n": 1}',
        "{% extends '_layout.html' %}\n{% block main %}\n{{ contact.properties.age + 1 }}\n"
        "{{ props.n }} {{ props.m }}{% for x in props.rows %}{{ x }}{% endfor %}{% endblock %}",
        layout="<p>\n{{ contact.properties.brand | upper }}{% block main %}{% endblock %}",
    )

    assert list_places(uses) == [
        ("contact.properties.brand", "emails/_layout.html", 2, True),
        ("contact.properties.name", "emails/hello.html", 2, False),
        ("contact.properties.age", "emails/hello.html", 7, True),
        ("props.m", "emails/hello.html", 8, True),
        ("props.rows", "emails/hello.html", 8, True),
    ]


def test_the_remedy_fits_the_variable(tmp_path: Path) -> None:
    by_name = {
        use.variable: use
        for use in try_out(
            tmp_path, "subject: x", "{{ props.plan }}{{ contact.properties.firstName }}"
        )
    }

    assert by_name["props.plan"].problem == "The variable props.plan is missing from the sample."
    assert "sample" in by_name["props.plan"].remedy
    name = by_name["contact.properties.firstName"]
    assert "only an address" in name.problem
    assert '{{ contact.properties.firstName | default("…") }}' in name.remedy


@pytest.mark.parametrize(
    "body",
    [
        "{{ contact.properties.name or 'there' }}",
        "{{ contact.properties.company.name | default('x') }}",
        "{% if contact.properties.vip %}x{% endif %}",
        "{% if 'x' in contact.properties.tags %}x{% endif %}",
        "{{ contact.email }} {{ unsubscribe_url }} {{ list.name }} {{ subject }}",
        "{% for x in props.rows or [] %}{{ x }}{% endfor %}",
    ],
)
def test_what_is_guarded_is_not_named(tmp_path: Path, body: str) -> None:
    assert try_out(tmp_path, "subject: x", body) == []


@pytest.mark.parametrize("key", EXAMPLES.keys())
def test_the_examples_need_nothing_but_an_address(key: str) -> None:
    assert find_unguarded(EXAMPLES.get(key)) == []
