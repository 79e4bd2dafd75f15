"""Checks that the text of a mail can be read on its background (WCAG 2.2, 1.4.3, level AA)."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..markup import RAW_TEXT, HtmlToken, find_html_tokens, parse_attributes
from .colors import BLACK, LINK, WHITE, Color, compute_contrast, format_color, parse_color
from .finding import Finding

LEAST_CONTRAST: Final = 4.5
LEAST_CONTRAST_OF_LARGE_TEXT: Final = 3.0
_LARGE_PIXELS = 24.0
_LARGE_BOLD_PIXELS = 18.66
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
_MAX_TEXT_LENGTH = 60


@dataclass(frozen=True, slots=True)
class _Style:
    """The inherited style of an element; a colour is None when it is not known."""

    name: str = ""
    color: Color | None = BLACK
    background: Color | None = WHITE
    pixels: float = 16.0
    is_bold: bool = False
    is_hidden: bool = False


def check_contrast(markup: str) -> Iterator[Finding]:
    """Yield the pairs of colours that are hard to read, each with the first text that has it.

    Args:
        markup: the HTML, with its styles inline. Text over images and gradients, and transparent
            colours, are not judged.
    """
    stack = [_Style()]
    position = 0
    seen: set[tuple[Color, Color]] = set()
    for tag in find_html_tokens(markup):
        text = html.unescape(markup[position : tag.start]).strip(
            "\u200b\u200c\u00a0\u00ad\u034f\u2007 \t\r\n\f"
        )
        position = tag.end
        if text and stack[-1].name not in RAW_TEXT:
            yield from _judge(stack[-1], text, seen)
        _follow(stack, markup, tag)


def _follow(stack: list[_Style], markup: str, tag: HtmlToken) -> None:
    """Open or close an element."""
    name = tag.name
    if name.startswith("/"):
        names = [style.name for style in stack]
        if name[1:] in names[1:]:
            del stack[len(names) - 1 - names[::-1].index(name[1:]) :]
    elif name and name not in _VOID:
        stack.append(_inherit(stack[-1], markup, tag))


def _inherit(parent: _Style, markup: str, tag: HtmlToken) -> _Style:
    by_name = parse_attributes(markup, tag)
    attributes = {name: attribute.value for name, attribute in by_name.items()}
    declared = _parse_declarations(attributes.get("style", ""))
    style = replace(parent, name=tag.name)
    if tag.name in ("b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"):
        style = replace(style, is_bold=True)
    if tag.name == "a" and "href" in attributes:
        style = replace(style, color=LINK)
    color = declared.get("color") or attributes.get("color")
    if color and color.lower() != "inherit":
        style = replace(style, color=parse_color(color))
    return _apply_size(_apply_background(style, attributes, declared), declared)


def _apply_background(
    style: _Style, attributes: Mapping[str, str], declared: Mapping[str, str]
) -> _Style:
    short = declared.get("background", "")
    image = declared.get("background-image", "") or attributes.get("background", "")
    if image not in ("", "none") or "url(" in short or "gradient(" in short:
        return replace(style, background=None)
    text = declared.get("background-color") or short.split(" ")[0] or attributes.get("bgcolor", "")
    if text.lower() in ("", "transparent", "none", "inherit", "initial"):
        return style
    return replace(style, background=parse_color(text if "(" not in text else short or text))


def _apply_size(style: _Style, declared: Mapping[str, str]) -> _Style:
    size, weight = declared.get("font-size", ""), declared.get("font-weight", "")
    pixels = _parse_pixels(size)
    is_hidden = (
        style.is_hidden
        or declared.get("display") == "none"
        or declared.get("visibility") == "hidden"
        or declared.get("mso-hide") == "all"
        or pixels == 0
        or _parse_pixels(declared.get("max-height", "")) == 0
        or _parse_pixels(declared.get("opacity", "")) == 0
    )
    if weight:
        is_bold = weight in ("bold", "bolder", "700", "800", "900")
        style = replace(style, is_bold=is_bold)
    return replace(style, is_hidden=is_hidden, pixels=style.pixels if pixels is None else pixels)


def _judge(style: _Style, text: str, seen: set[tuple[Color, Color]]) -> Iterator[Finding]:
    color, background = style.color, style.background
    if style.is_hidden or color is None or background is None or (color, background) in seen:
        return
    is_large = style.pixels >= (_LARGE_BOLD_PIXELS if style.is_bold else _LARGE_PIXELS)
    least = LEAST_CONTRAST_OF_LARGE_TEXT if is_large else LEAST_CONTRAST
    contrast = compute_contrast(color, background)
    if contrast >= least:
        return
    seen.add((color, background))
    names = f"{format_color(color)} on {format_color(background)}"
    yield Finding(
        "contrast",
        "warning",
        f"Text is hard to read: {names} has a contrast of {contrast:.1f}, less than {least:g}.",
        "Take a darker or a lighter colour.",
        text[:_MAX_TEXT_LENGTH],
    )


def _parse_declarations(style: str) -> dict[str, str]:
    pairs = (item.partition(":") for item in style.split(";"))
    return {
        name.strip().lower(): value.replace("!important", "").strip()
        for name, _, value in pairs
        if value.strip()
    }


def _parse_pixels(size: str) -> float | None:
    number = size.removesuffix("px").strip()
    try:
        return float(number)
    except ValueError:
        return None
