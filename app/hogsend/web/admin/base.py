"""What every page of the dashboard shares: session, menu, headers, paging, redirects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode
from uuid import UUID

from quart import Blueprint, g, redirect, request

from ...errors import Conflict, InvalidInput, NotFound, RateLimited, StoreUnavailable, TooLarge
from ...services import inbox
from ...services.actor import Actor
from ...services.health import DatabaseProblem, find_database_problem
from ...services.outages import Outage, find_outage
from ...services.system import show_corrupt_rows
from .. import formatting
from ..pages import get_content, get_context, render_error_page
from ..session import WebResponse, add_page_headers, require_session

PAGE_SIZE = 50
# The errors that a page shows beside the form that caused them.
FORM_ERRORS = (Conflict, InvalidInput, NotFound, RateLimited, StoreUnavailable, TooLarge)
# Set by the browser, which alone knows the reader's time zone.
_ZONE_COOKIE = "hogsend_zone"

blueprint = Blueprint("admin", __name__)
blueprint.after_request(add_page_headers)


@dataclass(frozen=True, slots=True)
class Nav:
    """What the menu shows on every page.

    Args:
        journeys: how many journeys there are.
        unread: how many captured mails are unread, as text; empty for none.
        has_worker: whether this process runs journeys.
        outage: what the engine cannot reach, if anything.
        database_problem: what is wrong with the database, if anything is.
    """

    journeys: int
    unread: str
    has_worker: bool
    outage: Outage | None
    database_problem: DatabaseProblem | None


@blueprint.before_request
async def _prepare() -> WebResponse | None:
    refusal = await require_session()
    if refusal is not None:
        return refusal
    if b"%00" in request.query_string:
        # No stored text has one, and Postgres refuses to compare with it.
        return render_error_page(
            400, "The search contains a NUL character.", "Search for something else."
        )
    if request.method in ("GET", "HEAD"):
        show_corrupt_rows()
    else:
        get_actor().require_any_change()
    formatting.set_time_zone(unquote(request.cookies.get(_ZONE_COOKIE, "")))
    g.nav = Nav(
        journeys=len(get_content().registry.journeys),
        unread=await _count_unread(),
        has_worker=get_context().worker_status is not None,
        outage=await find_outage(get_context()),
        database_problem=find_database_problem(get_context()),
    )
    return None


async def _count_unread() -> str:
    if get_context().settings.mail != "inbox":
        return ""
    unread = await inbox.count_unread(get_context(), get_actor())
    if unread >= inbox.MAX_COUNTED:
        return f"{unread}+"
    return str(unread) if unread else ""


def get_actor() -> Actor:
    """Return the operator who makes the request, as services know them."""
    return Actor.from_operator(g.operator)


def parse_id(text: str, noun: str) -> UUID:
    """Read an id from a path.

    Args:
        text: the part of the path.
        noun: what it should identify, for the error.

    Raises:
        NotFound: it is not an id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(
            f"There is no such {noun}.", "It may have been removed, or the link is incomplete."
        ) from None


def read_before_id() -> UUID | None:
    """Return the id that the page's rows are older than; None on the first page."""
    try:
        return UUID(request.args["before"])
    except (KeyError, ValueError):
        return None


def build_url(path: str, **query: Any) -> str:
    """Return a path with a query; values that are None or empty are left out."""
    kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def redirect_with_notice(path: str, notice: str = "", number: int | None = None) -> WebResponse:
    """Go to a page after a change, and confirm the change there.

    Args:
        path: the page.
        notice: which of `NOTICES` it shows.
        number: the number in it, if it has one.
    """
    return redirect(build_url(path, done=notice, number=number), 303)
