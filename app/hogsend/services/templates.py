"""Mail templates: listed, and previewed with their sample props."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..clock import Clock, SystemClock
from ..config.settings import Settings
from ..delivery.message import Message
from ..delivery.template_trial import Unguarded, find_unguarded
from ..delivery.templates import Template
from ..delivery.tokens import Tokens
from ..domain.journey import BrokenFile
from ..domain.languages import normalize_language
from ..errors import InvalidInput, NotFound
from .actor import Actor, Permission
from .content import Content, load_content

__all__ = [
    "LoadedTemplates",
    "Message",
    "Template",
    "TemplateContext",
    "TemplateList",
    "Unguarded",
    "find_unguarded_variables",
    "get_template",
    "list_templates",
    "load_templates",
    "preview_template",
]


class TemplateContext(Protocol):
    """What has templates: a `ServiceContext`, or `LoadedTemplates`."""

    @property
    def content(self) -> Content:
        """Journeys, lists and templates as of the last load."""
        ...

    @property
    def clock(self) -> Clock:
        """The source of the current time."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedTemplates:
    """Templates without a database, for a command."""

    content: Content
    clock: Clock


@dataclass(frozen=True, slots=True)
class TemplateList:
    """Templates by key, and the files that could not be used."""

    templates: Sequence[Template]
    broken: Sequence[BrokenFile]


def load_templates(settings: Settings) -> LoadedTemplates:
    """Load the author's folder; what is broken is reported in the result, never raised.

    Args:
        settings: with secrets, for the links in previews.
    """
    return LoadedTemplates(load_content(settings, Tokens(settings.secrets)), SystemClock())


def list_templates(context: TemplateContext, actor: Actor) -> TemplateList:
    """Return every template, ordered by key.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    templates = context.content.templates
    return TemplateList(
        [templates.by_key[key] for key in sorted(templates.by_key)], templates.broken
    )


def get_template(context: TemplateContext, actor: Actor, key: str) -> Template:
    """Return one template.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no usable template with this key.
    """
    actor.require(Permission.READ)
    template = context.content.templates.by_key.get(key)
    if template is None:
        raise NotFound(
            f"There is no template {key!r}.", "Its file may have been removed, renamed or broken."
        )
    return template


def find_unguarded_variables(
    context: TemplateContext, actor: Actor, key: str
) -> Sequence[Unguarded]:
    """Return what a template prints that its sample, or an unknown contact, lacks.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no usable template with this key.
    """
    return find_unguarded(get_template(context, actor, key))


def preview_template(
    context: TemplateContext,
    actor: Actor,
    key: str,
    props: Mapping[str, Any] | None = None,
    language: str | None = None,
) -> Message:
    """Render a template for a made-up recipient.

    Args:
        context: has the template.
        actor: who looks at it.
        key: the template.
        props: the values; None for those of the sample.
        language: the recipient's language; None for the template's own.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no usable template with this key.
        InvalidInput: the language is none.
        HogsendError: the template cannot be rendered.
    """
    template = get_template(context, actor, key)
    tag = normalize_language(language) if language else None
    if language and tag is None:
        raise InvalidInput(
            f"{language!r} is not a language.", "Use a tag of BCP 47, such as de or pt-BR."
        )
    return context.content.renderer.preview(template.key, context.clock.now(), props, tag)
