"""Templates: each mail of the author's folder, previewed with its sample props."""

from __future__ import annotations

from quart import Response, request

from ...errors import HogsendError
from ...services import templates
from ..pages import get_content, get_context, render_page
from ..session import WebResponse
from .base import blueprint, get_actor
from .mail_parts import parse_mail, respond_with_mail


@blueprint.get("/templates")
async def list_templates() -> WebResponse:
    """Show every template, and the files that cannot be used."""
    result = templates.list_templates(get_context(), get_actor())
    return render_page(
        "admin/templates.html",
        templates=result.templates,
        broken=result.broken,
        lists=get_content().registry.lists,
    )


@blueprint.get("/templates/<key>")
async def show_template(key: str) -> WebResponse:
    """Show one template rendered with its sample props."""
    template = templates.get_template(get_context(), get_actor(), key)
    rendered, problem = None, ""
    try:
        rendered = templates.preview_template(get_context(), get_actor(), key)
    except HogsendError as error:
        problem = str(error)
    return render_page(
        "admin/template_preview.html",
        template=template,
        mail_list=get_content().registry.lists.get(template.list_id or "journey"),
        rendered=rendered,
        mail=parse_mail(rendered.mime_bytes) if rendered else None,
        problem=problem,
        unguarded=templates.find_unguarded_variables(get_context(), get_actor(), key),
        view=request.args.get("view", "html"),
    )


@blueprint.get("/templates/<key>/html")
async def serve_template_html(key: str) -> Response:
    """Serve a template's preview to its frame."""
    rendered = templates.preview_template(get_context(), get_actor(), key)
    return respond_with_mail(rendered.html, has_working_links=False)
