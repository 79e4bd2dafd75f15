"""Makes the HTML and plain part of a mail: rendered in full, or filled into a compiled mail.

The package compiled_mail has the parts of compiling. This module puts them together: it compiles a
layout when it comes again, keeps the compiled mails, compares each new one with the mail that is
rendered in full, and renders in full whatever cannot be compiled. It is outside the package because
it reads templates, and templates use the package.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import css_inline

from . import mime
from .compiled_mail.compiled_mail import CompiledMail, MailBodies
from .compiled_mail.lru_cache import LruCache
from .compiled_mail.placeholders import fill_placeholders, has_exactly
from .compiled_mail.positions import free_placeholders, pixel_position
from .links import rewrite_links
from .markup import tags
from .plain_text import text_of
from .templates import RenderFailed, Template
from .tokens import Tokens

# A compiled mail takes about four times the size of its mail; these limits bound the memory of all.
_MAX_COMPILED: Final = 64
_MAX_CHARACTERS: Final = 50_000
# A trial surrounds each value with these: they show where a value is not read as plain text.
_BEFORE, _AFTER = "lt;", "<&\">'&"


@dataclass(frozen=True, slots=True)
class _Mail:
    """The parts of a mail that depend on its send.

    Args:
        target: makes the tracked address of a link.
        pixel: the markup of the open pixel.
        plain: whether to make the plain part from the HTML.
    """

    target: Callable[[int, str], str]
    pixel: str
    plain: bool


class _Layout:
    """The layout that mails share which print values in the same places.

    Args:
        markup: the rendering with placeholders.
        values: of the first such mail.
    """

    __slots__ = ("_first", "_steady", "fixed")

    def __init__(self, markup: str, values: Sequence[str]) -> None:
        self._first = values
        free = free_placeholders(markup)
        # The placeholders whose values are compiled into the mail.
        self.fixed = [number for number in range(len(values)) if number not in free]
        # Those whose values, such as the brand's name, have been the same in every mail so far.
        self._steady = tuple(free)

    def steady(self, values: Sequence[str]) -> tuple[int, ...]:
        """Return the placeholders whose values have been the same in every mail so far.

        Args:
            values: of the mail at hand.
        """
        first = self._first
        same = [number for number in self._steady if values[number] == first[number]]
        if len(same) < len(self._steady):
            self._steady = tuple(same)
        return self._steady


class BodyRenderer:
    """Makes the HTML and plain parts of mails.

    Args:
        tokens: signs links.
        base_url: our own address in mails, without a slash at its end.
    """

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        self._tokens, self._base = tokens, base_url
        # Media queries cannot be inlined and stay in a style sheet; nothing is ever fetched.
        self._inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
        self._layouts: LruCache[tuple[int, tuple[str, ...]], _Layout | None] = LruCache(
            _MAX_COMPILED
        )
        self._compiled: LruCache[Hashable, CompiledMail | None] = LruCache(_MAX_COMPILED)

    def render(self, template: Template, scope: Mapping[str, Any], send_id: UUID) -> MailBodies:
        """Return the parts of a mail, the plain one from its own file if there is one.

        Args:
            template: the mail's template.
            scope: the template's variables.
            send_id: the mail, which its tracked links name.

        Raises:
            RenderFailed: the template does not give a mail.
        """
        mail = self._describe(send_id, plain=template.text is None)
        try:
            filled = self._fill(template, scope, mail)
        except css_inline.InlineError as error:
            raise RenderFailed(f"template {template.key}: its styles: {error}") from None
        text = template.plain(scope)
        return filled if text is None else replace(filled, text=text)

    def _describe(self, send_id: UUID, *, plain: bool) -> _Mail:
        def target(position: int, url: str) -> str:
            return f"{self._base}/c/{self._tokens.click(send_id, position, url)}"

        pixel = (
            f'<img src="{self._base}/o/{self._tokens.open(send_id)}.gif" width="1" height="1" '
            'alt="" style="display:block;width:1px;height:1px;border:0">'
        )
        return _Mail(target, pixel, plain)

    def _fill(self, template: Template, scope: Mapping[str, Any], mail: _Mail) -> MailBodies:
        recording = template.body_with_placeholders(scope)
        if recording is None:
            return self._render_in_full(template.body(scope), mail)
        pieces, values = recording
        compiled = self._compile_once(pieces, values, mail)
        filled = compiled.fill(values, mail.target, mail.pixel) if compiled else None
        if filled is not None:
            return filled
        markup = "".join(pieces)
        if not has_exactly(markup, range(len(values))):
            return self._render_in_full(template.body(scope), mail)
        return self._render_in_full(fill_placeholders(markup, values), mail)

    def _render_in_full(self, markup: str, mail: _Mail) -> MailBodies:
        """Return the parts of a mail, rendered in full."""
        inlined = self._inliner.inline(markup)
        all_tags = list(tags(inlined))
        text = text_of(inlined, all_tags) if mail.plain else ""
        # No link comes after the end of the body, so the pixel moves no link.
        at = pixel_position(inlined, all_tags)
        inlined = inlined[:at] + mail.pixel + inlined[at:]
        html, links = rewrite_links(inlined, all_tags, self._base, mail.target)
        return MailBodies(html, mime.encoded(html), text, links)

    def _compile_once(
        self, pieces: tuple[str, ...], values: Sequence[str], mail: _Mail
    ) -> CompiledMail | None:
        def make_layout() -> _Layout | None:
            markup = "".join(pieces)
            usable = len(markup) <= _MAX_CHARACTERS and has_exactly(markup, range(len(values)))
            return _Layout(markup, values) if usable else None

        # The count tells a value that looks like a placeholder from a placeholder.
        layout = self._layouts.find((len(values), pieces), make_layout)
        if layout is None:
            return None
        steady = layout.steady(values)
        key = (layout, mail.plain, steady, tuple([values[number] for number in layout.fixed]))
        return self._compiled.find(
            key,
            lambda: self._compile(
                "".join(pieces), frozenset((*layout.fixed, *steady)), values, mail
            ),
        )

    def _compile(
        self, markup: str, settled: Set[int], values: Sequence[str], mail: _Mail
    ) -> CompiledMail | None:
        """Return a compiled mail for this layout, or None when it would not give the same mail.

        Args:
            markup: the rendering with placeholders.
            settled: the placeholders whose values do not differ in these mails.
            values: of the mail at hand.
            mail: the mail at hand.
        """
        left = frozenset(range(len(values))) - settled
        template = fill_placeholders(markup, values, settled)
        inlined = self._inliner.inline(template)
        if (
            not has_exactly(inlined, left)
            or free_placeholders(template) != left
            or free_placeholders(inlined) != left
        ):
            return None
        try:
            compiled = CompiledMail(inlined, values, self._base, plain=mail.plain)
        except ValueError:
            return None
        untried = settled | compiled.shown
        trial = [
            value if number in untried else f"{_BEFORE}{value}{_AFTER}"
            for number, value in enumerate(values)
        ]
        for each in (values, trial):
            filled = compiled.fill(each, mail.target, mail.pixel)
            if filled != self._render_in_full(fill_placeholders(markup, each), mail):
                return None
        return compiled
