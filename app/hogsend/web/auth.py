"""Signing in to the dashboard, and the session that every page of it needs.

A form carries a token that follows from the session's cookie, so that no other site can post in
an operator's name. Before there is a session, the browser's own word about where a form comes
from is taken (`Sec-Fetch-Site`, `Origin`).
"""

from __future__ import annotations

import base64
import hmac
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from hashlib import sha256
from typing import Any, ParamSpec, cast
from urllib.parse import quote, urlsplit

from quart import Blueprint, Response, current_app, g, redirect, request
from werkzeug.wrappers import Response as PlainResponse

from ..errors import HogsendError
from ..store import operators, sessions
from ..store.operators import Operator, Role
from .pages import context, error_page, harden, now, page, posted

COOKIE = "hogsend_session"
LEAST_PASSWORD = 10
_RANK: dict[Role, int] = {"viewer": 0, "operator": 1, "owner": 2}
_TRIES, _WINDOW, _REMEMBERED = 5, timedelta(minutes=15), 10_000
_MOST_AT_ONCE = 8

P = ParamSpec("P")
Answer = Response | PlainResponse

blueprint = Blueprint("auth", __name__)


@dataclass(slots=True)
class Attempts:
    """Failed sign-ins by address and email, so that passwords cannot be tried out.

    Args:
        failed: the instants of the newest failures, those tried longest ago first.
        under_way: passwords that are being looked at now; each costs a quarter of a second.
    """

    failed: OrderedDict[str, deque[datetime]] = field(
        default_factory=OrderedDict[str, "deque[datetime]"]
    )
    under_way: int = 0

    def wait(self, who: str, at: datetime) -> int:
        """Return the seconds until another try is allowed, 0 when it is now."""
        times = self.failed.get(who)
        if times is None:
            return 0
        while times and at - times[0] >= _WINDOW:
            times.popleft()
        if len(times) < _TRIES:
            return 0
        return int((times[0] + _WINDOW - at).total_seconds()) + 1

    def fail(self, who: str, at: datetime) -> None:
        """Count a failure."""
        self.failed.setdefault(who, deque(maxlen=_TRIES)).append(at)
        self.failed.move_to_end(who)
        while len(self.failed) > _REMEMBERED:
            self.failed.popitem(last=False)

    def forget(self, who: str) -> None:
        """Forget the failures of someone who has signed in."""
        self.failed.pop(who, None)


def attempts() -> Attempts:
    """Return the failed sign-ins of this process."""
    return cast(Attempts, current_app.extensions.setdefault("sign_in_attempts", Attempts()))


