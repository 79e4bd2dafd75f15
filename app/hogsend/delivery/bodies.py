"""Makes the HTML and plain part of a mail: rendered in full, or filled into a compiled mail.

The package `compiled_mail` has the parts of the compiler, and this module combines them. It
compiles a layout on its second use, caches the compiled mails, and compares each new compiled mail
with the mail that is rendered in full. A layout that cannot be compiled is rendered in full each
time. The module is outside the package because it reads templates, and templates use the package.
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
from .compiled_mail.positions import find_free_placeholders, find_pixel_position
from .links import rewrite_links
from .markup import find_html_tokens
from .plain_text import html_to_text
from .styles import NestedTooDeeply, StyleInliner
from .template import RenderFailed, Template
from .tokens import Tokens

# A compiled mail takes about four times the memory of its mail; these limits bound the caches.
_MAX_COMPILED: Final = 64
_MAX_CHARACTERS: Final = 50_000
# A trial surrounds each value with these, which shows where a value is not read as plain text.
_BEFORE, _AFTER = "lt;", "<&\">'&"


@dataclass(frozen=True, slots=True)
class _Mail:
    """The parts of a mail that depend on its send.

    Args:
        target: makes the tracked address of a link.
        pixel: the markup of the open pixel.
        plain: whether to make the plain part from the HTML.
        convert: turns the rendered body into HTML.
    """

    target: Callable[[int, str], str]
    pixel: str
    plain: bool
    convert: Callable[[str], str]


class _Layout:
    """The layout of the mails that print values in the same positions.

    Args:
        markup: the rendering with placeholders.
        values: the values of the first mail with this layout.
        convert: turns a rendering into HTML; None if it is HTML.

    Attributes:
        fixed: the placeholders whose values are compiled into the mail.
    """

    __slots__ = ("_first", "_steady", "fixed")

    def __init__(
        self, markup: str, values: Sequence[str], convert: Callable[[str], str] | None
    ) -> None:
        self._first = values
        free = find_free_placeholders(markup)
        if convert is not None:
            # A value may be free in MJML and not in its HTML, such as in a style sheet.
            others = frozenset(range(len(values))) - free
            free &= find_free_placeholders(convert(fill_placeholders(markup, values, others)))
        self.fixed = [number for number in range(len(values)) if number not in free]
        # The free placeholders whose values have been the same in every mail so far, such as the
        # name of the brand.
        self._steady = tuple(free)

    def update_steady(self, values: Sequence[str]) -> tuple[int, ...]:
        """Return the free placeholders whose values have been the same in every mail so far.

        Args:
            values: the values of the current mail.
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
        base_url: the public address of Hogsend, without a trailing slash.
    """

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        self._tokens, self._base = tokens, base_url
        self._inliner = StyleInliner()
        self._layouts: LruCache[Hashable, _Layout | None] = LruCache(_MAX_COMPILED)
        self._compiled: LruCache[Hashable, CompiledMail | None] = LruCache(_MAX_COMPILED)

    def render(
        self,
        template: Template,
        scope: Mapping[str, Any],
        send_id: UUID,
        *,
        is_tracked: bool = True,
    ) -> MailBodies:
        """Return the parts of a mail; the plain part comes from the template's text file, if any.

        Args:
            template: the mail's template.
            scope: the template's variables.
            send_id: the send that the tracked links name.
            is_tracked: whether opens and clicks are recorded.

        Raises:
            RenderFailed: the template, or its styles, cannot be rendered.
        """
        mail = self._create_mail(send_id, plain=template.text is None, convert=template.convert)
        try:
            if is_tracked:
                filled = self._fill(template, scope, mail)
            else:
                filled = self._render_untracked(template.render_body(scope), mail)
        except css_inline.InlineError as error:
            raise RenderFailed(f"template {template.key}: its styles: {error}") from None
        except NestedTooDeeply as error:
            raise RenderFailed(f"template {template.key}: {error}") from None
        text = template.render_plain_text(scope)
        return filled if text is None else replace(filled, text=text)

    def render_content(
        self, html: str, text: str, send_id: UUID, *, is_tracked: bool = True
    ) -> MailBodies:
        """Return the parts of a mail without a template.

        Args:
            html: the HTML; empty for a mail of plain text only.
            text: the plain part; empty to make it from the HTML.
            send_id: the send that the tracked links name.
            is_tracked: whether opens and clicks are recorded.

        Raises:
            RenderFailed: the styles of the HTML cannot be used.
        """
        if not html:
            return MailBodies("", b"", text, [])
        mail = self._create_mail(send_id, plain=not text)
        try:
            if is_tracked:
                bodies = self._render_in_full(html, mail)
            else:
                bodies = self._render_untracked(html, mail)
        except (css_inline.InlineError, NestedTooDeeply) as error:
            raise RenderFailed(f"the HTML: {error}") from None
        return replace(bodies, text=text) if text else bodies

    def _render_untracked(self, markup: str, mail: _Mail) -> MailBodies:
        """Inline the styles of one mail and make the plain part, with its links as they are."""
        html = self._inliner.inline(mail.convert(markup))
        text = html_to_text(html, list(find_html_tokens(html))) if mail.plain else ""
        return MailBodies(html, mime.encode_quoted_printable(html), text, [])

    def _create_mail(
        self, send_id: UUID, *, plain: bool, convert: Callable[[str], str] = str
    ) -> _Mail:
        def build_target(position: int, url: str) -> str:
            return f"{self._base}/c/{self._tokens.sign_click(send_id, position, url)}"

        pixel = (
            f'<img src="{self._base}/o/{self._tokens.sign_open(send_id)}.gif" width="1" height="1" '
            'alt="" style="display:block;width:1px;height:1px;border:0">'
        )
        return _Mail(build_target, pixel, plain, convert)

    def _fill(self, template: Template, scope: Mapping[str, Any], mail: _Mail) -> MailBodies:
        recording = template.render_body_with_placeholders(scope)
        if recording is None:
            return self._render_in_full(template.render_body(scope), mail)
        pieces, values = recording
        compiled = self._compile_once(template, pieces, values, mail)
        filled = compiled.fill(values, mail.target, mail.pixel) if compiled else None
        if filled is not None:
            return filled
        markup = "".join(pieces)
        if not has_exactly(markup, range(len(values))):
            return self._render_in_full(template.render_body(scope), mail)
        return self._render_in_full(fill_placeholders(markup, values), mail)

    def _render_in_full(self, markup: str, mail: _Mail) -> MailBodies:
        """Inline the styles, make the plain part, and rewrite the links of one mail."""
        inlined = self._inliner.inline(mail.convert(markup))
        html_tokens = list(find_html_tokens(inlined))
        text = html_to_text(inlined, html_tokens) if mail.plain else ""
        # The inliner's output has no link after the end of the body, so the pixel moves no link.
        position = find_pixel_position(inlined, html_tokens)
        inlined = inlined[:position] + mail.pixel + inlined[position:]
        html, links = rewrite_links(inlined, html_tokens, self._base, mail.target)
        return MailBodies(html, mime.encode_quoted_printable(html), text, links)

    def _compile_once(
        self, template: Template, pieces: tuple[str, ...], values: Sequence[str], mail: _Mail
    ) -> CompiledMail | None:
        # MJML gets the language of its template, which is not in the text.
        language = template.language if template.is_mjml else None

        def make_layout() -> _Layout | None:
            markup = "".join(pieces)
            usable = len(markup) <= _MAX_CHARACTERS and has_exactly(markup, range(len(values)))
            if not usable:
                return None
            return _Layout(markup, values, mail.convert if template.is_mjml else None)

        # A value may look like a placeholder, so the number of values is a part of the key.
        layout = self._layouts.find((len(values), pieces, language), make_layout)
        if layout is None:
            return None
        steady = layout.update_steady(values)
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
        """Compile a mail; return None if the result would differ from a mail rendered in full.

        Args:
            markup: the rendering with placeholders.
            settled: the placeholders whose values are compiled into the mail.
            values: the values of the current mail.
            mail: the current mail.
        """
        unsettled = frozenset(range(len(values))) - settled
        template = mail.convert(fill_placeholders(markup, values, settled))
        inlined = self._inliner.inline(template)
        if (
            not has_exactly(inlined, unsettled)
            or find_free_placeholders(template) != unsettled
            or find_free_placeholders(inlined) != unsettled
        ):
            return None
        try:
            compiled = CompiledMail(inlined, values, self._base, plain=mail.plain)
        except ValueError:
            return None
        untried = settled | compiled.numbers_in_addresses
        trial_values = [
            value if number in untried else f"{_BEFORE}{value}{_AFTER}"
            for number, value in enumerate(values)
        ]
        for tried in (values, trial_values):
            filled = compiled.fill(tried, mail.target, mail.pixel)
            if filled != self._render_in_full(fill_placeholders(markup, tried), mail):
                return None
        return compiled
