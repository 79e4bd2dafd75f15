"""The session that every page of the dashboard needs, and the tokens that its forms carry.

A form carries a token that is derived from the session's cookie, so that no other site can post in
an operator's name.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from urllib.parse import quote

from quart import Response, g, redirect, request
from werkzeug.wrappers import Response as PlainResponse

from ..services.sessions import Session, find_session, note_activity
from .pages import add_security_headers, get_context, read_form, render_error_page

COOKIE = "hogsend_session"
# A longer path is not returned to: it would not fit into a header everywhere.
_MAX_NEXT_LENGTH = 2000

WebResponse = Response | PlainResponse


def derive_csrf_token(cookie: str) -> str:
    """Return the token that the forms of a session carry."""
    digest = sha256(b"hogsend form " + cookie.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


async def find_current_session() -> Session | None:
    """Return the session of the request, if it has a valid one."""
    return await find_session(get_context(), request.cookies.get(COOKIE, ""))


async def has_valid_csrf_token(cookie: str) -> bool:
    """Return whether the posted form belongs to a session."""
    form = await read_form()
    token = form.get("csrf") or request.headers.get("X-CSRF-Token") or ""
    return hmac.compare_digest(token.encode(), derive_csrf_token(cookie).encode())


def sanitize_next_url(url: str | None) -> str:
    """Return a path of this server, never a URL that leads elsewhere; `/` for any other text."""
    url = url or "/"
    leads_away = not url.startswith("/") or url.startswith("//") or "\\" in url
    if leads_away or not url.isprintable() or len(url) > _MAX_NEXT_LENGTH:
        return "/"
    return url


async def require_session() -> WebResponse | None:
    """Find the operator who makes a request, and check what is posted.

    Returns:
        None when the page may go on, else the response instead: a redirect to the sign-in page, or
        a refusal.
    """
    session = await find_current_session()
    if session is None:
        return _redirect_to_sign_in()
    cookie = request.cookies[COOKIE]
    g.operator, g.cookie, g.csrf = session.operator, cookie, derive_csrf_token(cookie)
    # Read before the page's data: the page's stream reports what changes from here on.
    g.seen = get_context().change_feed.number
    if request.method not in ("GET", "HEAD") and not await has_valid_csrf_token(cookie):
        return refuse_expired_form()
    await note_activity(get_context(), session)
    return None


def refuse_expired_form() -> Response:
    """Refuse a form that another session rendered."""
    return render_error_page(
        403, "This form is from another session.", "Reload the page and submit it again."
    )


async def refuse_foreign_forms() -> WebResponse | None:
    """Refuse forms of other sites on pages without a session.

    The browser's own headers tell where a form comes from (`Sec-Fetch-Site`, `Origin`).
    """
    if request.method in ("GET", "HEAD") or _is_same_origin():
        return None
    return render_error_page(
        403, "This form was sent from another site.", "Open the page on this site instead."
    )


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


async def add_page_headers(response: Response) -> Response:
    """Add the security headers of the dashboard's pages."""
    return add_security_headers(response)


def _redirect_to_sign_in() -> WebResponse:
    if request.headers.get("HX-Request") == "true":
        current = request.headers.get("HX-Current-URL", "")
        _, _, path = current.partition("://")[2].partition("/")
        here = sanitize_next_url("/" + path.partition("#")[0])
        return Response("", 401, headers={"HX-Redirect": f"/sign-in?next={quote(here)}"})
    is_page = request.method == "GET"
    wanted = sanitize_next_url(request.full_path.rstrip("?")) if is_page else "/"
    suffix = "" if wanted == "/" else f"?next={quote(wanted)}"
    return redirect(f"/sign-in{suffix}", 303)
