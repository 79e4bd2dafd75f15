"""What every screen of the dashboard stands in: session, menu, headers, forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode
from uuid import UUID

from quart import Blueprint, Response, g, redirect, request

from ...errors import NotFound
from ...services.actor import Actor
from ...store import audit
from ...store.corrupt_rows import only_show
from ...store.db import Write
from ...store.read_models import inbox
from ...store.workers import Outage
from .. import formatting
from ..auth import Answer, require_session
from ..engine_status import engine_away
from ..pages import content, context, error_page, harden, now

PAGE_SIZE = 50
# Set by the browser, which alone knows it.
ZONE_COOKIE = "hogsend_zone"
blueprint = Blueprint("admin", __name__)


@dataclass(frozen=True, slots=True)
class Nav:
    """What the menu tells on every page.

    Args:
        journeys: how many journeys there are.
        unread: how many captured mails nobody has context, as text; empty for none.
        worker: whether this process plays journeys.
        away: what the engine misses, if anything.
    """

    journeys: int
    unread: str
    worker: bool
    away: Outage | None


@blueprint.before_request
async def _enter() -> Answer | None:
    refusal = await require_session()
    if refusal is not None:
        return refusal
    if b"%00" in request.query_string:
        # No text that is kept has one, and Postgres takes none to compare with.
        return error_page(400, "No text contains a NUL character.", "Search for something else.")
    if request.method in ("GET", "HEAD"):
        only_show()
    formatting.speak_to(unquote(request.cookies.get(ZONE_COOKIE, "")))
    current = context()
    captured = current.settings.mail == "inbox"
    unread = await current.database.read_one(inbox.unread()) if captured else 0
    g.nav = Nav(
        journeys=len(content().registry.journeys),
        unread="" if not unread else f"{unread}+" if unread >= inbox.MOST_COUNTED else str(unread),
        worker=current.worker_status is not None,
        away=await engine_away(),
    )
    return None


@blueprint.after_request
async def _leave(answer: Response) -> Response:
    return harden(answer)


def actor() -> Actor:
    """Return the operator who makes the request, as services know them."""
    return Actor.from_operator(g.operator)


def id_from(text: str, noun: str) -> UUID:
    """Read an id out of an address.

    Args:
        text: the part of the address.
        noun: what it should name, for the error.

    Raises:
        NotFound: it is no id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise missing(noun) from None


def missing(noun: str) -> NotFound:
    """Make the error for something that is not there."""
    return NotFound(
        f"There is no such {noun}.", "It may have been removed, or the link is cut off."
    )


def cursor() -> UUID | None:
    """Return the id that the page's rows are older than, if one is named; nonsense is none."""
    try:
        return UUID(request.args["before"])
    except (KeyError, ValueError):
        return None


def address(path: str, **query: Any) -> str:
    """Return a path with those of the values that say something."""
    kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def back(path: str, done: str = "") -> Answer:
    """Go to a page after a change, and say there what was done.

    Args:
        path: where to.
        done: which of the sentences of `words.DONE` is shown.
    """
    return redirect(address(path, done=done), 303)


async def change(
    writes: list[Write],
    action: str,
    subject: str,
    *topics: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write a change and its line in the audit log in one transaction, and tell open pages.

    Args:
        writes: the change.
        action: what the log calls it.
        subject: to what it is done.
        topics: which topics of the live pages it concerns.
        before: what it was.
        after: what it is now.
    """
    line = audit.record(actor().name, action, subject, now(), before=before, after=after)
    async with context().database.transaction() as transaction:
        await transaction.apply([*writes, line])
    context().change_feed.publish(*topics)
