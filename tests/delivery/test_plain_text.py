"""The plain-text part that is made from the HTML.

The folder `plain_text/` is a corpus of what real newsletters are made of, each with the text that a
careful person would write for it.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogsend.delivery.markup import find_html_tokens
from hogsend.delivery.plain_text import html_to_text
from hogsend.delivery.styles import StyleInliner

CORPUS = Path(__file__).with_name("plain_text")


def convert(markup: str) -> str:
    """Return the plain part of a mail with this HTML."""
    inlined = StyleInliner().inline(markup)
    return html_to_text(inlined, list(find_html_tokens(inlined)))


@pytest.mark.parametrize("name", sorted(path.stem for path in CORPUS.glob("*.html")))
def test_a_newsletter_reads_as_a_careful_person_would_write_it(name: str):
    assert convert((CORPUS / f"{name}.html").read_text()) == (CORPUS / f"{name}.txt").read_text()


_TAGS = ("ul", "ol", "li", "p", "blockquote", "pre", "dd", "td", "table", "br", "a href=x", "hr")
_PARTS = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in _TAGS] + [f"</{tag.split()[0]}>" for tag in _TAGS]),
    st.sampled_from(["word", " ", "\n", "&nbsp;", "\u200d", "\u200b", "&#57348;", "&#57349;"]),
)


@given(st.lists(_PARTS, max_size=20).map("".join))
def test_no_markup_breaks_the_plain_part(markup: str):
    for text in (convert(markup), html_to_text(markup, list(find_html_tokens(markup)))):
        assert text.count("word") == markup.count("word")
        assert text.endswith("\n") and not text[:-1].startswith("\n")
        assert not any(unicodedata.category(character) == "Co" for character in text)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>One</p>\n  <p>Two\n  lines</p>", "One\n\nTwo lines"),
        ("<h1>Hello</h1>World<br>again", "Hello\n\nWorld\nagain"),
        ("<div>a</div><div><div>b</div></div>", "a\nb"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
        (
            "<p>See <a href='https://a.test/?x=1&amp;y=2'>the page</a>.</p>",
            "See the page (https://a.test/?x=1&y=2).",
        ),
        ("<a href='https://a.test/?a=1&copy=2'>x</a>", "x (https://a.test/?a=1&copy=2)"),
        ("<a href='https://a.test'>https://a.test</a>", "https://a.test"),
        ("<a href='mailto:ada@a.test'>ada@a.test</a>", "ada@a.test"),
        ("<a href='#top'>up</a>", "up"),
        (
            "<a href='https://a.test'><img alt='Open &amp; go' src=x></a>",
            "Open & go (https://a.test)",
        ),
        (
            "<table><tr><td>Plan</td><td>Pro</td></tr><tr><td>Seats</td><td>5</td></tr></table>",
            "Plan  Pro\nSeats  5",
        ),
        (
            "<table><tr><td><a href='https://a.test/0'>0</a></td>"
            "<td><a href='https://a.test/1'>1</a></td></tr></table>",
            "0 (https://a.test/0)\n1 (https://a.test/1)",
        ),
        ("<table><tr><td>a</td></tr></table><table><tr><td>b</td></tr></table>", "a\n\nb"),
        ("<table><tr><td>1</td><td><p>First</p></td></tr></table>", "1  First"),
        ("<div style='display:none'>preview<div>more</div></div><p>Body</p>", "Body"),
        ("<span aria-hidden=true>A</span> Acme", "Acme"),
        ('<b style="display : none">A</b> Acme', "Acme"),
        ('<b title="display:none" data-x="aria-hidden=true">A</b>', "A"),
        ("<head><title>T</title><style>p{}</style></head><body>x</body>", "x"),
        ("<!--[if mso]><p>Outlook</p><![endif]-->x", "x"),
        ("Dear Ada,<br><br>Hello.<br><br><br>Bye,<br>Bob<br>", "Dear Ada,\n\nHello.\n\nBye,\nBob"),
        ("<div>a<br></div><div>b</div><br><div>c</div>", "a\nb\n\nc"),
        ("<ul><li>a<br></li><li>b<br><br>c</li></ul>", "- a\n- b\n\n  c"),
        ("<pre>a<br><br>b</pre>", "a\n\nb"),
        (
            "<center>a</center>b<figure><img alt=c><figcaption>d</figcaption></figure>e",
            "a\nb\nc\nd\ne",
        ),
        ("<nav>a</nav><details><summary>b</summary>c</details><aside>d</aside>", "a\nb\nc\nd"),
        ("<table><caption>a</caption><tr><td>b</table>", "a\nb"),
        ("<div STYLE='DISPLAY:None'>a</div><i style='visibility: hidden'>b</i>c", "c"),
        ("&lt;b&gt; caf&eacute;&nbsp;ok", "<b> café ok"),
        ("a<hr>b", "a\n\n-----\n\nb"),
        ("", ""),
    ],
)
def test_a_mail_is_readable_as_plain_text(markup: str, expected: str):
    assert html_to_text(markup, list(find_html_tokens(markup))) == expected + "\n"
