"""Mail templates: listed, and previewed with their sample props."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..delivery.render import Rendered
from ..delivery.templates import Template
from ..domain.journey import BrokenFile
from ..errors import NotFound
from .actor import Actor, Permission
from .context import ServiceContext

__all__ = [
    "Rendered",
    "Template",
    "TemplateList",
    "get_template",
    "list_templates",
    "preview_template",
]


@dataclass(frozen=True, slots=True)
class TemplateList:
    """Templates by key, and the files that could not be used."""

    templates: Sequence[Template]
    broken: Sequence[BrokenFile]


def list_templates(context: ServiceContext, actor: Actor) -> TemplateList:
    """Return every template, ordered by key.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    templates = context.content.templates
    return TemplateList(
        [templates.by_key[key] for key in sorted(templates.by_key)], templates.broken
    )


def get_template(context: ServiceContext, actor: Actor, key: str) -> Template:
    """Return one template.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no usable template with this key.
    """
    actor.require(Permission.READ)
    template = context.content.templates.by_key.get(key)
    if template is None:
        raise NotFound(
            f"There is no template {key!r}.", "`hogsend emails list` shows those that exist."
        )
    return template


def preview_template(context: ServiceContext, actor: Actor, key: str) -> Rendered:
    """Render a template with its sample props, for a made-up recipient.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no usable template with this key.
        HogsendError: the template cannot be rendered.
    """
    template = get_template(context, actor, key)
    return context.content.renderer.preview(template.key, context.clock.now())
