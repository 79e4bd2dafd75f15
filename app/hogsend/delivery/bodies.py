"""The two parts of a mail, with tracked links: made in full, or filled into a stencil."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import css_inline

from . import mime
from .links import rewritten
from .lru_cache import LruCache
from .markup import tags
from .places import free, place_of_pixel
from .plain_text import text_of
from .slots import escaped, is_whole
from .stencil import Filled, Stencil
from .templates import RenderFailed, Template
from .tokens import Tokens

# A stencil takes about four times the size of its mail; these bound the memory for all of them.
_MOST_STENCILS: Final = 64
_LARGEST: Final = 50_000
# What a trial has around each value: wherever it would not be read as a plain value, it shows.
_BEFORE, _AFTER = "lt;", "<&\">'&"


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail on its way: how to make a tracked address, the pixel, whether to make plain text."""

    target: Callable[[int, str], str]
    pixel: str
    plain: bool


class _Shape:
    """What mails have in common that print values in the same places.

    Args:
        markup: the recorded rendering.
        values: of the first such mail.
    """

    __slots__ = ("_first", "_steady", "fixed")

    def __init__(self, markup: str, values: Sequence[str]) -> None:
        self._first = values
        places = free(markup)
        # The slots whose values are a part of the mail that a stencil is cut from.
        self.fixed = [number for number in range(len(values)) if number not in places]
        # Those whose values, such as the brand's name, have been the same in every mail so far.
        self._steady = tuple(places)

    def steady(self, values: Sequence[str]) -> tuple[int, ...]:
        """Return the slots whose values never differed, which need not be filled in each mail.

        Args:
            values: of the mail at hand.
        """
        first = self._first
        same = [number for number in self._steady if values[number] == first[number]]
        if len(same) < len(self._steady):
            self._steady = tuple(same)
        return self._steady


class Bodies:
    """Makes the parts of mails.

    Args:
        tokens: signs links.
        base_url: our own address in mails, without a slash at its end.
    """

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        self._tokens, self._base = tokens, base_url
        # Media queries cannot be inlined and stay in a style sheet; nothing is ever fetched.
        self._inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
        self._shapes: LruCache[tuple[int, tuple[str, ...]], _Shape | None] = LruCache(
            _MOST_STENCILS
        )
        self._stencils: LruCache[Hashable, Stencil | None] = LruCache(_MOST_STENCILS)

    def of(self, template: Template, scope: Mapping[str, Any], send_id: UUID) -> Filled:
        """Return the parts of a mail, the plain one from its own file if there is one.

        Args:
            template: the mail's template.
            scope: the template's variables.
            send_id: the mail, which its tracked links name.

        Raises:
            RenderFailed: the template does not give a mail.
        """
        mail = self._mail(send_id, plain=template.text is None)
        try:
            filled = self._filled(template, scope, mail)
        except css_inline.InlineError as error:
            raise RenderFailed(f"template {template.key}: its styles: {error}") from None
        text = template.plain(scope)
        return filled if text is None else replace(filled, text=text)

    def _mail(self, send_id: UUID, *, plain: bool) -> _Mail:
        def target(position: int, url: str) -> str:
            return f"{self._base}/c/{self._tokens.click(send_id, position, url)}"

        pixel = (
            f'<img src="{self._base}/o/{self._tokens.open(send_id)}.gif" width="1" height="1" '
            'alt="" style="display:block;width:1px;height:1px;border:0">'
        )
        return _Mail(target, pixel, plain)

    def _filled(self, template: Template, scope: Mapping[str, Any], mail: _Mail) -> Filled:
        recording = template.recorded(scope)
        if recording is None:
            return self._whole(template.body(scope), mail)
        pieces, values = recording
        stencil = self._stencil(pieces, values, mail)
        filled = stencil.fill(values, mail.target, mail.pixel) if stencil else None
        if filled is not None:
            return filled
        markup = "".join(pieces)
        if not is_whole(markup, range(len(values))):
            return self._whole(template.body(scope), mail)
        return self._whole(escaped(markup, values), mail)

    def _whole(self, markup: str, mail: _Mail) -> Filled:
        """Return the parts of a mail, made without a stencil."""
        inlined = self._inliner.inline(markup)
        found = list(tags(inlined))
        text = text_of(inlined, found) if mail.plain else ""
        # No link comes after the end of the body, so the pixel moves none.
        at = place_of_pixel(inlined, found)
        inlined = inlined[:at] + mail.pixel + inlined[at:]
        html, links = rewritten(inlined, found, self._base, mail.target)
        return Filled(html, mime.encoded(html), text, links)

    def _stencil(
        self, pieces: tuple[str, ...], values: Sequence[str], mail: _Mail
    ) -> Stencil | None:
        def shape() -> _Shape | None:
            markup = "".join(pieces)
            usable = len(markup) <= _LARGEST and is_whole(markup, range(len(values)))
            return _Shape(markup, values) if usable else None

        # The number is there for values that look like slots and are none.
        found = self._shapes.find((len(values), pieces), shape)
        if found is None:
            return None
        steady = found.steady(values)
        key = (found, mail.plain, steady, tuple([values[number] for number in found.fixed]))
        return self._stencils.find(
            key,
            lambda: self._cut("".join(pieces), frozenset((*found.fixed, *steady)), values, mail),
        )

    def _cut(
        self, markup: str, settled: frozenset[int], values: Sequence[str], mail: _Mail
    ) -> Stencil | None:
        """Return a stencil for mails of this shape, or None when it would not give the same mail.

        Args:
            markup: the recorded rendering.
            settled: the slots whose values do not differ in these mails.
            values: of the mail at hand.
            mail: the mail at hand.
        """
        left = frozenset(range(len(values))) - settled
        template = escaped(markup, values, settled)
        inlined = self._inliner.inline(template)
        if not is_whole(inlined, left) or free(template) != left or free(inlined) != left:
            return None
        try:
            stencil = Stencil(inlined, values, self._base, plain=mail.plain)
        except ValueError:
            return None
        untried = settled | stencil.shown
        trial = [
            value if number in untried else f"{_BEFORE}{value}{_AFTER}"
            for number, value in enumerate(values)
        ]
        for each in (values, trial):
            filled = stencil.fill(each, mail.target, mail.pixel)
            if filled != self._whole(escaped(markup, each), mail):
                return None
        return stencil
