"""Pages for signing in with a password, and for signing out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from quart import Blueprint, Response, current_app, redirect, request

from ..services import sessions
from .failure_limiter import FailureLimiter
from .pages import get_context, get_now, read_form, render_error_page, render_page
from .session import (
    COOKIE,
    WebResponse,
    add_page_headers,
    find_current_session,
    has_valid_csrf_token,
    refuse_expired_form,
    refuse_foreign_forms,
    sanitize_next_url,
)

# Checking a password takes a quarter of a second of one core.
_MAX_CHECKS_AT_ONCE = 8

blueprint = Blueprint("sign_in", __name__)
blueprint.before_request(refuse_foreign_forms)
blueprint.after_request(add_page_headers)


@dataclass(slots=True)
class SignInAttempts:
    """The attempts to sign in of this process.

    Args:
        failures: failed attempts, by client address and email address.
        checking: how many passwords are being checked now.
    """

    failures: FailureLimiter = field(
        default_factory=lambda: FailureLimiter(limit=5, window=timedelta(minutes=15))
    )
    checking: int = 0


def _get_attempts() -> SignInAttempts:
    extensions = current_app.extensions
    return cast(SignInAttempts, extensions.setdefault("sign_in_attempts", SignInAttempts()))


def _render_sign_in_page(
    problem: str = "",
    *,
    status: int = 200,
    email: str = "",
    after: str = "/",
    is_first: bool = False,
) -> Response:
    return render_page(
        "sign_in.html",
        status=status,
        problem=problem,
        email=email,
        after=sanitize_next_url(after),
        is_first=is_first,
    )


@blueprint.get("/sign-in")
async def show_sign_in_form() -> WebResponse:
    """Show the sign-in form; an operator who is signed in is redirected."""
    after = sanitize_next_url(request.args.get("next"))
    if await find_current_session():
        return redirect(after, 303)
    return _render_sign_in_page(
        after=after, is_first=not await sessions.has_operators(get_context())
    )


@blueprint.post("/sign-in")
async def sign_in() -> WebResponse:
    """Sign in with an email address and a password."""
    form = await read_form()
    email, password = form.get("email", ""), form.get("password", "")
    after = sanitize_next_url(form.get("next"))
    caller = f"{request.remote_addr} {email.strip().lower()[:320]}"
    attempts = _get_attempts()
    if wait := attempts.failures.seconds_to_wait(caller, get_now()):
        return _refuse_for_now(wait, email, after)
    if attempts.checking >= _MAX_CHECKS_AT_ONCE:
        return render_error_page(
            503, "Too many people are signing in right now.", "Try again in a few seconds."
        )
    # Counted before the password is checked, so that many attempts at once are counted too.
    attempts.failures.record(caller, get_now())
    attempts.checking += 1
    try:
        cookie = await sessions.sign_in(get_context(), email, password)
    finally:
        attempts.checking -= 1
    if cookie is None:
        return _render_sign_in_page(
            "The email or password is incorrect.", status=401, email=email, after=after
        )
    attempts.failures.forget(caller)
    return redirect_with_session(cookie, after)


def _refuse_for_now(wait: int, email: str, after: str) -> Response:
    response = _render_sign_in_page(
        f"Too many attempts. Try again in {max(1, round(wait / 60))} min, or create a sign-in link "
        "on the server with `hogsend operators link`.",
        status=429,
        email=email,
        after=after,
    )
    response.headers["Retry-After"] = str(wait)
    return response


def redirect_with_session(cookie: str, after: str) -> WebResponse:
    """Set a session's cookie and go to a page.

    Args:
        cookie: the session's.
        after: the path of the page.
    """
    response = redirect(after, 303)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(sessions.ABSOLUTE_LIMIT.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=get_context().settings.base_url.startswith("https:"),
        path="/",
    )
    return response


@blueprint.post("/sign-out")
async def sign_out() -> WebResponse:
    """End this session."""
    return await _sign_out(everywhere=False)


@blueprint.post("/sign-out-everywhere")
async def sign_out_everywhere() -> WebResponse:
    """End every session of this operator, in all browsers."""
    return await _sign_out(everywhere=True)


async def _sign_out(*, everywhere: bool) -> WebResponse:
    session = await find_current_session()
    if session is not None:
        cookie = request.cookies[COOKIE]
        if not await has_valid_csrf_token(cookie):
            return refuse_expired_form()
        if everywhere:
            await sessions.end_all_sessions(get_context(), session.operator)
        else:
            await sessions.end_session(get_context(), cookie)
    response = redirect("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response
