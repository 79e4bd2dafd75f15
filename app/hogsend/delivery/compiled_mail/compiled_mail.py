"""A mail whose derived parts are computed once, ready to be filled with values.

The derived parts do not depend on a plain value (placeholders.py) that stands in a free position
(positions.py). A value in any other position, such as a style sheet or a class, is a part of the
text that the mail is compiled from.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import mime
from ..links import destination
from ..markup import Tag, tags
from ..plain_text import address_of, link_suffix, text_of
from .placeholders import PLACEHOLDER, TextWithPlaceholders, derived_placeholder, index_of, is_plain
from .positions import Gap, find_gaps


@dataclass(frozen=True, slots=True)
class MailBodies:
    """The two parts of a mail.

    Args:
        html: the HTML part, with tracked links and the open pixel.
        encoded: the same as a MIME body.
        text: the plain part as made from the HTML; empty when it was not asked for.
        links: where the tracked links lead, in the order of their positions.
    """

    html: str
    encoded: bytes
    text: str
    links: list[str]


@dataclass(frozen=True, slots=True)
class _Link:
    """A link of the HTML part: where its address is among the pieces, how it is written, and
    where it leads when that is the same in every mail."""

    at: int
    href: TextWithPlaceholders
    url: str | None


@dataclass(frozen=True, slots=True)
class _Address:
    """A link of the plain part whose address or words have placeholders.

    `same` is whether the words are the address, which then is not repeated.
    """

    href: TextWithPlaceholders
    words: TextWithPlaceholders
    same: bool


class CompiledMail:
    """A mail, ready but for its values.

    Args:
        markup: the HTML with its styles inlined; its placeholders are free, and each is there once.
        values: the values of the current mail.
        base_url: the public address of Hogsend, without a trailing slash.
        plain: whether to make the plain part.

    Raises:
        ValueError: something reads like a placeholder and is none, such as `&#xe100;` in raw text.
    """

    def __init__(self, markup: str, values: Sequence[str], base_url: str, *, plain: bool) -> None:
        self._base = base_url
        self._count = len(values)
        # The HTML part; a piece that differs is empty. Then where values go in text and attributes.
        self._pieces: list[str] = []
        self._in_text: list[tuple[int, int]] = []
        self._in_attributes: list[tuple[int, int]] = []
        self._links: list[_Link] = []
        self._pixel_at = 0
        # The MIME body: whole lines that are always the same, and the pieces of all others.
        self._blocks: list[bytes | slice] = []
        self._addresses: list[_Address] = []
        tag_list = list(tags(markup))
        self._text = self._plain_part(markup, tag_list, values) if plain else None
        self._cut(markup, find_gaps(markup, tag_list, base_url))

    @property
    def shown(self) -> frozenset[int]:
        """The numbers of the values that the plain part's links look into."""
        lines = [line for one in self._addresses for line in (one.href, one.words)]
        return frozenset(number for line in lines for number in line.numbers)

    def fill(
        self, values: Sequence[str], target: Callable[[int, str], str], pixel: str
    ) -> MailBodies | None:
        """Return the mail with these values, or None when they would make a different one.

        Args:
            values: the values of the rendering.
            target: makes the tracked address out of a link's position and its old address.
            pixel: the markup of the open pixel.
        """
        text = ""
        if self._text is not None:
            shown = self._shown(values)
            if shown is None:
                return None
            text = self._text.fill([*values, *shown])
        pieces = self._pieces.copy()
        pieces[self._pixel_at] = pixel
        for at, number in self._in_text:
            pieces[at] = html.escape(values[number], quote=False)
        for at, number in self._in_attributes:
            pieces[at] = _in_quotes(values[number])
        links: list[str] = []
        for link in self._links:
            href = link.href.fill(values)
            url = link.url or destination(href, self._base)
            if url is None:
                pieces[link.at] = _in_quotes(href)
            else:
                pieces[link.at] = html.escape(target(len(links), url))
                links.append(url)
        encoded = [
            block if isinstance(block, bytes) else mime.encoded("".join(pieces[block]))
            for block in self._blocks
        ]
        return MailBodies("".join(pieces), b"".join(encoded), text, links)

    def _plain_part(
        self, markup: str, found: Sequence[Tag], values: Sequence[str]
    ) -> TextWithPlaceholders:
        def address(url: str, words: str) -> str:
            if not PLACEHOLDER.search(url + words):
                return link_suffix(address_of(url), words)
            href, linked = (
                TextWithPlaceholders(url, self._count),
                TextWithPlaceholders(words, self._count),
            )
            same = address_of(href.fill(values)) == linked.fill(values)
            placeholder = derived_placeholder(len(self._addresses))
            self._addresses.append(_Address(href, linked, same))
            return link_suffix(words if same else placeholder, words)

        text = text_of(markup, found, address)
        return TextWithPlaceholders(text, self._count, len(self._addresses))

    def _shown(self, values: Sequence[str]) -> list[str] | None:
        """Return the plain part's addresses, or None when one calls for another plain part."""
        found: list[str] = []
        for one in self._addresses:
            href = one.href.fill(values)
            shown = address_of(href)
            same = shown == one.words.fill(values)
            if same != one.same or href.startswith("#") or not is_plain(shown):
                return None
            found.append(shown)
        return found

    def _cut(self, markup: str, gaps: Sequence[Gap]) -> None:
        position = begun = 0
        for gap in gaps:
            begun = self._keep(markup[position : gap.start], begun, first=not position)
            self._open(gap, len(self._pieces))
            self._pieces.append("")
            position = gap.end
        begun = self._keep(markup[position:], begun, last=True)
        if begun < len(self._pieces):
            self._blocks.append(slice(begun, len(self._pieces)))

    def _keep(self, text: str, begun: int, *, first: bool = False, last: bool = False) -> int:
        """Add the text between two gaps; its whole lines are encoded now, once.

        Args:
            text: what is always the same.
            begun: the piece with which the line that it continues begins.
            first: whether it is the beginning of the mail.
            last: whether it is the end of the mail.

        Returns the piece with which the line begins that it leaves open.
        """
        start = 0 if first else text.find("\n") + 1
        end = len(text) if last else text.rfind("\n") + 1
        if start >= end or not (first or start):
            self._pieces.append(text)
            return begun
        self._pieces += (text[:start], text[start:end])
        if not first:
            self._blocks.append(slice(begun, len(self._pieces) - 1))
        self._blocks.append(mime.encoded(text[start:end]))
        if not last:
            self._pieces.append(text[end:])
        return len(self._pieces) - (not last)

    def _open(self, gap: Gap, at: int) -> None:
        if gap.kind == "text":
            self._in_text.append((at, index_of(gap.written)))
        elif gap.kind == "attribute":
            self._in_attributes.append((at, index_of(gap.written)))
        elif gap.kind == "pixel":
            self._pixel_at = at
        else:
            href = TextWithPlaceholders(gap.written, self._count)
            always = None if href.numbers else destination(gap.written, self._base)
            self._links.append(_Link(at, href, always))


def _in_quotes(value: str) -> str:
    # As the inliner writes attributes; a plain value has no space that it would write differently.
    return value.replace("&", "&amp;").replace('"', "&quot;")
