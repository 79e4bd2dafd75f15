"""Templates: each mail of the author's folder, previewed with its sample props."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from quart import Response, request

from ...domain.languages import normalize_language
from ...errors import HogsendError
from ...services import templates
from ...services.link_figures import list_link_totals
from ...services.template_checks import check_template
from ...services.templates import Template
from ..pages import get_content, get_context, render_page
from ..session import WebResponse
from .base import blueprint, get_actor
from .forms import parse_properties
from .mail_parts import parse_mail, respond_with_mail

# Longer ones do not fit into the address of a page.
_MAX_PROPS_LENGTH = 4_000
_MAX_LANGUAGE_LENGTH = 35


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
    """Show one template rendered with its sample props, or with those of the form."""
    context, actor = get_context(), get_actor()
    template = templates.get_template(context, actor, key)
    asked, rendered, problem = _Asked(request.args), None, ""
    try:
        rendered = templates.preview_template(context, actor, key, asked.props, asked.language)
    except HogsendError as error:
        problem = str(error)
    return render_page(
        "admin/template_preview.html",
        template=template,
        languages=[variant.language for variant in template.variants],
        language=asked.language or template.language,
        props=asked.text or _format_sample(template, asked.language),
        mail_list=get_content().registry.lists.get(template.list_id or "journey"),
        rendered=rendered,
        mail=parse_mail(rendered.mime_bytes) if rendered else None,
        problem=problem,
        findings=check_template(context, actor, key),
        links=await list_link_totals(context, actor, key),
        asked=asked.query,
        view=request.args.get("view", "html"),
    )


@blueprint.get("/templates/<key>/html")
async def serve_template_html(key: str) -> Response:
    """Serve a template's preview to its frame."""
    asked = _Asked(request.args)
    rendered = templates.preview_template(
        get_context(), get_actor(), key, asked.props, asked.language
    )
    is_dark = request.args.get("view") == "dark"
    return respond_with_mail(rendered.html, has_working_links=False, is_dark=is_dark)


class _Asked:
    """The values and the language that the form of a preview names.

    Args:
        arguments: those of the request.
    """

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.text = arguments.get("props", "").strip()[:_MAX_PROPS_LENGTH]
        self.language = arguments.get("language", "")[:_MAX_LANGUAGE_LENGTH] or None

    @property
    def props(self) -> Mapping[str, Any] | None:
        """The values; None for those of the sample.

        Raises:
            InvalidInput: they are not a JSON object.
        """
        return parse_properties(self.text, "Props") if self.text else None

    @property
    def query(self) -> str:
        """The same form as the query of a link."""
        fields = {"props": self.text, "language": self.language or ""}
        return urlencode({name: value for name, value in fields.items() if value})


def _format_sample(template: Template, language: str | None) -> str:
    try:
        sample = template.choose(normalize_language(language or "")).sample
    except HogsendError:
        sample = template.sample
    return json.dumps(dict(sample), indent=2, ensure_ascii=False)
