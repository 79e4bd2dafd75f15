"""Finds what is wrong in MJML, with its line."""

from __future__ import annotations

import difflib
import re
from typing import Final

from .markup import find_html_tokens, parse_attributes

_NAMES = """
    all attributes body breakpoint class font head html-attributes include preview raw selector
    html-attribute style title
    accordion accordion-element accordion-text accordion-title button carousel carousel-image column
    divider group hero image navbar navbar-link section social social-element spacer table text
    wrapper
"""
ELEMENTS: Final = frozenset(f"mj-{name}" for name in _NAMES.split())
# HTML elements that have no end, and the element of MJML that mostly has none.
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr mj-include"
_VOID = frozenset(_VOID_NAMES.split())
_LOOSE_SIGN = re.compile(r"<(?![A-Za-z/!?])")

Problem = tuple[int, str, str]


def find_mjml_problem(source: str) -> Problem | None:
    """Return the line of the first problem, the problem, and what to do; None if there is none.

    Args:
        source: MJML, or the source of a template with other text in place of Jinja's expressions.
    """
    problem = find_unknown_element(source) or _find_unquoted(source) or _find_unbalanced(source)
    if problem is not None:
        return problem
    loose = _LOOSE_SIGN.search(source)
    if loose is not None:
        line = source.count("\n", 0, loose.start()) + 1
        return line, "A “<” begins no tag.", "Write &lt; for the character."
    return None


def find_unknown_element(source: str) -> Problem | None:
    """Return the first element that MJML does not have, which would be left out silently.

    Args:
        source: as for `find_mjml_problem`.
    """
    for tag in find_html_tokens(source):
        problem = _check_tag(tag.name, source.count("\n", 0, tag.start) + 1)
        if problem is not None:
            return problem
    return None


def _find_unquoted(source: str) -> Problem | None:
    for tag in find_html_tokens(source):
        for attribute in parse_attributes(source, tag).values():
            if not attribute.quote and attribute.value:
                line = source.count("\n", 0, tag.start) + 1
                problem = f"The value of {attribute.name} in <{tag.name}> has no quotes."
                return line, problem, f'Write {attribute.name}="{attribute.value}".'
    return None


def _find_unbalanced(source: str) -> Problem | None:
    opened: list[tuple[str, int]] = []
    for tag in find_html_tokens(source):
        name = tag.name.removeprefix("/")
        if not name or name in _VOID:
            continue
        line = source.count("\n", 0, tag.start) + 1
        if name == tag.name:
            if not source.endswith("/>", tag.start, tag.end):
                opened.append((name, line))
            continue
        if not opened:
            return line, f"</{name}> ends nothing.", "Remove it, or add its beginning."
        expected, start = opened.pop()
        if expected != name:
            problem = f"<{expected}> of line {start} is not ended before </{name}>."
            return start, problem, f"Add </{expected}>."
    if opened:
        name, line = opened[-1]
        return line, f"<{name}> is not ended.", f"Add </{name}>."
    return None


def _check_tag(tag_name: str, line: int) -> Problem | None:
    name = tag_name.removeprefix("/")
    if not name.startswith("mj-") or name in ELEMENTS:
        return None
    close = difflib.get_close_matches(name, ELEMENTS, n=1)
    remedy = f"Did you mean <{close[0]}>?" if close else "Its elements are those of MJML 4."
    return line, f"There is no element <{name}> in MJML.", remedy