def csrf_of(cookie: str) -> str:
    """Return the token that forms of a session carry."""
    digest = sha256(b"hogsend form " + cookie.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def safe_next(address: str | None) -> str:
    """Return a path of this server, never an address that leads elsewhere."""
    address = address or "/"
    parts = urlsplit(address)
    leads_away = parts.scheme or parts.netloc or "\\" in address or not address.startswith("/")
    if leads_away or address.startswith("//") or not address.isprintable():
        return "/"
    return address


async def require_session() -> Answer | None:
    """Before a page of the dashboard: find the operator, and check what is posted.

    Returns:
        None when the page may go on, else the answer instead: a redirect to the sign-in page, or
        a refusal.
    """
    cookie = request.cookies.get(COOKIE, "")
    session = await sessions.find(context().database, cookie, now()) if cookie else None
    if session is None:
        return _to_sign_in()
    g.operator, g.cookie, g.csrf = session.operator, cookie, csrf_of(cookie)
    # Taken before the page's data is read: what changes from here on, its stream tells it.
    g.seen = context().change_feed.number
    if request.method not in ("GET", "HEAD"):
        form = await posted()
        given = form.get("csrf") or request.headers.get("X-CSRF-Token") or ""
        if not hmac.compare_digest(given.encode(), g.csrf.encode()):
            return error_page(
                403, "This form is of another session.", "Open the page again and repeat it."
            )
        if session.operator.role == "viewer":
            return forbidden("operator")
    await sessions.touch(context().database, session, now())
    return None


def _to_sign_in() -> Answer:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    if request.headers.get("HX-Request") == "true":
        current = urlsplit(request.headers.get("HX-Current-URL", ""))
        here = safe_next(current.path + (f"?{current.query}" if current.query else ""))
        headers = {"HX-Redirect": f"/sign-in?next={quote(here)}"}
        return Response("", 401, headers=headers)
    suffix = "" if wanted == "/" else f"?next={quote(wanted)}"
    return redirect(f"/sign-in{suffix}", 303)


def forbidden(needed: Role) -> Response:
    """Refuse an operator whose role does not allow this.

    Args:
        needed: the least role that does.
    """
    role = g.operator.role
    return error_page(
        403,
        f"You are signed in as a {role}, and this needs the role {needed}.",
        "Ask an owner to change your role or to do it for you.",
    )


def needs(role: Role) -> Callable[[Callable[P, Awaitable[Any]]], Callable[P, Awaitable[Any]]]:
    """Let a view be used only by operators of at least this role."""

    def guard(view: Callable[P, Awaitable[Any]]) -> Callable[P, Awaitable[Any]]:
        @wraps(view)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if _RANK[g.operator.role] < _RANK[role]:
                return forbidden(role)
            return await view(*args, **kwargs)

        return guarded

    return guard


def _comes_from_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


@blueprint.before_request
async def _refuse_foreign_forms() -> Answer | None:
    if request.method in ("GET", "HEAD") or _comes_from_here():
        return None
    return error_page(403, "This form was sent from another site.", "Open the page here instead.")


@blueprint.after_request
async def _harden(answer: Response) -> Response:
    return harden(answer)


def _sign_in_page(
    problem: str = "", *, status: int = 200, email: str = "", after: str = "/", **more: Any
) -> Response:
    return page(
        "sign_in.html", status=status, problem=problem, email=email, after=safe_next(after), **more
    )


@blueprint.get("/sign-in")
async def sign_in_form() -> Answer:
    """Show the sign-in form; someone who is signed in goes on."""
    after = safe_next(request.args.get("next"))
    cookie = request.cookies.get(COOKIE)
    database = context().database
    if cookie and await sessions.find(database, cookie, now()):
        return redirect(after, 303)
    first = not await operators.any_operator(database)
    return _sign_in_page(after=after, first=first)


@blueprint.post("/sign-in")
async def sign_in() -> Answer:
    """Sign in with an email address and a password."""
    form = await posted()
    email, password = form.get("email", ""), form.get("password", "")
    after = safe_next(form.get("next"))
    who = f"{request.remote_addr} {email.strip().lower()[:320]}"
    wait = attempts().wait(who, now())
    if wait:
        answer = _sign_in_page(
            f"Too many attempts. Try again in {max(1, round(wait / 60))} min, or make a link on "
            "the server with `hogsend operators link`.",
            status=429,
            email=email,
            after=after,
            first=False,
        )
        answer.headers["Retry-After"] = str(wait)
        return answer
    if attempts().under_way >= _MOST_AT_ONCE:
        return error_page(
            503, "Too many people sign in at this moment.", "Try again in a few seconds."
        )
    # Counted before the password is looked at, so that a hundred tries at once are no way around.
    attempts().fail(who, now())
    attempts().under_way += 1
    try:
        operator = await operators.sign_in(context().database, email, password)
    finally:
        attempts().under_way -= 1
    if operator is None:
        return _sign_in_page(
            "This address and password do not belong together.",
            status=401,
            email=email,
            after=after,
            first=False,
        )
    attempts().forget(who)
    return await _signed_in(operator, after)


async def _signed_in(operator: Operator, after: str) -> Answer:
    cookie = await sessions.start(context().database, operator.id, now())
    answer = redirect(after, 303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(sessions.ABSOLUTE_LIMIT.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=context().settings.base_url.startswith("https:"),
        path="/",
    )
    return answer


@blueprint.get("/sign-in/<token>")
async def link_form(token: str) -> Answer:
    """Show what a sign-in link is for; looking does not use it up."""
    link = await operators.find_link(context().database, token, now())
    if link is None:
        return _used_up()
    return page("first_run.html", link=link, problem="", email=link.email or "")


@blueprint.post("/sign-in/<token>")
async def use_link(token: str) -> Answer:
    """Use a sign-in link: set a password and go in."""
    form = await posted()
    link = await operators.find_link(context().database, token, now())
    if link is None:
        return _used_up()
    email, password = link.email or form.get("email", ""), form.get("password", "")
    problem = ""
    if len(password) < LEAST_PASSWORD:
        problem = f"The password needs at least {LEAST_PASSWORD} characters."
    elif password != form.get("again", password):
        problem = "The two passwords differ."
    else:
        try:
            operator = await operators.use_link(
                context().database, token, now(), email=email, password=password
            )
            return await _signed_in(operator, "/")
        except HogsendError as error:
            problem = str(error)
    return page("first_run.html", status=400, link=link, problem=problem, email=email)


def _used_up() -> Response:
    return error_page(
        410,
        "This sign-in link has been used or has expired.",
        "Make a new one on the server: `hogsend operators link`",
    )


@blueprint.post("/sign-out")
async def sign_out() -> Answer:
    """End this session."""
    return await _leave(everywhere=False)


@blueprint.post("/sign-out-everywhere")
async def sign_out_everywhere() -> Answer:
    """End every session of this operator, here and elsewhere."""
    return await _leave(everywhere=True)


async def _leave(*, everywhere: bool) -> Answer:
    cookie = request.cookies.get(COOKIE, "")
    form = await posted()
    database = context().database
    session = await sessions.find(database, cookie, now()) if cookie else None
    if session is not None:
        if not hmac.compare_digest(form.get("csrf", "").encode(), csrf_of(cookie).encode()):
            return error_page(403, "This form is of another session.", "Open the page again.")
        if everywhere:
            await sessions.end_all(database, session.operator.id, now())
        else:
            await sessions.end(database, cookie, now())
    answer = redirect("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer
