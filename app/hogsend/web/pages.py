"""Pages: templates, the blocks of a page that htmx asks for, and the headers every page has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from quart import Response, current_app, g, request
from werkzeug.datastructures import MultiDict

from ..paths import resource
from . import formatting

if TYPE_CHECKING:
    from ..services.content import Content
    from ..services.context import ServiceContext

# Scripts, styles and pictures come from this server alone; nothing may frame a page or be sent
# elsewhere by one. Frames of our own are the rendered mails.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def context() -> ServiceContext:
    """Return what the process is made of."""
    return cast("ServiceContext", current_app.config["CONTEXT"])


def content() -> Content:
    """Return the author's journeys, lists and mails as of now."""
    return context().content


def now() -> datetime:
    """Return the present instant by the process's clock."""
    return context().clock.now()


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates; a name that a page does not give is an error, never a blank."""
    made = Environment(
        loader=FileSystemLoader(resource("web/templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    cast("dict[str, Any]", made.filters).update(
        number=formatting.number,
        many=formatting.many,
        duration=formatting.duration,
        entry=formatting.entry,
        away=formatting.away,
        reason=formatting.reason,
        short=formatting.short_id,
        exact=formatting.exact,
        relative=_relative,
        stamp=_stamp,
    )
    shared = cast("dict[str, Any]", made.globals)
    shared.update(asset=asset, ui=made.get_template("_ui.html").module)
    return made


def _relative(instant: datetime) -> str:
    return formatting.relative(instant, now())


def _stamp(instant: datetime) -> str:
    return formatting.stamp(instant, now())


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """Return the address of a static file.

    Args:
        name: the file's name, or, for a vendored script whose file name carries its version,
            the name before that: `htmx`, `hx-sse`.
    """
    folder = resource("web/static")
    file = folder / name
    if not file.is_file():
        file = max(folder.glob(f"{name}-[0-9]*.js"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    return f"/static/{file.name}?{digest}"


def page(
    template_name: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Render a page, or only the block of it that htmx is about to replace.

    The block is the one named like the id of the target. When the browser's history is
    restored, and whenever the target is not a block, the whole page is given.

    Args:
        template_name: the template.
        status: the HTTP status.
        headers: further headers.
        values: what the template is told.
    """
    template = environment().get_template(template_name)
    shared: dict[str, Any] = {
        "here": request.full_path.rstrip("?"),
        "path": request.path,
        "query": request.args,
        "operator": g.get("operator"),
        "csrf": g.get("csrf", ""),
        "nav": g.get("nav"),
        "seen": g.get("seen", 0),
        "done": formatting.DONE.get(request.args.get("done", "")),
        "now": now(),
    }
    shared.update(values)
    block = _wanted_block(template)
    if block is None:
        html = template.render(shared)
    else:
        html = "".join(template.blocks[block](template.new_context(shared)))
    answer = Response(html, status, content_type="text/html; charset=utf-8")
    answer.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    for header, value in (headers or {}).items():
        answer.headers[header] = value
    return harden(answer)


async def posted() -> MultiDict[str, str]:
    """Return the fields of the form that was sent; empty for a page that was only asked for."""
    return cast("MultiDict[str, str]", await request.form)  # pyright: ignore[reportUnknownMemberType]


def _wanted_block(template: Template) -> str | None:
    asked = request.headers
    if asked.get("HX-Request") != "true" or asked.get("HX-History-Restore-Request") == "true":
        return None
    _, _, target = asked.get("HX-Target", "").partition("#")
    return target if target in template.blocks else None


def harden(answer: Response, *, private: bool = True) -> Response:
    """Add the security headers that a page lacks.

    Args:
        answer: the page.
        private: whether it is of the dashboard, and so must not be kept by any cache.
    """
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    answer.headers.setdefault("Referrer-Policy", "same-origin" if private else "no-referrer")
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def error_page(status: int, sentence: str, remedy: str = "") -> Response:
    """Say on a page of its own what went wrong and what to do.

    Args:
        status: the HTTP status, shown as the code.
        sentence: what happened.
        remedy: what to do about it.
    """
    return page("error.html", status=status, code=status, sentence=sentence, remedy=remedy)
