"""Where the slots of a recorded rendering stand (slots.py), and what must be filled in there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .links import destination, links_of
from .markup import RAW_TEXT, Tag, attributes, tags
from .slots import FIRST_AND_LAST, SLOT, number_of

# A slot right after this may complete a character reference or a tag.
_BEGUN = re.compile(rf"[&<][#/0-9A-Za-z{FIRST_AND_LAST}]*+\Z")
# Attributes that mean nothing to style sheets without attribute selectors, and nothing to us but
# their value.
_VALUES = frozenset(("href", "src", "alt", "title", "aria-label"))
_NO_VALUES = frozenset(("base", "link", "meta"))
# Elements in which, or beside which, text is not read as text, or only at times.
_ODD = frozenset(("frameset", "math", "noscript", "plaintext", "select", "svg", "template"))


def free(markup: str) -> frozenset[int]:
    """Return the slots that stand where a plain value is read as a value and as nothing else.

    Args:
        markup: a recorded rendering, or what was made of one.
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
        if tag.name not in _NO_VALUES and SLOT.search(markup, *tag.attributes):
            for one in attributes(markup, tag).values():
                if one.quote and one.name in _VALUES:
                    in_values.update(_within(markup, one.start, one.end))
        position, raw = tag.end, tag.name if tag.name in RAW_TEXT else ""
    return frozenset(in_text if selectors else in_text | in_values)


def _within(markup: str, start: int, end: int) -> list[int]:
    return [
        number_of(slot[0])
        for slot in SLOT.finditer(markup, start, end)
        if not _BEGUN.search(markup[start : slot.start()])
    ]


class Hole(NamedTuple):
    """A stretch of a mail that differs from mail to mail.

    Args:
        start: where it begins.
        end: where it ends.
        kind: a value in text, one in an attribute, the address of a link, or the open pixel.
        written: what is there: a slot, or the link's address with its slots, decoded.
    """

    start: int
    end: int
    kind: Literal["text", "attribute", "link", "pixel"]
    written: str


def holes(markup: str, found: Sequence[Tag], base_url: str) -> list[Hole]:
    """Return the stretches of a mail that differ from mail to mail, in order.

    Args:
        markup: the HTML with its styles inlined; its slots are free.
        found: its tags, as `markup.tags` gives them.
        base_url: our own address, without a slash at its end.
    """
    links = [
        Hole(one.start, one.end, "link", one.value)
        for one in links_of(markup, found)
        if SLOT.search(one.value) or destination(one.value, base_url)
    ]
    others: list[Hole] = []
    upcoming = iter((*found, Tag("", len(markup), len(markup), (0, 0))))
    tag = next(upcoming)
    for slot in SLOT.finditer(markup):
        start, end = slot.span()
        while tag.end <= start:
            tag = next(upcoming)
        if any(link.start <= start < link.end for link in links):
            continue
        others.append(Hole(start, end, "attribute" if tag.start < start else "text", slot[0]))
    pixel = place_of_pixel(markup, found)
    return sorted([*links, *others, Hole(pixel, pixel, "pixel", "")])


def place_of_pixel(markup: str, found: Sequence[Tag]) -> int:
    """Return where the open pixel belongs: at the end of the body.

    Args:
        markup: the HTML.
        found: its tags.
    """
    # The inliner's output has no link after the end of the body, so their positions stay.
    return next((tag.start for tag in reversed(found) if tag.name == "/body"), len(markup))
