"""Pages for signing in with a password, and for signing out."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from quart import Blueprint, Response, current_app, redirect, request

from ..errors import Overloaded, StoreUnavailable
from ..services import sessions
from .client_address import find_network
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

DEVICE_COOKIE = "hogsend_device"
# Only the pages that sign in get the cookie.
_DEVICE_PATH = "/sign-in"
_INCORRECT = "The email or password is incorrect."

blueprint = Blueprint("sign_in", __name__)
blueprint.before_request(refuse_foreign_forms)
blueprint.after_request(add_page_headers)


def _get_failures() -> FailureLimiter:
    """Return the counts of failed attempts in this process, by the names from `_name_callers`."""
    extensions = current_app.extensions
    if "sign_in_failures" not in extensions:
        extensions["sign_in_failures"] = FailureLimiter(limit=5, window=timedelta(minutes=15))
    return cast(FailureLimiter, extensions["sign_in_failures"])


def _name_callers(email: str) -> list[str]:
    """Return the names that an attempt may be counted by, the preferred one first.

    A browser in which the operator has signed in before is counted by itself, so that failures of
    others at the same address, such as a proxy's, do not keep it out.
    """
    email = email.strip().lower()
    device = sessions.read_device_token(
        get_context(), request.cookies.get(DEVICE_COOKIE, ""), email
    )
    callers = [] if device is None else [f"device {device}"]
    return [*callers, f"{find_network(request.remote_addr or '')} {email}"]


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
    if not sessions.has_possible_length(email, password):
        return _render_sign_in_page(_INCORRECT, status=401, after=after)
    failures, callers = _get_failures(), _name_callers(email)
    waits = {caller: failures.seconds_to_wait(caller, get_now()) for caller in callers}
    caller = min(callers, key=lambda caller: waits[caller])
    if wait := waits[caller]:
        return _refuse_for_now(wait, email, after)
    # Counted before the password is checked, so that many attempts at once are counted too.
    failures.record(caller, get_now())
    try:
        cookie = await sessions.sign_in(get_context(), email, password)
    except (Overloaded, StoreUnavailable) as error:
        failures.withdraw(caller)
        return _refuse_overloaded(error)
    if cookie is None:
        return _render_sign_in_page(_INCORRECT, status=401, email=email, after=after)
    for name in callers:
        failures.forget(name)
    return redirect_with_session(cookie, after, email)


def _refuse_overloaded(error: Overloaded | StoreUnavailable) -> Response:
    response = render_error_page(503, error.message, error.remedy)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


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


def redirect_with_session(cookie: str, after: str, email: str) -> WebResponse:
    """Set the cookies of a session and of the browser, and go to a page.

    Args:
        cookie: the session's.
        after: the path of the page.
        email: the operator's address.
    """
    device = sessions.create_device_token(get_context(), email)
    response = redirect(after, 303)
    for name, value, lifetime, path in (
        (COOKIE, cookie, sessions.ABSOLUTE_LIMIT, "/"),
        (DEVICE_COOKIE, device, sessions.DEVICE_LIFETIME, _DEVICE_PATH),
    ):
        response.set_cookie(
            name,
            value,
            max_age=int(lifetime.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=get_context().settings.base_url.startswith("https:"),
            path=path,
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
