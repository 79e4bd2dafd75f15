"""A missing variable that is printed is an error; one that is only tested is absent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hogsend.delivery.render import Renderer, RenderFailed
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import Tokens
from hogsend.domain.contact import Contact
from hogsend.domain.journey import MailList
from hogsend.domain.send_policy import Send

NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
LISTS = {"tips": MailList("tips", "Tips")}
PROPERTIES = "contact.properties"
NAME, VIP, COMPANY = f"{PROPERTIES}.name", f"{PROPERTIES}.vip", f"{PROPERTIES}.company.name"
# A variable is named by the part of it that is missing.
MISSING_COMPANY = f"{PROPERTIES}.company"

TESTED = [
    ("{{ NAME or 'there' }}", "there"),
    ("{{ NAME | default('there') }}", "there"),
    ("{{ NAME | d('there') }}", "there"),
    ("{{ NAME | default('there', true) }}", "there"),
    ("{{ COMPANY or 'x' }}", "x"),
    ("{{ COMPANY | default('x') }}", "x"),
    ("{{ contact.properties['company']['name'] | default('x') }}", "x"),
    ("{{ contact.properties.orders[0].name | default('x') }}", "x"),
    ("{{ event.properties.a.b.c.d.e | default('x') }}", "x"),
    ("{{ props.a.b or NAME or COMPANY or 'x' }}", "x"),
    ("{% if VIP %}yes{% else %}no{% endif %}", "no"),
    ("{% if not VIP %}no{% endif %}", "no"),
    ("{% if VIP and COMPANY %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP or COMPANY %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP is defined %}yes{% else %}no{% endif %}", "no"),
    ("{% if COMPANY is not defined %}no{% endif %}", "no"),
    ("{% if COMPANY is undefined %}no{% endif %}", "no"),
    ("{% if VIP is none %}no{% endif %}", "no"),
    ("{% if VIP == 'gold' %}yes{% else %}no{% endif %}", "no"),
    ("{% if 'gold' == COMPANY %}yes{% else %}no{% endif %}", "no"),
    ("{% if COMPANY != 'gold' %}no{% endif %}", "no"),
    ("{% if VIP in ['gold', 'silver'] %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP in 'gold' %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP not in 'gold' %}no{% endif %}", "no"),
    ("{% if 'gold' in VIP %}yes{% else %}no{% endif %}", "no"),
    ("{% if 'gold' in COMPANY %}yes{% else %}no{% endif %}", "no"),
    ("{% if 'gold' not in COMPANY %}no{% endif %}", "no"),
    ("{% if VIP is string %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP is iterable %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP is upper %}yes{% else %}no{% endif %}", "no"),
    ("{% if VIP is in 'gold' %}yes{% else %}no{% endif %}", "no"),
    ("{{ 'yes' if VIP else 'no' }}", "no"),
    ("{{ 'yes' if VIP }}no", "no"),
    ("{{ NAME if COMPANY else 'no' }}", "no"),
    ("{% set name = NAME or 'there' %}{{ name }}", "there"),
    ("{% for order in props.orders or [] %}x{% else %}none{% endfor %}", "none"),
    ("{% if contact.properties[NAME] %}yes{% else %}no{% endif %}", "no"),
]
PRINTED = [
    ("{{ NAME }}", NAME),
    ("{{ COMPANY }}", MISSING_COMPANY),
    ("{{ NAME or COMPANY }}", MISSING_COMPANY),
    ("{{ NAME | upper }}", NAME),
    ("{{ 'Hi ' ~ NAME }}", NAME),
    ("{{ NAME.upper() }}", NAME),
    ("{% set name = NAME %}{{ name }}", NAME),
    ("{% if VIP %}{% else %}{{ VIP }}{% endif %}", VIP),
    ("{% for order in props.orders %}x{% endfor %}", "props.orders"),
    ("{{ props.orders | length }}", "props.orders"),
    ("{{ props.price * 2 }}", "props.price"),
    ("{% if props.price > 2 %}x{% endif %}", "props.price"),
]


def create_renderers(body: str, folder: str) -> tuple[Renderer, Renderer]:
    """Return a renderer that compiles its mails, and one that makes every mail in full."""
    emails = Path(folder) / "emails"
    emails.mkdir(exist_ok=True)
    text = body.replace("NAME", NAME).replace("VIP", VIP).replace("COMPANY", COMPANY)
    (emails / "hello.html").write_text(f"---\nsubject: Hello\n---\n<p>{text}</p>", "utf-8")
    templates = Templates.load(Path(folder), LISTS)
    assert templates.broken == ()
    in_full = replace(templates.by_key["hello"], is_compilable=False)
    options: dict[str, Any] = {"base_url": "https://m.example", "sender": "Acme <post@example.com>"}
    tokens = Tokens(["a secret"])
    return (
        Renderer(templates, LISTS, tokens, **options),
        Renderer(Templates({"hello": in_full}), LISTS, tokens, **options),
    )


def render_text(renderer: Renderer, properties: dict[str, Any]) -> str:
    """Return the text of a mail, or why it cannot be made."""
    contact = Contact(UUID(int=1), email="ada@example.com", properties=properties)
    send = Send(UUID(int=2), contact.id, "hello", "tips", "queued", NOW)
    try:
        return renderer.render(send, contact, None, NOW).text.strip()
    except RenderFailed as failed:
        return failed.reason


@pytest.mark.parametrize(("body", "shown"), TESTED)
def test_a_missing_variable_that_is_only_tested_is_absent(body: str, shown: str, tmp_path: Path):
    for renderer in create_renderers(body, str(tmp_path)):
        # The third mail is filled into the compiled one.
        assert [render_text(renderer, {}) for _ in range(3)] == [shown] * 3
        assert render_text(renderer, {"name": None, "vip": None, "company": None}) == shown


@pytest.mark.parametrize(("body", "variable"), PRINTED)
def test_a_missing_variable_that_is_printed_is_an_error(body: str, variable: str, tmp_path: Path):
    for renderer in create_renderers(body, str(tmp_path)):
        for properties in ({}, {"name": None, "vip": None, "company": None}):
            reason = render_text(renderer, properties)
            assert reason == f"template hello: variable {variable} is missing"


Properties = dict[str, Any]
Evaluate = Callable[[Properties], Any]


class Absent:
    """What the reference has for a missing variable.

    Args:
        path: the variable.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Absent)

    def __hash__(self) -> int:
        return 0


