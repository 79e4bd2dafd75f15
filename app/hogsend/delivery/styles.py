"""Moves the style sheets of a mail into its elements, and keeps the rules that cannot be moved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import css_inline

from .markup import HtmlToken, find_html_tokens, parse_attributes

# With this attribute, css-inline keeps a style sheet as it is.
_KEPT = ' data-css-inline="ignore"'
_STYLE_WITH_MEDIA = re.compile(r"<style\s[^<>]*\bmedia\b", re.IGNORECASE)
# Style sheets for these media apply in every mail client, so they are inlined.
_EVERY_SCREEN = re.compile(r"\s*(?:(?:only\s+)?(?:all|screen))?\s*", re.IGNORECASE)
_DOCTYPE = re.compile(
    r"((?:\s*+(?:<!--.*?-->|<\?[^>]*+>))*+\s*+)(<!doctype[^>]*+>)", re.IGNORECASE | re.DOTALL
)
# css-inline recurses into each element, and many more than these end the process.
_MAX_DEPTH = 1000
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
# Another one, or the end of the parent, ends these. Their parents are counted.
_SELF_ENDING = frozenset(
    ("p", "li", "dd", "dt", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "optgroup")
)


class NestedTooDeeply(ValueError):
    """A mail whose elements are nested so deeply that no style can be inlined."""


class StyleInliner:
    """Moves rules into the `style` attributes of the elements that they select.

    Rules that an attribute cannot express stay in their style sheet: `:hover` and other states,
    selectors that match nothing, which mail clients' own elements may match, `@media` and other
    at-rules, and style sheets for certain media. No style sheet is fetched.
    """

    def __init__(self) -> None:
        self._inliner = css_inline.CSSInliner(
            # Without the tags, css-inline drops sheets to keep when no other rule remains.
            keep_style_tags=True,
            remove_inlined_selectors=True,
            load_remote_stylesheets=False,
        )

    def inline(self, markup: str) -> str:
        """Return a mail with its styles inlined.

        Raises:
            css_inline.InlineError: the style sheets cannot be read.
            NestedTooDeeply: the elements are nested more than a thousand deep.
        """
        _check_depth(markup)
        inlined = _restore_doctype(self._inliner.inline(_mark_sheets(markup)), markup)
        if "<style" not in inlined:
            return inlined
        pieces: list[str] = []
        position = 0
        for tag, end in _find_sheets(inlined):
            if "data-css-inline" in parse_attributes(inlined, tag):
                continue
            sheet = inlined[tag.end : end]
            if sheet.strip():
                pieces += (inlined[position : tag.end], _strengthen(sheet))
                position = end
            else:
                pieces.append(inlined[position : tag.start])
                position = end + len("</style>")
        pieces.append(inlined[position:])
        return "".join(pieces).replace(f"<style{_KEPT}", "<style")


def _check_depth(markup: str) -> None:
    # Fewer tags cannot be nested as deeply.
    if markup.count("<") <= _MAX_DEPTH:
        return
    depth = 0
    open_by_name = Counter[str]()
    for html_token in find_html_tokens(markup):
        name = html_token.name.removeprefix("/")
        if not name or name in _VOID or name in _SELF_ENDING:
            continue
        change = 1 if name == html_token.name else -1
        if change < 0 and not open_by_name[name]:
            continue  # an end of nothing, which ends no other element either
        open_by_name[name] += change
        depth += change
        if depth > _MAX_DEPTH:
            raise NestedTooDeeply(f"its elements are nested more than {_MAX_DEPTH} deep")


def _mark_sheets(markup: str) -> str:
    """Mark the style sheets for certain media, which would be inlined for all of them."""
    if not _STYLE_WITH_MEDIA.search(markup):
        return markup
    pieces: list[str] = []
    position = 0
    for tag, _ in _find_sheets(markup):
        by_name = parse_attributes(markup, tag)
        media = by_name.get("media")
        if media and "data-css-inline" not in by_name and not _is_for_every_screen(media.value):
            start = tag.start + len("<style")
            pieces += (markup[position:start], _KEPT)
            position = start
    pieces.append(markup[position:])
    return "".join(pieces)


def _is_for_every_screen(media: str) -> bool:
    return any(_EVERY_SCREEN.fullmatch(alternative) for alternative in media.split(","))


def _find_sheets(markup: str) -> Iterator[tuple[HtmlToken, int]]:
    """Yield the start tag of each style sheet, and the position where its text ends."""
    tag = None
    for html_token in find_html_tokens(markup):
        if tag is not None:
            yield tag, html_token.start
        tag = html_token if html_token.name == "style" else None


def _restore_doctype(inlined: str, markup: str) -> str:
    # css-inline writes the document type of HTML 5, with which old layouts look different.
    author, written = _DOCTYPE.match(markup), _DOCTYPE.match(inlined)
    if author is None or written is None:
        return inlined
    return inlined[: written.start(2)] + author[2] + inlined[written.end() :]


def _strengthen(sheet: str) -> str:
    """Make the declarations of kept rules important, because inlined declarations win otherwise.

    At-rules stay as they are written, and so does a whole sheet with an error in it.
    """
    # Only mails that keep a rule need it, and each layout is compiled once.
    import tinycss2

    nodes = cast("list[Any]", tinycss2.parse_stylesheet(sheet))
    pieces: list[str] = []
    for node in nodes:
        if node.type == "error":
            return sheet
        if node.type != "qualified-rule":
            pieces.append(node.serialize())
            continue
        declarations = cast(
            "list[Any]",
            tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True),
        )
        for declaration in declarations:
            if declaration.type != "declaration":
                return sheet
            declaration.important = True
        block = "; ".join(declaration.serialize() for declaration in declarations)
        pieces.append(f"{tinycss2.serialize(node.prelude)}{{ {block} }}")
    return "".join(pieces)
