"""Finds the positions in a mail where values, links and the open pixel are filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..links import find_links, resolve_destination
from ..markup import RAW_TEXT, HtmlToken, find_html_tokens, parse_attributes
from .placeholders import FIRST_AND_LAST, PLACEHOLDER, get_value_index

# Matches text before a placeholder whose value could complete a character reference or a tag.
_OPEN_MARKUP = re.compile(rf"[&<][#/0-9A-Za-z{FIRST_AND_LAST}]*+\Z")
# Attributes whose value changes nothing but itself, unless style sheets have attribute selectors.
_FREE_ATTRIBUTES = frozenset(("href", "src", "alt", "title", "aria-label"))
# Elements whose attributes concern the whole mail.
_GLOBAL_ELEMENTS = frozenset(("base", "link", "meta"))
# Elements that change how text in or after them is parsed; a mail with one is not compiled.
_UNSUPPORTED_ELEMENTS = frozenset(
    ("frameset", "math", "noscript", "plaintext", "select", "svg", "template")
)


def find_free_placeholders(markup: str) -> frozenset[int]:
    """Return the free placeholders, where a plain value changes nothing in the mail but itself.

    Args:
        markup: a rendering with placeholders, before or after its styles are inlined.
    """
    in_text: set[int] = set()
    in_attributes: set[int] = set()
    has_attribute_selectors = False
    position, raw_element = 0, ""
    for html_token in (*find_html_tokens(markup), HtmlToken("", len(markup), len(markup), (0, 0))):
        if raw_element in ("", "title"):
            in_text.update(_find_within(markup, position, html_token.start))
        elif raw_element == "style" and "[" in markup[position : html_token.start]:
            has_attribute_selectors = True
        name = html_token.name
        if name in _UNSUPPORTED_ELEMENTS:
            return frozenset()
        span = html_token.attributes_span
        if name not in _GLOBAL_ELEMENTS and PLACEHOLDER.search(markup, *span):
            for attribute in parse_attributes(markup, html_token).values():
                if attribute.quote and attribute.name in _FREE_ATTRIBUTES:
                    in_attributes.update(_find_within(markup, attribute.start, attribute.end))
        position, raw_element = html_token.end, name if name in RAW_TEXT else ""
    return frozenset(in_text if has_attribute_selectors else in_text | in_attributes)


def _find_within(markup: str, start: int, end: int) -> list[int]:
    return [
        get_value_index(placeholder[0])
        for placeholder in PLACEHOLDER.finditer(markup, start, end)
        if not _OPEN_MARKUP.search(markup[start : placeholder.start()])
    ]


class Gap(NamedTuple):
    """A range of a mail whose content differs from mail to mail.

    Args:
        start: the position of its first character.
        end: the position after its last character.
        kind: whether the range is a value in text, a value in an attribute, the address of a link,
            or the open pixel.
        written: the placeholder; or the decoded address of the link, with its placeholders.
    """

    start: int
    end: int
    kind: Literal["text", "attribute", "link", "pixel"]
    written: str


def find_gaps(markup: str, html_tokens: Sequence[HtmlToken], base_url: str) -> list[Gap]:
    """Return the ranges of a mail that differ from mail to mail, in order.

    Args:
        markup: the HTML with its styles inlined; all its placeholders are free.
        html_tokens: the tokens of the HTML, from `find_html_tokens`.
        base_url: the public address of Hogsend, without a trailing slash.
    """
    links = [
        Gap(href.start, href.end, "link", href.value)
        for href in find_links(markup, html_tokens)
        if PLACEHOLDER.search(href.value) or resolve_destination(href.value, base_url)
    ]
    others: list[Gap] = []
    upcoming = iter((*html_tokens, HtmlToken("", len(markup), len(markup), (0, 0))))
    html_token = next(upcoming)
    for placeholder in PLACEHOLDER.finditer(markup):
        start, end = placeholder.span()
        while html_token.end <= start:
            html_token = next(upcoming)
        if any(link.start <= start < link.end for link in links):
            continue
        kind = "attribute" if html_token.start < start else "text"
        others.append(Gap(start, end, kind, placeholder[0]))
    pixel = find_pixel_position(markup, html_tokens)
    return sorted([*links, *others, Gap(pixel, pixel, "pixel", "")])


def find_pixel_position(markup: str, html_tokens: Sequence[HtmlToken]) -> int:
    """Return the position for the open pixel, which is the end of the body.

    Args:
        markup: the HTML.
        html_tokens: the tokens of the HTML, from `find_html_tokens`.
    """
    for html_token in reversed(html_tokens):
        if html_token.name == "/body":
            return html_token.start
    return len(markup)
