"""A template that names a field which no contact, event or list has is reported, not silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from hogsend.delivery.template_context import build_scope
from hogsend.delivery.template_names import FIELDS
from hogsend.delivery.template_trial import SAMPLE_CONTACT
from hogsend.delivery.templates import Templates


def load(folder: Path, body: str, front: str = "subject: Hi", **files: str) -> Templates:
    emails = folder / "emails"
    emails.mkdir(exist_ok=True)
    (emails / "a.html").write_text(f"---\n{front}\n---\n{body}")
    for name, text in files.items():
        (emails / f"{name}.html").write_text(text)
    return Templates.load(folder, ["news"])


@pytest.mark.parametrize(
    ("body", "problem", "remedy"),
    [
        (
            "<p>\n{{ contact.propertes.name or 'there' }}",
            "There is no contact.propertes.",
            "Did you mean contact.properties?",
        ),
        (
            "<p>\n{% if contact.vip %}x{% endif %}",
            "There is no contact.vip.",
            "What your product sent is in contact.properties.vip.",
        ),
        ("<p>\n{{ contact['emial'] }}", "There is no contact.emial.", "contact.email?"),
        (
            "<p>\n{{ event.plan | default('x') }}",
            "There is no event.plan.",
            "event.properties.plan",
        ),
        ("<p>\n{{ list.title }}", "There is no list.title.", "There are description, id, name"),
        ("<p>\n{{ contact.get('name') }}", "There is no contact.get.", "contact.properties"),
    ],
)
def test_a_misspelled_field_breaks_the_template_with_the_right_name(
    tmp_path: Path, body: str, problem: str, remedy: str
) -> None:
    (broken,) = load(tmp_path, body).broken
    assert (broken.file, broken.line, broken.problem) == ("emails/a.html", 5, problem)
    assert remedy in broken.remedy


def test_a_misspelled_field_in_the_front_matter_or_in_a_layout_is_found(tmp_path: Path) -> None:
    (broken,) = load(tmp_path, "<p>", "subject: Hi {{ contact.name or 'you' }}").broken
    assert (broken.line, broken.problem) == (2, "There is no contact.name.")

    layout = "<p>{{ contact.name }}{% block main %}{% endblock %}"
    templates = load(tmp_path, "{% extends '_layout.html' %}", _layout=layout)
    assert [broken.file for broken in templates.broken] == ["emails/_layout.html"]


@pytest.mark.parametrize(
    "body",
    [
        "{{ contact.email }} {{ contact.properties.anything or 1 }} {{ contact['user_id'] or 1 }}",
        "{{ contact.first_seen_at }} {{ event.name or 1 }} {{ list.description }}",
        "{{ contact[props.field] or 1 }}",
        "{% for event in props.events or [] %}{{ event.title }}{% endfor %}",
        "{% for event in props.events or [] %}{% include '_row.html' %}{% endfor %}",
        "{% macro card(contact) %}{{ contact.name }}{% endmacro %}{{ card(props) }}",
        "{% set contact = contact.properties %}{{ contact.name or 1 }}",
    ],
)
def test_a_field_that_exists_or_a_name_of_the_templates_own_is_accepted(
    tmp_path: Path, body: str
) -> None:
    parts = {"_row": "{{ event.title }}"} if "_row" in body else {}
    templates = load(tmp_path, body, **parts)
    assert templates.broken == ()


def test_the_fields_are_those_that_templates_get() -> None:
    scope = build_scope(SAMPLE_CONTACT, None, {})
    assert {name: set(scope[name]) for name in ("contact", "event")} == {
        name: set(FIELDS[name]) for name in ("contact", "event")
    }
