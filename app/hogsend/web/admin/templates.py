"""Templates: each mail of the journeys' folder, shown to an imagined person."""

from __future__ import annotations

from quart import Response, request

from ...delivery.render import Rendered
from ...errors import HogsendError
from ..auth import Answer
from ..pages import content, now, page
from . import mail_parts
from .base import blueprint, missing


@blueprint.get("/templates")
async def list_templates() -> Answer:
    """Show every template, and the files that cannot be used."""
    found = content().templates
    return page(
        "admin/templates.html",
        templates=[found.by_key[key] for key in sorted(found.by_key)],
        broken=found.broken,
        lists=content().registry.lists,
    )


def _rendered(key: str) -> Rendered:
    if key not in content().templates.by_key:
        raise missing("template")
    return content().renderer.preview(key, now())


@blueprint.get("/templates/<key>")
async def show_template(key: str) -> Answer:
    """Show one template rendered with its sample props."""
    template = content().templates.by_key.get(key)
    if template is None:
        raise missing("template")
    rendered, problem = None, ""
    try:
        rendered = _rendered(key)
    except HogsendError as error:
        problem = str(error)
    return page(
        "admin/template.html",
        template=template,
        mail_list=content().registry.lists.get(template.list_id or "journey"),
        rendered=rendered,
        mail=mail_parts.take_apart(rendered.raw) if rendered else None,
        problem=problem,
        view=request.args.get("view", "html"),
    )


@blueprint.get("/templates/<key>/html")
async def template_html(key: str) -> Response:
    """Give a template's preview to its frame."""
    return mail_parts.framed(_rendered(key).html, links_work=False)
