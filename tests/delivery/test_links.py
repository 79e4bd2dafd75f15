"""The links of a mail are found by the rules of HTML, and nothing else changes."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogsend.delivery.links import normalize_web_address, rewrite_links
from hogsend.delivery.markup import find_html_tokens, parse_attributes

BASE = "https://mail.example.net"


def rewrite(markup: str) -> tuple[str, list[str]]:
    return rewrite_links(
        markup, list(find_html_tokens(markup)), BASE, lambda position, _: f"NEW{position}"
    )


@pytest.mark.parametrize(
    ("markup", "expected", "url"),
    [
        ('<a href="http://a.test/">x</a>', '<a href="NEW0">x</a>', "http://a.test/"),
        (
            '<a class=b href="https://a.test/?x=1&amp;y=2#z" id=c>x</a>',
            '<a class=b href="NEW0" id=c>x</a>',
            "https://a.test/?x=1&y=2#z",
        ),
        ("<A HREF='https://a.test'>", "<A HREF='NEW0'>", "https://a.test"),
        ("<a href=https://a.test/b>x", '<a href="NEW0">x', "https://a.test/b"),
        ("<a\nhref = 'https://a.test'\n>", "<a\nhref = 'NEW0'\n>", "https://a.test"),
        ('<area shape=rect href="https://a.test">', '<area shape=rect href="NEW0">', None),
        ('<a title="a > b" href="https://a.test">', '<a title="a > b" href="NEW0">', None),
        ('<a href="https://a.test" href="https://b.test">', None, "https://a.test"),
        ('<a href=" https://a.test/\n b ">', '<a href="NEW0">', "https://a.test/%20b"),
        (
            '<a href="https://ä.test/ü?q=ß">',
            '<a href="NEW0">',
            "https://xn--4ca.test/%C3%BC?q=%C3%9F",
        ),
        ('<a href="https://a.test/?a&copy=1&lt=2">', None, "https://a.test/?a&copy=1&lt=2"),
        ('<a href="HTTPS://a.test/%20">', '<a href="NEW0">', "HTTPS://a.test/%20"),
        (f'<a href="{BASE}/pricing">', '<a href="NEW0">', f"{BASE}/pricing"),
    ],
)
def test_a_web_link_is_rewritten_in_place(markup: str, expected: str | None, url: str | None):
    new, urls = rewrite(markup)
    assert len(urls) == 1
    if expected is not None:
        assert new == expected
    if url is not None:
        assert urls == [url]


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="mailto:ada@example.com">',
        '<a href="tel:+4930123">',
        '<a href="sms:+4930123">',
        '<a href="#top">',
        '<a href="/relative">',
        '<a href="">',
        "<a href>",
        "<a name=x>",
        '<a href="javascript:alert(1)">',
        '<a href="https://a.test" data-no-track>',
        "<a DATA-NO-TRACK=1 href=https://a.test>",
        f'<a href="{BASE}/u/token">',
        f'<a href="{BASE}/p/token">',
        f'<a href="{BASE}/m/token">',
        f'<a href="{BASE}/c/token">',
        f'<a href="{BASE}/v1/email/unsubscribe?token=x">',
        '<link href="https://a.test/style.css">',
        '<img src="https://a.test/a.png">',
        '<!-- <a href="https://a.test"> -->',
        '<!--[if mso]><a href="https://a.test"><![endif]-->',
        '<style>a[href="<a href=https://a.test>"]{}</style>',
        '<title><a href="https://a.test"></title>',
        '<textarea><a href="https://a.test"></textarea >',
        "<p title='<a href=\"https://a.test\">'>",
        'text: href="https://a.test"',
        '<a href="https://a.test',
        '<a href="https://' + "a" * 5000 + '">',
    ],
)
def test_nothing_else_changes(markup: str):
    assert rewrite(markup) == (markup, [])


def test_positions_count_the_links_that_were_rewritten():
    markup = '<a href="https://a.test"><a href="mailto:b@b.test"><a href="https://c.test">'
    new, urls = rewrite(markup)
    assert new == '<a href="NEW0"><a href="mailto:b@b.test"><a href="NEW1">'
    assert urls == ["https://a.test", "https://c.test"]


def test_a_new_address_is_escaped():
    markup = '<a href="https://a.test">'
    new, _ = rewrite_links(
        markup, list(find_html_tokens(markup)), BASE, lambda *_: 'https://x.test/?a&"b'
    )
    assert new == '<a href="https://x.test/?a&amp;&quot;b">'


def test_a_link_that_only_begins_like_ours_is_tracked():
    assert rewrite(f'<a href="{BASE}.evil.test/u/x">')[1] == [f"{BASE}.evil.test/u/x"]


@given(st.text(max_size=120))
def test_any_text_without_a_tag_is_kept(text: str):
    markup = text.replace("<", "")
    assert rewrite(markup) == (markup, [])


class Oracle(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            first = {name: value for name, value in reversed(attrs)}
            if "href" in first:
                self.links.append(first["href"] or "")


VALUES = st.text(st.sampled_from("ab &;<>=/#?'\""), max_size=8)
ATTRIBUTES = st.one_of(
    VALUES.map(lambda value: ' href="{}"'.format(value.replace('"', ""))),
    VALUES.map(lambda value: " HREF = '{}'".format(value.replace("'", ""))),
    st.sampled_from([" href=a&amp;b", " class=c", " data-x", " /", "\n"]),
)
PIECES = st.one_of(
    st.lists(ATTRIBUTES, max_size=3).map(lambda attributes: f"<a{''.join(attributes)}>"),
    st.sampled_from(["</a>", "<p title='>'>", "text", "&lt;", "<!-- <a href=no> -->", "<br/>"]),
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_the_tokenizer_agrees_with_the_standard_library(markup: str):
    oracle = Oracle()
    oracle.feed(markup)
    oracle.close()
    hrefs = [
        parse_attributes(markup, tag).get("href")
        for tag in find_html_tokens(markup)
        if tag.name == "a"
    ]
    assert [href.value for href in hrefs if href is not None] == oracle.links


@pytest.mark.parametrize(
    "hostile", ["<", '<a x="', "<a ", "<a =", "<!--", "<a\t/", "<a x='\"", "</a ", "<style>"]
)
def test_hostile_markup_takes_linear_time(hostile: str):
    began = time.process_time()
    list(find_html_tokens(hostile * 50_000))
    assert time.process_time() - began < 1


def test_an_address_that_a_header_cannot_carry_is_escaped():
    assert normalize_web_address('https://a.test/<b>"') == "https://a.test/%3Cb%3E%22"
    assert normalize_web_address("https://a.test/\x01") == "https://a.test/%01"
