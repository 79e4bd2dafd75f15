"""Converts the HTML of a mail into its plain-text part."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

from .links import normalize_web_address
from .markup import HtmlToken, parse_attributes

# Private-use characters mark line breaks, paragraphs, cells and the end of a link's address. Breaks
# absorb the spaces around them.
_LINE, _PARAGRAPH, _CELL, _LINK = "\ue000", "\ue001", "\ue002", "\ue003"
_PARAGRAPHS = "p table h1 h2 h3 h4 h5 h6 ul ol blockquote pre"
_BLOCKS = "address article body dd div dl dt footer header li main section tbody tfoot thead tr"
_AFTER: dict[str, str] = {
    **{name: _PARAGRAPH for name in _PARAGRAPHS.split()},
    **{name: _LINE for name in _BLOCKS.split()},
}
_BEFORE: dict[str, str] = _AFTER | {
    "br": _LINE,
    "hr": f"{_PARAGRAPH}-----{_PARAGRAPH}",
    "li": f"{_LINE}- ",
    "td": _CELL,
    "th": _CELL,
}
_VOID = frozenset(("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"))
_INVISIBLE = frozenset(("head", "style", "script", "title", "template", "noscript"))
_HIDDEN = re.compile(r"display\s*:\s*none")
_OTHER_SPACES = r"\t\r\n\f\xa0\u200b-\u200d\u034f\u2007\ufeff\xad"
# A single ordinary space does not match: a mail has hundreds of them between its words.
_SPACES = re.compile(rf"[{_OTHER_SPACES}][ {_OTHER_SPACES}]*| [ {_OTHER_SPACES}]+")
_MARKS = f"{_LINE}{_PARAGRAPH}{_CELL}"
_BREAK = re.compile(rf"({_LINK}?) ?([{_MARKS}])[ {_MARKS}]*")


def format_address(url: str) -> str:
    """Return a link's address in the form that the plain part shows.

    Args:
        url: the `href`, without surrounding spaces.
    """
    return normalize_web_address(url) or url.removeprefix("mailto:").removeprefix("tel:")


def format_link_suffix(address: str, words: str) -> str:
    """Return the text after the words of a link: its address, unless the words are the address.

    Args:
        address: the address from `format_address`.
        words: the linked words.
    """
    if not words:
        return address
    return "" if address == words else f" ({address}){_LINK}"


def _format_suffix(url: str, words: str) -> str:
    return format_link_suffix(format_address(url), words)


def html_to_text(
    markup: str,
    html_tokens: Sequence[HtmlToken],
    format_suffix: Callable[[str, str], str] = _format_suffix,
) -> str:
    """Return a mail as plain text, with the addresses of its links and without hidden parts.

    Args:
        markup: the HTML, with inlined styles and before its links are rewritten.
        html_tokens: the tokens of the HTML, from `find_html_tokens`.
        format_suffix: makes the text after a link from its `href` and its words.
    """
    writer = _TextWriter(markup, format_suffix)
    position = 0
    for html_token in html_tokens:
        if not writer.hidden_in:
            writer.pieces.append(markup[position : html_token.start])
        writer.process(html_token)
        position = html_token.end
    if not writer.hidden_in:
        writer.pieces.append(markup[position:])
    text = _SPACES.sub(" ", html.unescape("".join(writer.pieces)))
    return _BREAK.sub(_choose_spacing, text).replace(_LINK, "").strip() + "\n"


def _choose_spacing(match: re.Match[str]) -> str:
    # A cell is on the line of the previous cell of its row. After a link it begins a new line, or a
    # row of links, such as a scale, would be one long line of addresses.
    if match[2] == _CELL:
        return "\n" if match[1] else "  "
    return "\n\n" if _PARAGRAPH in match[0] else "\n"


class _TextWriter:
    """Collects the text of a mail, in which character references are not decoded yet.

    Attributes:
        pieces: the text so far.
        hidden_in: the invisible element that contains the current position, or empty.
    """

    def __init__(self, markup: str, format_suffix: Callable[[str, str], str]) -> None:
        self._markup, self._format_suffix = markup, format_suffix
        self.pieces: list[str] = []
        # The `href` of the open link, and the index of the first piece of its words.
        self._link: tuple[str, int] | None = None
        self.hidden_in = ""
        self._depth = 0

    def process(self, html_token: HtmlToken) -> None:
        name = html_token.name
        if self.hidden_in:
            self._track_hidden(name)
        elif name.startswith("/"):
            self._end(name[1:])
        elif name:
            self._start(name, html_token)

    def _track_hidden(self, name: str) -> None:
        if name == self.hidden_in:
            self._depth += 1
        elif name == "/" + self.hidden_in:
            self._depth -= 1
            if not self._depth:
                self.hidden_in = ""

    def _start(self, name: str, tag: HtmlToken) -> None:
        if name in _INVISIBLE or self._is_hidden(tag):
            if name not in _VOID:
                self.hidden_in, self._depth = name, 1
        elif name == "img":
            alt = parse_attributes(self._markup, tag).get("alt")
            self.pieces.append(html.escape(alt.value) if alt else "")
        elif name == "a":
            href = parse_attributes(self._markup, tag).get("href")
            url = href.value.strip() if href else ""
            self._link = (url, len(self.pieces)) if url and not url.startswith("#") else None
        elif mark := _BEFORE.get(name):
            self.pieces.append(mark)

    def _is_hidden(self, tag: HtmlToken) -> bool:
        source = self._markup[slice(*tag.attributes_span)]
        # Most tags have neither word, and a search costs less than parsing the attributes.
        if "display" not in source and "aria-hidden" not in source:
            return False
        by_name = parse_attributes(self._markup, tag)
        style, aria = by_name.get("style"), by_name.get("aria-hidden")
        if style is not None and _HIDDEN.search(style.value):
            return True
        return aria is not None and aria.value.startswith("true")

    def _end(self, name: str) -> None:
        if name == "a" and self._link is not None:
            url, start = self._link
            words = html.unescape("".join(self.pieces[start:]).strip())
            self.pieces.append(html.escape(self._format_suffix(url, words)))
            self._link = None
        elif mark := _AFTER.get(name):
            self.pieces.append(mark)
