"""Renders pages and the blocks of pages that htmx requests, with their security headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from quart import Response, current_app, g, request
from werkzeug.datastructures import MultiDict

from ..domain.languages import DEFAULT_LANGUAGE
from ..paths import find_resource
from . import formatting
from .notices import describe_notice
from .public_texts import TEXTS_BY_LANGUAGE, PublicTexts, select_language, translate_sentence
from .upload_form import open_upload_form

if TYPE_CHECKING:
    from ..services.content import Content
    from ..services.context import ServiceContext
    from .request_body import SizedRequest

# Scripts, styles and images come from this server only; no site may frame a page, and no page may
# post elsewhere. The only frames are rendered mails.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# The list that has what a path names, by the path's first part: its path and its name.
_SECTIONS = {
    "journeys": ("/journeys", "journeys"),
    "enrollments": ("/journeys", "journeys"),
    "contacts": ("/contacts", "contacts"),
    "events": ("/events", "events"),
    "emails": ("/emails", "emails"),
    "inbox": ("/inbox", "inbox"),
    "imports": ("/imports", "imports"),
    "templates": ("/templates", "templates"),
    "keys": ("/keys", "API keys"),
}
# Pages of recipients, who get no link to the dashboard, and read their own language.
_PUBLIC_PATHS = ("/u/", "/p/", "/m/", "/c/", "/o/", "/v1/email/")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def get_context() -> ServiceContext:
    """Return what services need: the open installation of this process."""
    return cast("ServiceContext", current_app.config["CONTEXT"])


def get_content() -> Content:
    """Return the author's journeys, lists and templates as of the last load."""
    return get_context().content


def get_now() -> datetime:
    """Return the present instant by the process's clock."""
    return get_context().clock.now()


def is_public_page() -> bool:
    """Return whether the request is for a page of recipients."""
    return request.path.startswith(_PUBLIC_PATHS)


def get_texts() -> PublicTexts:
    """Return the texts of a public page, in the language of its recipient or of the browser."""
    return TEXTS_BY_LANGUAGE[get_language()]


def get_language() -> str:
    """Return the language of the page: English for the dashboard."""
    if not is_public_page():
        return DEFAULT_LANGUAGE
    accepted = [tag for tag, _ in request.accept_languages]
    return select_language(g.get("recipient_properties", {}), accepted)


@lru_cache(maxsize=1)
def get_environment() -> Environment:
    """Return the template environment; a variable that a page does not set is an error."""
    jinja = Environment(
        loader=FileSystemLoader(find_resource("web/templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    cast("dict[str, Any]", jinja.filters).update(
        number=formatting.format_number,
        points=formatting.format_points,
        share=formatting.format_share,
        pluralize=formatting.pluralize,
        duration=formatting.format_duration,
        entry_rule=formatting.describe_entry,
        outage=formatting.describe_outage,
        reason=formatting.describe_reason,
        last_line=formatting.find_last_line,
        short_id=formatting.shorten_id,
        exact=formatting.format_exact,
        relative=_format_relative,
        timeline_time=_format_timeline_time,
    )
    # Names are read as they are written: José, not Jos\\u00e9.
    jinja.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    template_globals = cast("dict[str, Any]", jinja.globals)
    template_globals.update(asset=build_asset_url, ui=jinja.get_template("_macros.html").module)
    return jinja


def _format_relative(instant: datetime) -> str:
    return formatting.format_relative(instant, get_now())


def _format_timeline_time(instant: datetime) -> str:
    return formatting.format_time(instant, get_now())


@lru_cache(maxsize=1)
def list_assets() -> frozenset[str]:
    """Return the names of the static files."""
    return frozenset(file.name for file in find_resource("web/static").iterdir() if file.is_file())


@lru_cache(maxsize=32)
def build_asset_url(name: str) -> str:
    """Return the URL of a static file.

    Args:
        name: the file's name, or, for a vendored script whose file name carries its version,
            the name before that: `htmx`, `hx-sse`.
    """
    folder = find_resource("web/static")
    file = folder / name
    if not file.is_file():
        file = max(folder.glob(f"{name}-[0-9]*.js"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    return f"/static/{file.name}?{digest}"


def render_page(
    template_name: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Render a page, or only the block of it that htmx will replace.

    The block is the one with the name of the target's id. When the browser restores its history,
    and when the target is not a block, the whole page is rendered.

    Args:
        template_name: the template.
        status: the HTTP status.
        headers: further headers.
        values: the variables of the template.
    """
    template = get_environment().get_template(template_name)
    variables: dict[str, Any] = {
        "current_url": request.full_path.rstrip("?"),
        "path": request.path,
        "query": request.args,
        "operator": g.get("operator"),
        "csrf": g.get("csrf", ""),
        "nav": g.get("nav"),
        "seen": g.get("seen", 0),
        "notice": describe_notice(request.args),
        "now": get_now(),
        "language": get_language(),
        "is_public": is_public_page(),
    }
    variables.update(values)
    block = _find_requested_block(template)
    if block is None:
        html = template.render(variables)
    else:
        html = "".join(template.blocks[block](template.new_context(variables)))
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    for header, value in (headers or {}).items():
        response.headers[header] = value
    return add_security_headers(response)


async def read_form() -> MultiDict[str, str]:
    """Return the fields of the posted form; empty for a GET.

    NUL characters, which no form of a browser contains and Postgres does not store, are removed.
    Of a form with a file, these are the fields before the file.
    """
    if cast("SizedRequest", request).body.is_paced:
        form = (await open_upload_form()).fields
    else:
        form = cast("MultiDict[str, str]", await request.form)  # pyright: ignore[reportUnknownMemberType]
    return MultiDict([(name, value.replace("\0", "")) for name, value in form.items(multi=True)])


def _find_requested_block(template: Template) -> str | None:
    headers = request.headers
    if headers.get("HX-Request") != "true" or headers.get("HX-History-Restore-Request") == "true":
        return None
    _, _, target = headers.get("HX-Target", "").partition("#")
    return target if target in template.blocks else None


def add_security_headers(response: Response, *, private: bool = True) -> Response:
    """Add the security headers that a page has not set itself.

    Args:
        response: the page.
        private: whether it belongs to the dashboard, whose addresses other sites must not see.
    """
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    response.headers.setdefault("Referrer-Policy", "same-origin" if private else "no-referrer")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def render_error_page(status: int, sentence: str, remedy: str = "") -> Response:
    """Render a page that says what went wrong and what to do.

    On the dashboard it links to the list of what was looked for, and to the overview.

    Args:
        status: the HTTP status, shown as the code.
        sentence: what happened.
        remedy: what to do about it.
    """
    if is_public_page():
        texts, language = get_texts(), get_language()
        translated = translate_sentence(sentence, language)
        if translated is None:
            translated, remedy = texts.something_went_wrong, texts.try_later
        sentence, remedy = translated, translate_sentence(remedy, language) or ""
    section = request.path.split("/")[1]
    return render_page(
        "error.html",
        status=status,
        code=status,
        sentence=sentence,
        remedy=remedy,
        section=_SECTIONS.get(section) if status == 404 else None,
    )
