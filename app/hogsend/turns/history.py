"""`ctx.history`: what happened to a contact before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..domain.conditions import Condition
from ..domain.event import Event, EventMatch
from ..domain.history import EmailPast, JourneyPast
from ..errors import JourneyCodeError
from .argument_checks import check_instant, check_span, check_text
from .call_results import as_event
from .requests import ReadRequest, ask


class History:
    """What happened to this contact before. Every answer is recorded, so a replay sees the same."""

    async def has_event(
        self,
        event: str,
        *,
        where: Condition | None = None,
        since: datetime | timedelta | None = None,
        label: str | None = None,
    ) -> bool:
        """Say whether an event ever happened.

        Args:
            event: its name.
            where: a condition on its properties.
            since: only events after this instant, or within this long.
            label: what the timeline calls this; the event's name unless given.
        """
        found: bool = await ask(_look("has_event", label, event, where=where, since=since))
        return found

    async def count(
        self,
        event: str,
        *,
        where: Condition | None = None,
        since: datetime | timedelta | None = None,
        label: str | None = None,
    ) -> int:
        """Say how often an event happened; the arguments are those of `has_event`."""
        number: int = await ask(_look("count", label, event, where=where, since=since))
        return number

    async def events(
        self,
        event: str,
        *,
        where: Condition | None = None,
        since: datetime | timedelta | None = None,
        limit: int = 100,
        label: str | None = None,
    ) -> list[Event]:
        """Return the newest events of a name, newest first.

        Args:
            event: the name.
            where: a condition on their properties.
            since: only events after this instant, or within this long.
            limit: how many at most; each is kept in the journal.
            label: what the timeline calls this.
        """
        if limit < 1:
            raise JourneyCodeError("ctx.history.events takes a limit of at least 1.")
        stored: list[Any] = await ask(
            _look("events", label, event, where=where, since=since, limit=limit)
        )
        return [as_event(one) for one in stored]

    async def last_event(
        self, event: str, *, where: Condition | None = None, label: str | None = None
    ) -> Event | None:
        """Return the newest event of a name, or None."""
        stored: list[Any] = await ask(_look("last_event", label, event, where=where, limit=1))
        return as_event(stored[0]) if stored else None

    async def journey(self, journey_id: str, *, label: str | None = None) -> JourneyPast:
        """Say whether and when this contact was in a journey; truthy when they ever entered it.

        Args:
            journey_id: which one, also the present one or one that is gone from the code.
            label: what the timeline calls this; the journey's id unless given.
        """
        check_text("ctx.history.journey", journey_id)
        look = ReadRequest("journey", label or journey_id, subject=journey_id)
        return JourneyPast.from_stored(await ask(look))

    async def email(self, template: str, *, label: str | None = None) -> EmailPast:
        """Say whether and when this contact got a mail, opened it, clicked it.

        Args:
            template: the key of the mail.
            label: what the timeline calls this; the template's key unless given.
        """
        check_text("ctx.history.email", template)
        look = ReadRequest("email", label or template, subject=template)
        return EmailPast.from_stored(await ask(look))


def _look(
    kind: str,
    label: str | None,
    event: str,
    *,
    where: Condition | None,
    since: datetime | timedelta | None = None,
    limit: int = 0,
) -> ReadRequest:
    match = EventMatch(event, where)
    if isinstance(since, timedelta) and since:
        check_span("since=", since)
    if since is not None and not isinstance(since, timedelta):
        check_instant("since=", since)
    return ReadRequest(kind, label or event, match.event, match.where, since, limit)
