"""Finds tags and comments in HTML, with their positions; skips the content of raw-text elements.

This is a subset of the tokenizer of the HTML standard (§13.2.5), without tree construction. It is a
single regular expression for speed: with `html.parser`, tokenizing would take longer than all other
steps of rendering together.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html import entities
from typing import NamedTuple

# Possessive quantifiers (`*+`) keep the time linear for every input.
_ATTRIBUTE_PATTERN = (
    r"(?P<name>[^\s/>][^\s/>=]*+)"
    r"(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'>][^\s>]*+)"
    r"|(?=>|\Z))|(?!\s*+=))"
)
_ATTRIBUTE_REGEX = re.compile(_ATTRIBUTE_PATTERN)
_ATTRIBUTE_WITHOUT_GROUPS = re.sub(r"\?P<\w+>", "?:", _ATTRIBUTE_PATTERN)
_MARKUP = re.compile(
    r"<(?:"
    r"!--(?:-?>|(?:.*?--!?>|.*+))"  # a comment; `<!-->` ends at once
    rf"|(?P<tag>[a-zA-Z][^\s/>]*+)(?P<attributes>(?:[\s/]++|{_ATTRIBUTE_WITHOUT_GROUPS})*+)(?:>|\Z)"
    rf"|/(?P<end>[a-zA-Z][^\s/>]*+)(?:[\s/]++|{_ATTRIBUTE_WITHOUT_GROUPS})*+(?:>|\Z)"
    r"|[a-zA-Z].*+"  # an unclosed tag
    r"|/[a-zA-Z].*+"
    r"|(?:[!?]|/(?=[^a-zA-Z]))[^>]*+>?"  # declarations and bogus comments
    r")",
    re.DOTALL,
)
_REFERENCE = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*)[;=]?")
# Raw-text elements: the content is only text, in which `<` begins no tag.
RAW_TEXT = frozenset(
    ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
)
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW_TEXT}


class HtmlToken(NamedTuple):
    """A start or end tag; or, with an empty `name`, a comment or declaration.

    Args:
        name: the name in lower case; the name of an end tag begins with `/`.
        start: the position of `<`.
        end: the position after `>`.
        attributes_span: the positions where the attributes begin and end.
    """

    name: str
    start: int
    end: int
    attributes_span: tuple[int, int]


class Attribute(NamedTuple):
    """An attribute of a tag.

    Args:
        name: the name in lower case.
        value: the value with decoded character references.
        start: the position where the value begins, inside its quotes.
        end: the position where the value ends.
        quote: `"`, `'`, or empty for a value without quotes.
    """

    name: str
    value: str
    start: int
    end: int
    quote: str


def find_html_tokens(markup: str) -> Iterator[HtmlToken]:
    """Yield the tags, comments and declarations of HTML in order.

    Skips the content of raw-text elements (`RAW_TEXT`).
    """
    position, search = 0, _MARKUP.search
    while (match := search(markup, position)) is not None:
        start, position = match.span()
        if name := match["tag"]:
            name = name.lower()
            yield HtmlToken(name, start, position, match.span("attributes"))
            if name in RAW_TEXT:
                end = _RAW_ENDS[name].search(markup, position)
                position = end.start() if end else len(markup)
        elif name := match["end"]:
            yield HtmlToken("/" + name.lower(), start, position, (position, position))
        else:
            yield HtmlToken("", start, position, (position, position))


def parse_attributes(markup: str, tag: HtmlToken) -> dict[str, Attribute]:
    """Return a tag's attributes by name; as in browsers, the first of a repeated name counts."""
    by_name: dict[str, Attribute] = {}
    for match in _ATTRIBUTE_REGEX.finditer(markup, *tag.attributes_span):
        name = match["name"].lower()
        if name in by_name:
            continue
        for group, quote in (("double", '"'), ("single", "'"), ("bare", "")):
            if (value := match[group]) is not None:
                start, end = match.span(group)
                by_name[name] = Attribute(name, _decode(value), start, end, quote)
                break
        else:
            by_name[name] = Attribute(name, "", match.end(), match.end(), "")
    return by_name


def _decode(value: str) -> str:
    return _REFERENCE.sub(_decode_reference, value) if "&" in value else value


def _decode_reference(reference: re.Match[str]) -> str:
    # In an attribute, `&copy=1` is the parameter of a URL and is not decoded (§13.2.5.73).
    source = reference[0]
    is_named = source[1] != "#"
    if is_named and (source.endswith("=") or source[1:] not in entities.html5):
        return source
    return html.unescape(source)
