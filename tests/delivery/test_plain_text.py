"""The plain-text part that is made from the HTML."""

from __future__ import annotations

import pytest

from hogsend.delivery.markup import find_html_tokens
from hogsend.delivery.plain_text import html_to_text


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
        ("&lt;b&gt; caf&eacute;&nbsp;ok", "<b> café ok"),
        ("a<hr>b", "a\n\n-----\n\nb"),
        ("", ""),
    ],
)
def test_a_mail_is_readable_as_plain_text(markup: str, expected: str):
    assert html_to_text(markup, list(find_html_tokens(markup))) == expected + "\n"
