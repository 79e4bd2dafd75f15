"""The plain-text part of a mail, made from its HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

from .links import web_address
from .markup import Tag, attributes

# Characters that no text contains mark line breaks, paragraphs, cells and the end of a link's
# address; breaks absorb the spaces around them.
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


def address_of(url: str) -> str:
    """Return a link's address as the plain part shows it.

    Args:
        url: the `href`, without spaces around it.
    """
    return web_address(url) or url.removeprefix("mailto:").removeprefix("tel:")


def link_suffix(address: str, words: str) -> str:
    """Return the text after the words of a link: its address, unless the words are the address.

    Args:
        address: as `address_of` gives it.
        words: the words that are linked.
    """
    if not words:
        return address
    return "" if address == words else f" ({address}){_LINK}"


def _suffix_of(url: str, words: str) -> str:
    return link_suffix(address_of(url), words)


def text_of(
    markup: str, tags: Sequence[Tag], address: Callable[[str, str], str] = _suffix_of
) -> str:
    """Return a mail as plain text, with the addresses of its links and without hidden parts.

    Args:
        markup: the HTML, its CSS inlined, its links not yet rewritten.
        tags: its tags, as `markup.tags` gives them.
        address: makes the text after a link from its `href` and its words.
    """
    writer = _TextWriter(markup, address)
    position = 0
    for tag in tags:
        if not writer.hidden_in:
            writer.pieces.append(markup[position : tag.start])
        writer.tag(tag)
        position = tag.end
    if not writer.hidden_in:
        writer.pieces.append(markup[position:])
    text = _SPACES.sub(" ", html.unescape("".join(writer.pieces)))
    return _BREAK.sub(_spacing, text).replace(_LINK, "").strip() + "\n"


def _spacing(match: re.Match[str]) -> str:
    # A cell stands beside the previous cell of its row. Links of a row, such as a scale, each get
    # a line, or the row would be one long line of addresses.
    if match[2] == _CELL:
        return "\n" if match[1] else "  "
    return "\n\n" if _PARAGRAPH in match[0] else "\n"


class _TextWriter:
    """Collects the text, still with character references.

    Attributes:
        pieces: the text so far.
        hidden_in: the invisible element around the position, or empty.
    """

    def __init__(self, markup: str, address: Callable[[str, str], str]) -> None:
        self._markup, self._address = markup, address
        self.pieces: list[str] = []
        self._link: tuple[str, int] | None = None
        self.hidden_in = ""
        self._depth = 0

    def tag(self, tag: Tag) -> None:
        name = tag.name
        if self.hidden_in:
            self._inside_hidden(name)
        elif name.startswith("/"):
            self._end(name[1:])
        elif name:
            self._start(name, tag)

    def _inside_hidden(self, name: str) -> None:
        if name == self.hidden_in:
            self._depth += 1
        elif name == "/" + self.hidden_in:
            self._depth -= 1
            if not self._depth:
                self.hidden_in = ""

    def _start(self, name: str, tag: Tag) -> None:
        if name in _INVISIBLE or self._is_hidden(tag):
            if name not in _VOID:
                self.hidden_in, self._depth = name, 1
        elif name == "img":
            alt = attributes(self._markup, tag).get("alt")
            self.pieces.append(html.escape(alt.value) if alt else "")
        elif name == "a":
            href = attributes(self._markup, tag).get("href")
            url = href.value.strip() if href else ""
            self._link = (url, len(self.pieces)) if url and not url.startswith("#") else None
        elif mark := _BEFORE.get(name):
            self.pieces.append(mark)

    def _is_hidden(self, tag: Tag) -> bool:
        source = self._markup[tag.attributes[0] : tag.attributes[1]]
        # Most tags have neither word, and a search for it costs less than reading the attributes.
        if "display" not in source and "aria-hidden" not in source:
            return False
        by_name = attributes(self._markup, tag)
        style, aria = by_name.get("style"), by_name.get("aria-hidden")
        if style is not None and _HIDDEN.search(style.value):
            return True
        return aria is not None and aria.value.startswith("true")

    def _end(self, name: str) -> None:
        if name == "a" and self._link is not None:
            url, start = self._link
            words = html.unescape("".join(self.pieces[start:]).strip())
            self.pieces.append(html.escape(self._address(url, words)))
            self._link = None
        elif mark := _AFTER.get(name):
            self.pieces.append(mark)
