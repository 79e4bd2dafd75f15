"""A mail's template: its compiled parts, and its translations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jinja2

from ..domain.journey import BrokenFile
from ..domain.languages import DEFAULT_LANGUAGE, list_fallbacks
from ..domain.send_policy import OnDoubt
from ..errors import HogsendError
from .compiled_mail.placeholders import render_with_placeholders
from .jinja_text import hide_jinja
from .mjml import InvalidMjml, convert_mjml
from .mjml_check import find_mjml_problem

T = TypeVar("T")


class RenderFailed(HogsendError):
    """A mail cannot be rendered, such as because a variable is missing."""

    code = "render_failed"

    @property
    def reason(self) -> str:
        """The reason that the ledger stores."""
        return self.message


class ContentMissing(RenderFailed):
    """The template or list of a mail is missing or broken, so the mail waits for the author."""

    code = "content_missing"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A mail's template, or its translation.

    Args:
        key: the name in code and ledger, which is the file's name without its extension and
            language.
        list_id: the list of the template's sends when the journey names none.
        file: the path relative to the journeys' folder.
        source: the file's text after the front matter.
        sample: the props of a preview.
        html: the compiled body.
        lines: `subject`, `preheader`, `from`, `reply_to` and `attachments`, where given: compiled,
            or as text when the line has no expression.
        text: the compiled plain-text part, if the template has a text file.
        is_compilable: whether mails of this template can be compiled (`compiled_mail`).
        line_numbers: the first line of the body (`body`) and of each line in `lines`, in the file.
        language: the language of the text, as a tag of BCP 47.
        translations: the same mail in other languages, by tag; a broken file blocks only the mails
            that need it.
        is_mjml: whether the body is MJML.
        is_tracked: whether opens and clicks are recorded.
        on_doubt: what happens with a mail that may have left.
    """

    key: str
    list_id: str | None
    file: str
    source: str
    sample: Mapping[str, Any]
    html: jinja2.Template
    lines: Mapping[str, jinja2.Template | str]
    text: jinja2.Template | None = None
    is_compilable: bool = False
    line_numbers: Mapping[str, int] = field(default_factory=dict[str, int])
    language: str = DEFAULT_LANGUAGE
    translations: Mapping[str, Template | BrokenFile] = field(
        default_factory=dict[str, "Template | BrokenFile"]
    )
    is_mjml: bool = False
    is_tracked: bool = True
    on_doubt: OnDoubt = "ask"

    @property
    def variants(self) -> list[Template]:
        """The template and its usable translations."""
        usable = (item for item in self.translations.values() if isinstance(item, Template))
        return [self, *usable]

    def choose(self, language: str | None) -> Template:
        """Return the translation for a contact, or this template if there is none.

        Args:
            language: the contact's language, from `resolve_language`.

        Raises:
            ContentMissing: the file of the translation is broken.
        """
        if language is None or not self.translations:
            return self
        for tag in list_fallbacks(language):
            translation = self.translations.get(tag)
            if isinstance(translation, BrokenFile):
                raise ContentMissing(describe_broken(f"{self.key} ({tag})", translation))
            if translation is not None:
                return translation
            if tag == self.language:
                break
        return self

    def render_line(self, name: str, scope: Mapping[str, Any]) -> str | None:
        """Return a rendered line of the front matter, or None when the template has none.

        Raises:
            RenderFailed: a variable is missing, or the expression does not work.
        """
        compiled = self.lines.get(name)
        if compiled is None or isinstance(compiled, str):
            return compiled
        return _render(self.key, lambda: compiled.render(scope)).strip()

    def render_body(self, scope: Mapping[str, Any]) -> str:
        """Return the rendered body: HTML, or MJML for `convert`.

        Raises:
            RenderFailed: a variable is missing, or an expression does not work.
        """
        return _render(self.key, lambda: self.html.render(scope))

    def render_body_with_placeholders(
        self, scope: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], list[str]] | None:
        """Return the body in pieces with placeholders for values, and the values.

        Returns None if mails of this template cannot be compiled.

        Raises:
            RenderFailed: a variable is missing, or an expression does not work.
        """
        if not self.is_compilable:
            return None
        return _render(self.key, lambda: render_with_placeholders(self.html, scope))

    def convert(self, markup: str) -> str:
        """Return a rendered body as HTML.

        Raises:
            RenderFailed: the MJML is not valid.
        """
        if not self.is_mjml:
            return markup
        try:
            return convert_mjml(markup, self.language)
        except InvalidMjml as error:
            raise RenderFailed(f"template {self.key}: {self._locate(error)}") from None

    def _locate(self, error: InvalidMjml) -> str:
        """Return an error of the rendered MJML with its place in the template's file."""
        written = find_mjml_problem(hide_jinja(self.source))
        if written is None:
            return f"{self.file}: {error}"
        line, problem, remedy = written
        return f"{self.file}:{self.line_numbers.get('body', 1) + line - 1}: {problem} {remedy}"

    def render_plain_text(self, scope: Mapping[str, Any]) -> str | None:
        """Return the rendered plain-text part, or None when it is made from the HTML.

        Raises:
            RenderFailed: a variable is missing, or an expression does not work.
        """
        compiled = self.text
        return None if compiled is None else _render(self.key, lambda: compiled.render(scope))


def describe_broken(name: str, broken: BrokenFile) -> str:
    """Return why a template with a broken file cannot be used."""
    return f"template {name} is broken: {f'{broken.problem} {broken.remedy}'.rstrip()}"


def _render(key: str, render: Callable[[], T]) -> T:
    try:
        return render()
    except jinja2.UndefinedError as error:
        raise RenderFailed(f"template {key}: {error.message}") from None
    # An author's expression may raise anything. The error fails only this send.
    except Exception as error:
        # These errors come from a file that the template includes or extends.
        is_file_missing = isinstance(error, jinja2.TemplateSyntaxError | jinja2.TemplateNotFound)
        kind = ContentMissing if is_file_missing else RenderFailed
        raise kind(f"template {key}: {type(error).__name__}: {error}") from None
