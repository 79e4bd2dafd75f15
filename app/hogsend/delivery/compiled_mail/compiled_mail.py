"""A mail whose derived parts are computed once, so that each mail only fills in its values.

The derived parts are the links, the plain part and the MIME encoding. They do not depend on a plain
value (`placeholders.is_plain`) in a free position (`positions.find_free_placeholders`). A value in
any other position, such as a style sheet or a class name, is a fixed part of the compiled text.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import mime
from ..links import resolve_destination
from ..markup import HtmlToken, find_html_tokens
from ..plain_text import format_address, format_link_suffix, html_to_text
from .placeholders import (
    PLACEHOLDER,
    TextWithPlaceholders,
    get_value_index,
    is_plain,
    make_derived_placeholder,
)
from .positions import Gap, find_gaps


@dataclass(frozen=True, slots=True)
class MailBodies:
    """The two parts of a mail.

    Args:
        html: the HTML part, with tracked links and the open pixel.
        encoded: the HTML part as a MIME body.
        text: the plain part made from the HTML; empty when the template has its own text file.
        links: the destinations of the tracked links, in the order of their positions.
    """

    html: str
    encoded: bytes
    text: str
    links: list[str]


@dataclass(frozen=True, slots=True)
class _Link:
    """A link of the HTML part.

    Args:
        index: the index of the piece that holds the link's address.
        href: the address as the template writes it.
        url: the destination, if it is the same in every mail.
    """

    index: int
    href: TextWithPlaceholders
    url: str | None


@dataclass(frozen=True, slots=True)
class _Address:
    """A link of the plain part whose address or words have placeholders.

    Args:
        href: the address as the template writes it.
        words: the linked words.
        is_words: whether the words are the address, which the plain part then shows only once.
    """

    href: TextWithPlaceholders
    words: TextWithPlaceholders
    is_words: bool


class CompiledMail:
    """A mail that lacks only its values.

    Args:
        markup: the HTML with its styles inlined; all its placeholders are free and occur once.
        values: the values of the current mail.
        base_url: the public address of Hogsend, without a trailing slash.
        plain: whether to make the plain part.

    Raises:
        ValueError: the text contains a character of the placeholders that is none, such as
            `&#xe100;` in raw text.
    """

    def __init__(self, markup: str, values: Sequence[str], base_url: str, *, plain: bool) -> None:
        self._base = base_url
        self._count = len(values)
        # The pieces of the HTML part. A piece that differs from mail to mail is empty here.
        self._pieces: list[str] = []
        # The indexes of pieces in text and in attributes, each with the number of its value.
        self._in_text: list[tuple[int, int]] = []
        self._in_attributes: list[tuple[int, int]] = []
        self._links: list[_Link] = []
        self._pixel_index = 0
        # The MIME body: encoded lines that are always the same, and ranges of pieces to encode.
        self._blocks: list[bytes | slice] = []
        self._addresses: list[_Address] = []
        html_tokens = list(find_html_tokens(markup))
        self._text = self._compile_text(markup, html_tokens, values) if plain else None
        self._split_into_pieces(markup, find_gaps(markup, html_tokens, base_url))

    @property
    def numbers_in_addresses(self) -> frozenset[int]:
        """The numbers of the values in the addresses and words of the plain part's links."""
        texts = [text for address in self._addresses for text in (address.href, address.words)]
        return frozenset(number for text in texts for number in text.numbers)

    def fill(
        self, values: Sequence[str], target: Callable[[int, str], str], pixel: str
    ) -> MailBodies | None:
        """Return the mail with these values, or None if they need a differently compiled mail.

        Args:
            values: the values of the rendering.
            target: makes a link's tracked address from its position and its destination.
            pixel: the markup of the open pixel.
        """
        text = ""
        if self._text is not None:
            addresses = self._fill_addresses(values)
            if addresses is None:
                return None
            text = self._text.fill([*values, *addresses])
        pieces = self._pieces.copy()
        pieces[self._pixel_index] = pixel
        for index, number in self._in_text:
            pieces[index] = html.escape(values[number], quote=False)
        for index, number in self._in_attributes:
            pieces[index] = _escape_attribute(values[number])
        links: list[str] = []
        for link in self._links:
            href = link.href.fill(values)
            url = link.url or resolve_destination(href, self._base)
            if url is None:
                pieces[link.index] = _escape_attribute(href)
            else:
                pieces[link.index] = html.escape(target(len(links), url))
                links.append(url)
        encoded = [
            block
            if isinstance(block, bytes)
            else mime.encode_quoted_printable("".join(pieces[block]))
            for block in self._blocks
        ]
        return MailBodies("".join(pieces), b"".join(encoded), text, links)

    def _compile_text(
        self, markup: str, html_tokens: Sequence[HtmlToken], values: Sequence[str]
    ) -> TextWithPlaceholders:
        def format_suffix(url: str, words: str) -> str:
            if not PLACEHOLDER.search(url + words):
                return format_link_suffix(format_address(url), words)
            href, linked = (
                TextWithPlaceholders(url, self._count),
                TextWithPlaceholders(words, self._count),
            )
            is_words = format_address(href.fill(values)) == linked.fill(values)
            placeholder = make_derived_placeholder(len(self._addresses))
            self._addresses.append(_Address(href, linked, is_words))
            return format_link_suffix(words if is_words else placeholder, words)

        text = html_to_text(markup, html_tokens, format_suffix)
        return TextWithPlaceholders(text, self._count, len(self._addresses))

    def _fill_addresses(self, values: Sequence[str]) -> list[str] | None:
        """Return the addresses that the plain part shows, or None if its form would change."""
        formatted: list[str] = []
        for address in self._addresses:
            href = address.href.fill(values)
            text = format_address(href)
            is_words = text == address.words.fill(values)
            if is_words != address.is_words or href.startswith("#") or not is_plain(text):
                return None
            formatted.append(text)
        return formatted

    def _split_into_pieces(self, markup: str, gaps: Sequence[Gap]) -> None:
        position = line_start = 0
        for gap in gaps:
            line_start = self._add_text(
                markup[position : gap.start], line_start, first=not position
            )
            self._add_gap(gap, len(self._pieces))
            self._pieces.append("")
            position = gap.end
        line_start = self._add_text(markup[position:], line_start, last=True)
        if line_start < len(self._pieces):
            self._blocks.append(slice(line_start, len(self._pieces)))

    def _add_text(
        self, text: str, line_start: int, *, first: bool = False, last: bool = False
    ) -> int:
        """Add the text between two gaps, and encode its whole lines.

        Args:
            text: the text, which is the same in every mail.
            line_start: the index of the piece that begins the line which the text continues.
            first: whether the text is the beginning of the mail.
            last: whether the text is the end of the mail.

        Returns:
            The index of the piece that begins the line which the text leaves open.
        """
        start = 0 if first else text.find("\n") + 1
        end = len(text) if last else text.rfind("\n") + 1
        if start >= end or not (first or start):
            self._pieces.append(text)
            return line_start
        self._pieces += (text[:start], text[start:end])
        if not first:
            self._blocks.append(slice(line_start, len(self._pieces) - 1))
        self._blocks.append(mime.encode_quoted_printable(text[start:end]))
        if not last:
            self._pieces.append(text[end:])
        return len(self._pieces) - (not last)

    def _add_gap(self, gap: Gap, index: int) -> None:
        if gap.kind == "text":
            self._in_text.append((index, get_value_index(gap.written)))
        elif gap.kind == "attribute":
            self._in_attributes.append((index, get_value_index(gap.written)))
        elif gap.kind == "pixel":
            self._pixel_index = index
        else:
            href = TextWithPlaceholders(gap.written, self._count)
            url = None if href.numbers else resolve_destination(gap.written, self._base)
            self._links.append(_Link(index, href, url))


def _escape_attribute(value: str) -> str:
    # The inliner escapes attributes like this, and a plain value has no space that it would change.
    return value.replace("&", "&amp;").replace('"', "&quot;")
