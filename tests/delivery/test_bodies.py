"""Compiled mails are byte for byte the mails that are rendered in full."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from css_inline import CSSInliner as Inliner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hogsend.delivery import styles
from hogsend.delivery.message import Message
from hogsend.delivery.render import Renderer, RenderFailed
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import Tokens
from hogsend.domain.contact import Contact
from hogsend.domain.event import Event
from hogsend.domain.journey import MailList
from hogsend.domain.send_policy import Send
from hogsend.turns.folder_loader import load

JOURNEYS = Path(__file__).parents[2] / "journeys"
SHIPPED = load(JOURNEYS)
EXAMPLES = Templates.load(JOURNEYS, SHIPPED.lists)
NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
BASE = "https://mail.example.net"
LISTS = {"tips": MailList("tips", "Tips & ideas")}
# Enough mails to see what differs between them, and to compile one.
ORDINARY = ["Ada", "Grace Hopper", "Barbara", "Radia", "Joan"]
AWKWARD = [
    *("", " ", "  ", "a  b", " lead", "trail ", "two\nlines", "\r\n", "tab\there", "nul\0", "\x1f"),
    *("<b>", "a & b", '"quoted"', "it's", "]]>", "-->", "</title>", "</style>", "{{ 1 }}"),
    *("lt;", "amp;", "#60;", "&amp;", "&lt;b&gt;", "&#xe100;", "&nbsp", "b", "script", "/p"),
    *("https://example.com/", "HTTPS://EXAMPLE.com/a b", "mailto:a@b.c", "#top", "mailto: x"),
    *(f"{BASE}/u/abc", BASE, "//x.y", "https://ü.example/ä?ö#ß", "tel:1", "?a=1&b=2", "/"),
    *("שלום", "مرحبا", "e\u0301", "\u0301", "👩‍👩‍👧‍👦", "é" * 300, "a\u00a0b"),
    *("\u202eabc", "\u200b", "\ufeff"),
    *("\ue000", "\ue001", "\ue003", "\ue100", "\ue101", "\ue500", "x\ue100y", "\uf8ff", "\ufdd0"),
    *("display:none", "aria-hidden=true", "data-no-track", "color: red", "x" * 5000, "a b " * 999),
    *("=", "=3D", ".", "0", "-1", "Acme", "None", 0, 1, -1, 1.5, True, 10**30),
]
# One a line.
FRAGMENTS = r"""
<p>{{ v }}</p>
{{ v }}
{{ v }}{{ w }}
x{{ v }}y
&{{ v }};
&#{{ v }}
&am{{ v }}
&amp;{{ v }}
<{{ v }}>
</{{ v }}>
<{{ v }}
<a href="{{ v }}">{{ v }}</a>
<a href="{{ v }}">{{ w }}</a>
<a href={{ v }}>x</a>
<a href="https://x.y/?a={{ v }}&amp;b={{ w }}">x</a>
<a href='{{ v }}'></a>
<a href="https://{{ v }}.x.y/"><b>{{ v }}</b></a>
<a href=" {{ v }} ">{{ w }}</a>
<a href="mailto:{{ v }}">{{ v }}</a>
<a href="{{ v }}" data-no-track>go</a>
<a href="{{ unsubscribe_url }}">leave</a>
<a href="https://x.y/">{{ v }}</a>
<a href="https://x.y/?a=1&{{ v }}=2">x</a>
<a href="{{ v }}{{ w }}"><img alt="{{ w }}"></a>
<area href="{{ v }}">
<a href="#{{ v }}">x</a>
<a href="{{ v }}" href="{{ w }}">x</a>
<img src="{{ v }}" alt="{{ w }}">
<p title="{{ v }}">x</p>
<p title={{ v }}>x</p>
<p class="{{ v }}">x</p>
<p style="color:{{ v }}">x</p>
<p id="b" {{ v }}>x</p>
<p {{ v }}="b">x</p>
<!-- {{ v }} -->
<!--[if mso]>{{ v }}<![endif]-->
<!{{ v }}>
<style>p { color: {{ v }} }</style>
<style>p[title='b'] { color: red }</style>
<style>@media (x) { p[title] { top: {{ v }} } }</style>
<style>b { color: red }</style>
<title>{{ v }}</title>
<textarea>{{ v }}</textarea>
<noscript>{{ v }}</noscript>
<pre>{{ v }}</pre>
<xmp>{{ v }}</xmp>
<svg><p>{{ v }}</svg>
<script>{{ v }}</script>
<table>{{ v }}<tr><td>{{ w }}<td>{{ v }}</table>
<select>{{ v }}<option>{{ w }}</select>
<svg><![CDATA[>{{ v }}]]></svg>
<table><tr>
</table>
<ul><li>{{ v }}</ul>
<p>
<frameset>{{ v }}
<plaintext>
<p style="display:none">{{ v }}</p>
</body>
</a>
<template>{{ v }}</template>
<link rel="stylesheet" href="{{ v }}">
<br>
</p>
<td>{{ v }}</td>
{{ v | safe }}
{{ v | e }}
{{ v | string | striptags | safe }}
{{ v | string | upper }}
{{ v ~ w }}
{% if v %}{{ w }}{% endif %}
{{ props }}
{% for value in [v, w] %}{{ loop.index }}{{ value }}{% endfor %}
{{ box(v) }}
{{ box(v) | upper }}
{{ box(v) ~ w }}
{% set x = box(v) %}{{ x }}{{ x }}
{% set y %}{{ v }}{% endset %}{{ y | length }}
{% filter upper %}{{ v }}{% endfilter %}
{% autoescape false %}{{ v }}{% endautoescape %}
{% if box(v) == 'x' %}y{% endif %}
{% call frame() %}{{ v }}{% endcall %}
{% set z = box %}{{ z(v) | length }}
{{ parts.row(v) }}
{% set r = parts.row %}{{ r(v)[3] }}
{{ [v] | map('string') | join }}
{% for value in [[v], [w]] recursive %}{{ value[0] }}{% endfor %}
{{ {'a': v} }}
<style>p[title='b'] { color: red }</style><p title='{{ v }}'>x</p>
<style>p:hover, a[href] { color: red }</style><a href='{{ v }}'>x</a>
<style>a:hover { color: {{ v }} }</style><a href='{{ w }}'>x</a>
<style media='{{ v }}'>p { color: red }</style>
<style media='print'>p { color: {{ w }} }</style><p>{{ v }}</p>
<{{ v }} title={{ w }}>x
Hi <a href="{{ v }}"></a>
<b title="{{ v }}"><p>x</b>y</p>
<html title="{{ v }}">
<xmp>&#xe110;</xmp>
<a href='{{ v }}'><xmp>&#xe110;</xmp></a>
&#xe100;
&#xe101;{{ v }}&#xe500;
""".strip().splitlines()
FRAGMENTS += [
    " {{ v }} ",
    "\n{{ v }}\n",
    "é“”\n",
    "\ue100",
    "{{ '\ue101' }}",
    "{{ v }}\r",
    "\ue500",
    "{{ '\ue500' }}",
    "<p>{{ v }}</p>\n<p>{{ w }}</p>",
    "\n\n{{ v }}\n\n<p>x</p>\n",
]
HEAD = (
    "---\nsubject: Hello\n---\n{% import '_parts.html' as parts %}{% set v = props.v %}"
    "{% set w = props.w %}{% macro box(x) %}<i>{{ x }}</i>{% endmacro %}"
    "{% macro frame() %}<div>{{ caller() }}</div>{% endmacro %}"
)
PARTS = "{% macro row(x) %}<b>{{ x }}</b>{% endmacro %}"
VALUES = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=12))


def create_renderers(templates: Templates, lists: dict[str, MailList]) -> tuple[Renderer, Renderer]:
    """Return a renderer, and one that makes every mail in full."""
    in_full = {
        key: replace(template, is_compilable=False) for key, template in templates.by_key.items()
    }
    options: dict[str, Any] = {"base_url": BASE, "sender": "Acme <post@example.com>"}
    tokens = Tokens(["a secret"])
    return (
        Renderer(templates, lists, tokens, **options),
        Renderer(Templates(in_full), lists, tokens, **options),
    )


def mail(renderer: Renderer, key: str, list_id: str, number: int, facts: dict[str, Any]) -> Any:
    contact = Contact(UUID(int=number), email="ada@example.com", properties=facts)
    send = Send(
        id=UUID(int=1000 + number),
        contact_id=contact.id,
        template=key,
        list_id=list_id,
        status="queued",
        created_at=NOW,
        props=facts,
    )
    try:
        return renderer.render(send, contact, Event(UUID(int=3), "x", properties=facts), NOW)
    except RenderFailed as failed:
        return failed.reason


def compare(templates: Templates, mails: Sequence[tuple[Any, Any]]) -> None:
    filling, in_full = create_renderers(templates, LISTS)
    warm = list(zip(ORDINARY, reversed(ORDINARY), strict=True))
    for number, (v, w) in enumerate([*warm, *mails]):
        facts = {"v": v, "w": w}
        want = mail(in_full, "hello", "tips", number, facts)
        assert mail(filling, "hello", "tips", number, facts) == want


def write_templates(body: str, folder: str) -> Templates:
    emails = Path(folder) / "emails"
    emails.mkdir()
    (emails / "_parts.html").write_text(PARTS)
    (emails / "hello.html").write_text(HEAD + body, "utf-8", newline="")
    return Templates.load(Path(folder), LISTS)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_any_value_at_any_position_gives_the_fully_rendered_mail(fragment: str, tmp_path: Path):
    templates = write_templates(f"<p>Hi {{{{ w }}}}</p>{fragment}<p>{{{{ v }}}}</p>", str(tmp_path))
    awkward = [value for value in AWKWARD if len(str(value)) < 1000]
    compare(
        templates, [*((value, "b") for value in awkward), *(("b", value) for value in awkward[::3])]
    )


@settings(max_examples=60, deadline=None)
@given(
    fragments=st.lists(st.sampled_from(FRAGMENTS), max_size=6),
    mails=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6),
)
def test_any_template_with_any_values_gives_the_fully_rendered_mail(
    fragments: list[str], mails: list[tuple[Any, Any]]
):
    with tempfile.TemporaryDirectory() as folder:
        # The second time, mails may use what the first time has compiled.
        compare(write_templates("".join(fragments), folder), mails * 2)


@pytest.mark.parametrize("key", EXAMPLES.keys())
@settings(max_examples=15, deadline=None)
@given(mails=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4))
@example(mails=[(value, value) for value in AWKWARD])
def test_any_values_in_an_example_give_the_fully_rendered_mail(
    key: str, mails: list[tuple[Any, Any]]
):
    filling, in_full = create_renderers(EXAMPLES, dict(SHIPPED.lists))
    warm = list(zip(ORDINARY, reversed(ORDINARY), strict=True))
    list_id = EXAMPLES.get(key).list_id or "journey"
    for number, (v, w) in enumerate([*warm, *mails]):
        facts: dict[str, Any] = {"name": v, "uses": w, "ends_on": w, "happy": w, "amount": w}
        facts |= {"order": str(v), "invoice": v} if number % 4 else {}
        want = mail(in_full, key, list_id, number, facts)
        assert mail(filling, key, list_id, number, facts) == want


class CountingInliner:
    """The real inliner; `calls` is how many mails it was given."""

    calls = 0

    def __init__(self, **options: Any) -> None:
        self._inliner = Inliner(**options)

    def inline(self, html: str) -> str:
        CountingInliner.calls += 1
        return self._inliner.inline(html)


@pytest.mark.parametrize("key", EXAMPLES.keys())
def test_an_examples_styles_are_inlined_for_the_first_mails_only(
    key: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(styles.css_inline, "CSSInliner", CountingInliner)
    filling, _ = create_renderers(EXAMPLES, dict(SHIPPED.lists))

    def render(number: int) -> Message:
        facts = {"name": f"Ada{number}", "ends_on": f"{number} May", "happy": True, "uses": 3}
        return mail(filling, key, EXAMPLES.get(key).list_id or "journey", number, facts)

    for number in range(6):
        render(number)
    before = CountingInliner.calls
    for number in range(6, 20):
        assert f"Ada{number}" in render(number).text
    assert CountingInliner.calls == before
