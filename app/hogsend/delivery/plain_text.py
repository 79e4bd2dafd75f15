"""The plain-text part of a mail, made from its HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

from .links import web_address
from .markup import Tag, attributes

# Marks that no text contains: breaks that swallow spaces, the border between two cells, and the
# end of a link's address.
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
_UNSEEN = frozenset(("head", "style", "script", "title", "template", "noscript"))
_HIDDEN = re.compile(r"display\s*:\s*none")
_ODD_SPACES = r"\t\r\n\f\xa0\u200b-\u200d\u034f\u2007\ufeff\xad"
# A single ordinary space, as between any two words, is no match: there are hundreds of them.
_SPACES = re.compile(rf"[{_ODD_SPACES}][ {_ODD_SPACES}]*| [ {_ODD_SPACES}]+")
_MARKS = f"{_LINE}{_PARAGRAPH}{_CELL}"
_BREAK = re.compile(rf"({_LINK}?) ?([{_MARKS}])[ {_MARKS}]*")


def address_of(url: str) -> str:
    """Return a link's address as the plain part shows it.

    Args:
        url: the `href`, without spaces around it.
    """
    return web_address(url) or url.removeprefix("mailto:").removeprefix("tel:")


def beside(address: str, words: str) -> str:
    """Return what follows the words of a link.

    Args:
        address: as `address_of` gives it.
        words: what is linked; when they are the address, it is not repeated.
    """
    if not words:
        return address
    return "" if address == words else f" ({address}){_LINK}"


def _written(url: str, words: str) -> str:
    return beside(address_of(url), words)


def text_of(markup: str, tags: Sequence[Tag], address: Callable[[str, str], str] = _written) -> str:
    """Return a mail as plain text: paragraphs apart, links with their addresses, no hidden parts.

    Args:
        markup: the HTML, its CSS inlined, its links not yet rewritten.
        tags: its tags, as `markup.tags` gives them.
        address: makes what follows a link out of its `href` and its words.
    """
    writing = _TextWriter(markup, address)
    position = 0
    for tag in tags:
        if not writing.hidden_in:
            writing.pieces.append(markup[position : tag.start])
        writing.tag(tag)
        position = tag.end
    if not writing.hidden_in:
        writing.pieces.append(markup[position:])
    text = _SPACES.sub(" ", html.unescape("".join(writing.pieces)))
    return _BREAK.sub(_spacing, text).replace(_LINK, "").strip() + "\n"


def _spacing(found: re.Match[str]) -> str:
    # A cell that begins inside a row stands beside the one before it, whatever it begins with;
    # but a row of links, such as a scale, would be one long line of addresses.
    if found[2] == _CELL:
        return "\n" if found[1] else "  "
    return "\n\n" if _PARAGRAPH in found[0] else "\n"


class _TextWriter:
    """The text so far, still with character references.

    `hidden_in` is the unseen element that the position is inside of.
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
        if name in _UNSEEN or self._is_hidden(tag):
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
        written = self._markup[tag.attributes[0] : tag.attributes[1]]
        # Most tags are none of these, and a look for a word costs less than their attributes.
        if "display" not in written and "aria-hidden" not in written:
            return False
        of_tag = attributes(self._markup, tag)
        style, aria = of_tag.get("style"), of_tag.get("aria-hidden")
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