@dataclass(frozen=True)
class Expression:
    """An expression of a template, and what it is worth.

    Args:
        text: as Jinja reads it.
        evaluate: its value for someone with these properties.
    """

    text: str
    evaluate: Evaluate


def look_up(path: str) -> Expression:
    def evaluate(properties: Properties) -> Any:
        value: Any = properties
        known = PROPERTIES
        for name in path.split("."):
            if isinstance(value, Absent):
                return value
            # Text does not know what it is called in the template.
            known = f"{known}.{name}" if isinstance(value, dict) else name
            value = cast("Properties", value).get(name) if isinstance(value, dict) else None
            value = Absent(known) if value is None else value
        return value

    return Expression(f"{PROPERTIES}.{path}", evaluate)


def is_in(value: Any, container: Any) -> bool:
    return isinstance(value, str) and isinstance(container, str) and value in container


PATHS = [look_up(path) for path in ("name", "vip", "company.name", "company.city.zip")]


def quote(word: str) -> Expression:
    return Expression(repr(word), lambda _: word)


LITERALS = [quote(word) for word in ("there", "go", "")]
ATOMS = st.sampled_from([*PATHS, *LITERALS])


def combine(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Return expressions made of others, with each operator that tests."""

    def build(operator: str, a: Expression, b: Expression, c: Expression) -> Expression:
        x, y, z = a.evaluate, b.evaluate, c.evaluate
        return {
            "or": Expression(f"({a.text} or {b.text})", lambda f: x(f) or y(f)),
            "and": Expression(f"({a.text} and {b.text})", lambda f: x(f) and y(f)),
            "not": Expression(f"(not {a.text})", lambda f: not x(f)),
            "==": Expression(f"({a.text} == {b.text})", lambda f: x(f) == y(f)),
            "!=": Expression(f"({a.text} != {b.text})", lambda f: x(f) != y(f)),
            "if": Expression(
                f"({a.text} if {b.text} else {c.text})", lambda f: x(f) if y(f) else z(f)
            ),
            "defined": Expression(
                f"(({a.text}) is defined)", lambda f: not isinstance(x(f), Absent)
            ),
            "default": Expression(
                f"(({a.text}) | default({b.text}))",
                lambda f: y(f) if isinstance(x(f), Absent) else x(f),
            ),
            "d": Expression(f"(({a.text}) | d({b.text}, true))", lambda f: x(f) or y(f)),
        }[operator]

    def build_in(a: Expression, b: Expression) -> Expression:
        return Expression(f"({a.text} in {b.text})", lambda f: is_in(a.evaluate(f), b.evaluate(f)))

    names = ["or", "and", "not", "==", "!=", "if", "defined", "default", "d"]
    return st.one_of(
        st.builds(build_in, ATOMS, ATOMS),
        st.builds(build, st.sampled_from(names), parts, parts, parts),
    )


WORDS = st.sampled_from([None, "", "gold", "there it goes"])
PEOPLE = st.fixed_dictionaries(
    {
        "name": WORDS,
        "vip": WORDS,
        "company": st.one_of(
            st.none(),
            st.just("a word"),
            st.fixed_dictionaries({"name": WORDS, "city": st.sampled_from([None, {"zip": "1"}])}),
        ),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    expressions=st.lists(st.recursive(ATOMS, combine, max_leaves=6), min_size=1, max_size=3),
    people=st.lists(PEOPLE, min_size=1, max_size=4),
)
def test_compiled_and_plain_mails_agree_about_what_is_absent(
    expressions: list[Expression], people: list[dict[str, Any]]
):
    body = "".join(
        f"[{{{{ {expression.text} }}}}{{% if {expression.text} %}}+{{% else %}}-{{% endif %}}]"
        for expression in expressions
    )

    def predict(properties: dict[str, Any]) -> str:
        values = [expression.evaluate(properties) for expression in expressions]
        for value in values:
            if isinstance(value, Absent):
                return f"template hello: variable {value.path} is missing"
        return "".join(f"[{value}{'+' if value else '-'}]" for value in values)

    with tempfile.TemporaryDirectory() as folder:
        for renderer in create_renderers(body, folder):
            for properties in people * 3:
                assert render_text(renderer, properties) == predict(properties)
