"""Converts the HTML of a mail into its plain-text part."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from .links import normalize_web_address
from .markup import HtmlToken, parse_attributes

# Private-use characters mark line breaks, paragraphs, cells, the end of a link's address, and the
# author's own line breaks. Breaks absorb the spaces around them.
_LINE, _PARAGRAPH, _CELL, _LINK = "\ue000", "\ue001", "\ue002", "\ue003"
_NEW_LINE = "\ue008"
# These begin and end a part whose lines are indented or quoted, and stand for the line breaks and
# spaces of preformatted text.
_IN, _OUT, _KEPT_LINE, _KEPT_SPACE = "\ue004", "\ue005", "\ue006", "\ue007"
_KEPT = str.maketrans({"\n": _KEPT_LINE, " ": _KEPT_SPACE, "\t": _KEPT_SPACE * 4, "\r": None})
_QUOTE = "> "
_PARAGRAPHS = "p table h1 h2 h3 h4 h5 h6 blockquote pre"
_BLOCKS = (
    "address article aside body caption center dd details div dl dt fieldset figcaption figure "
    "footer form header hgroup legend li main nav section summary tbody tfoot thead tr"
)
_AFTER: dict[str, str] = {
    **{name: _PARAGRAPH for name in _PARAGRAPHS.split()},
    **{name: _LINE for name in _BLOCKS.split()},
}
_BEFORE: dict[str, str] = _AFTER | {
    "br": _NEW_LINE,
    "hr": f"{_PARAGRAPH}-----{_PARAGRAPH}",
    "td": _CELL,
    "th": _CELL,
}
_VOID = frozenset(("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"))
_INVISIBLE = frozenset(("head", "style", "script", "title", "template", "noscript"))
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_OTHER_SPACES = r"\t\r\n\f\xa0\u2007"
# Where a word may be broken, and what has no width. A joiner or a non-joiner is a part of a word,
# as in Persian and in emoji, and only fills a preview text where it has no letters beside it.
_NO_WIDTH = re.compile(
    "[\xad\u200b\u2060\ufeff\u034f]|(?<![^\\s\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?!\\S)"
)
# A single ordinary space does not match: a mail has hundreds of them between its words.
_SPACES = re.compile(rf"[{_OTHER_SPACES}][ {_OTHER_SPACES}]*| [ {_OTHER_SPACES}]+")
_MARKS = f"{_LINE}{_PARAGRAPH}{_CELL}{_IN}{_OUT}{_NEW_LINE}"
_BREAK = re.compile(rf"({_LINK}?) ?([{_MARKS}])[ {_MARKS}]*")


def format_address(url: str) -> str:
    """Return a link's address in the form that the plain part shows.

    Args:
        url: the `href`, without surrounding spaces.
    """
    web_address = normalize_web_address(url)
    if web_address is not None:
        return web_address
    scheme, colon, rest = url.partition(":")
    if colon and scheme.lower() in ("mailto", "tel", "sms"):
        # The rest is the subject and the text of a mail that the link begins.
        return unquote(rest.partition("?")[0])
    return url


def format_link_suffix(address: str, words: str) -> str:
    """Return the text after the words of a link: its address, unless the words are the address.

    Args:
        address: the address from `format_address`.
        words: the linked words.
    """
    if not words:
        return address
    return "" if address in (words, "") else f" ({address}){_LINK}"


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
        writer.add_text(markup[position : html_token.start])
        writer.process(html_token)
        position = html_token.end
    writer.add_text(markup[position:])
    text = _NO_WIDTH.sub("", html.unescape("".join(writer.pieces)))
    text = _BREAK.sub(_choose_spacing, _SPACES.sub(" ", text)).replace(_LINK, "")
    return _indent_lines(text.replace(_KEPT_LINE, "\n"), writer.prefixes) + "\n"


def _indent_lines(text: str, prefixes: Sequence[str]) -> str:
    """Return a text whose marked parts are indented or quoted.

    Args:
        text: the text, in which marks of parts are only at the beginnings of lines.
        prefixes: the prefix of each part, in order: the number or the dash of a list's item, or the
            sign of a quotation.
    """
    upcoming = iter(prefixes)
    indents: list[str] = []
    lines: list[str] = []
    for line in text.strip("\n ").split("\n"):
        begun, position = _read_marks(line, indents, upcoming)
        content = line[position:].replace(_KEPT_SPACE, " ").rstrip()
        indent = "".join(indents)
        # The prefixes of the parts that begin here take the place of their indents.
        indent = indent[: len(indent) - len(begun)] + begun
        lines.append((indent + content).rstrip())
    return "\n".join(lines).strip("\n").rstrip()


def _read_marks(line: str, indents: list[str], upcoming: Iterator[str]) -> tuple[str, int]:
    """Begin and end the parts whose marks are at the beginning of a line.

    Args:
        line: the line.
        indents: the indents of the open parts, outermost first, which this changes. Each line of a
            quotation begins with its sign; the other lines of an item with spaces.
        upcoming: the prefixes of the parts that have not begun.

    Returns:
        The prefixes of the parts that the line begins, and the position of its text.
    """
    begun, position = "", 0
    while position < len(line) and line[position] in (_IN, _OUT):
        if line[position] == _IN:
            # An author may write the character of a mark.
            prefix = next(upcoming, "")
            begun += prefix
            indents.append(prefix if prefix == _QUOTE else " " * len(prefix))
        else:
            width = len(indents.pop()) if indents else 0
            begun = begun[: max(len(begun) - width, 0)]
        position += 1
    return begun, position


def _choose_spacing(match: re.Match[str]) -> str:
    """Return the spaces or line breaks for a run of marks, with the marks of parts in it."""
    # A cell is on the line of the previous cell of its row. After a link it begins a new line, or a
    # row of links, such as a scale, would be one long line of addresses.
    marks = "".join(mark for mark in match[0] if mark in (_IN, _OUT))
    if match[2] == _CELL and not marks:
        return "\n" if match[1] else "  "
    # The first break of a line that has text only ends that line.
    blank_lines = match[0].count(_NEW_LINE) - (match[2] == _NEW_LINE)
    if _PARAGRAPH not in match[0] and blank_lines < 1:
        return "\n" + marks
    # The blank line belongs to what surrounds both paragraphs.
    ends = marks.rfind(_OUT) + 1
    return f"\n{marks[:ends]}\n{marks[ends:]}"


class _TextWriter:
    """Collects the text of a mail, in which character references are not decoded yet.

    Attributes:
        pieces: the text so far.
        prefixes: what each indented or quoted part begins with, in order.
        hidden_in: the invisible element that contains the current position, or empty.
    """

    def __init__(self, markup: str, format_suffix: Callable[[str, str], str]) -> None:
        self._markup, self._format_suffix = markup, format_suffix
        self.pieces: list[str] = []
        self.prefixes: list[str] = []
        # The number of the next item of each open list; None for a list without numbers.
        self._lists: list[int | None] = []
        self._is_preformatted = False
        # The `href` of the open link, and the index of the first piece of its words.
        self._link: tuple[str, int] | None = None
        self.hidden_in = ""
        self._depth = 0

    def add_text(self, text: str) -> None:
        if not self.hidden_in:
            self.pieces.append(text.translate(_KEPT) if self._is_preformatted else text)

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
        elif name in ("ul", "ol", "li", "dd", "blockquote", "pre"):
            self._begin_part(name, tag)
        elif mark := _BEFORE.get(name):
            self.pieces.append(_KEPT_LINE if name == "br" and self._is_preformatted else mark)

    def _begin_part(self, name: str, tag: HtmlToken) -> None:
        """Begin a list, an item, a quotation or a preformatted text."""
        if name in ("ul", "ol"):
            self.pieces.append(_LINE if self._lists else _PARAGRAPH)
            self._lists.append(self._read_number(tag, "start", 1) if name == "ol" else None)
        elif name == "pre":
            self._is_preformatted = True
            self.pieces.append(_PARAGRAPH)
        elif name == "blockquote":
            self._indent(_QUOTE, _PARAGRAPH)
        elif name == "dd":
            self._indent("  ", _LINE)
        else:
            number = self._lists[-1] if self._lists else None
            if number is not None:
                number = self._read_number(tag, "value", number)
                self._lists[-1] = number + 1
            self._indent("- " if number is None else f"{number}. ", _LINE)

    def _read_number(self, tag: HtmlToken, name: str, default: int) -> int:
        attribute = parse_attributes(self._markup, tag).get(name)
        text = attribute.value.strip() if attribute else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default

    def _indent(self, prefix: str, mark: str) -> None:
        self.prefixes.append(prefix)
        self.pieces.append(mark + _IN)

    def _end_part(self, name: str) -> None:
        if name in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            self.pieces.append(_LINE if self._lists else _PARAGRAPH)
        elif name == "pre":
            self._is_preformatted = False
            self.pieces[-1] = self.pieces[-1].rstrip(_KEPT_LINE)
            self.pieces.append(_PARAGRAPH)
        else:
            self.pieces.append(_OUT + (_PARAGRAPH if name == "blockquote" else _LINE))

    def _is_hidden(self, tag: HtmlToken) -> bool:
        source = self._markup[slice(*tag.attributes_span)].lower()
        # Most tags have neither word, and a search costs less than parsing the attributes.
        if "display" not in source and "hidden" not in source:
            return False
        by_name = parse_attributes(self._markup, tag)
        if "hidden" in by_name:
            return True
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
        elif name in ("ul", "ol", "li", "dd", "blockquote", "pre"):
            self._end_part(name)
        elif mark := _AFTER.get(name):
            self.pieces.append(mark)
