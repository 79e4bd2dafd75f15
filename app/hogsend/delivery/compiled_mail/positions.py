"""Finds where the placeholders of a rendering stand, and what must be filled in there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..links import destination, links_of
from ..markup import RAW_TEXT, Tag, attributes, tags
from .placeholders import FIRST_AND_LAST, PLACEHOLDER, index_of

# A placeholder right after this may complete a character reference or a tag.
_BEGUN = re.compile(rf"[&<][#/0-9A-Za-z{FIRST_AND_LAST}]*+\Z")
# Attributes that mean nothing to style sheets without attribute selectors, and nothing to us but
# their value.
_VALUES = frozenset(("href", "src", "alt", "title", "aria-label"))
_NO_VALUES = frozenset(("base", "link", "meta"))
# Elements in which, or beside which, text is not read as text, or only at times.
_ODD = frozenset(("frameset", "math", "noscript", "plaintext", "select", "svg", "template"))


def free_placeholders(markup: str) -> frozenset[int]:
    """Return the placeholders where a plain value cannot change anything but itself.

    Args:
        markup: a rendering with placeholders, or what was made of one.
    """
    in_text: set[int] = set()
    in_values: set[int] = set()
    selectors = False
    position, raw = 0, ""
    for tag in (*tags(markup), Tag("", len(markup), len(markup), (0, 0))):
        if raw in ("", "title"):
            in_text.update(_within(markup, position, tag.start))
        elif raw == "style":
            selectors = selectors or "[" in markup[position : tag.start]
        if tag.name in _ODD:
            return frozenset()
        if tag.name not in _NO_VALUES and PLACEHOLDER.search(markup, *tag.attributes):
            for one in attributes(markup, tag).values():
                if one.quote and one.name in _VALUES:
                    in_values.update(_within(markup, one.start, one.end))
        position, raw = tag.end, tag.name if tag.name in RAW_TEXT else ""
    return frozenset(in_text if selectors else in_text | in_values)


def _within(markup: str, start: int, end: int) -> list[int]:
    return [
        index_of(placeholder[0])
        for placeholder in PLACEHOLDER.finditer(markup, start, end)
        if not _BEGUN.search(markup[start : placeholder.start()])
    ]


class Gap(NamedTuple):
    """A stretch of a mail that differs from mail to mail.

    Args:
        start: where it begins.
        end: where it ends.
        kind: a value in text, one in an attribute, the address of a link, or the open pixel.
        written: what is there: a placeholder, or the link's address with its placeholders, decoded.
    """

    start: int
    end: int
    kind: Literal["text", "attribute", "link", "pixel"]
    written: str


def find_gaps(markup: str, found: Sequence[Tag], base_url: str) -> list[Gap]:
    """Return the stretches of a mail that differ from mail to mail, in order.

    Args:
        markup: the HTML with its styles inlined; its placeholders are free.
        found: its tags, as `markup.tags` gives them.
        base_url: our own address, without a slash at its end.
    """
    links = [
        Gap(one.start, one.end, "link", one.value)
        for one in links_of(markup, found)
        if PLACEHOLDER.search(one.value) or destination(one.value, base_url)
    ]
    others: list[Gap] = []
    upcoming = iter((*found, Tag("", len(markup), len(markup), (0, 0))))
    tag = next(upcoming)
    for placeholder in PLACEHOLDER.finditer(markup):
        start, end = placeholder.span()
        while tag.end <= start:
            tag = next(upcoming)
        if any(link.start <= start < link.end for link in links):
            continue
        others.append(Gap(start, end, "attribute" if tag.start < start else "text", placeholder[0]))
    pixel = pixel_position(markup, found)
    return sorted([*links, *others, Gap(pixel, pixel, "pixel", "")])


def pixel_position(markup: str, found: Sequence[Tag]) -> int:
    """Return where the open pixel belongs: at the end of the body.

    Args:
        markup: the HTML.
        found: its tags.
    """
    # The inliner's output has no link after the end of the body, so their positions stay.
    return next((tag.start for tag in reversed(found) if tag.name == "/body"), len(markup))
