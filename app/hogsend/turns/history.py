"""`ctx.history`: the contact's past events, journeys and emails."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..domain.conditions import Condition
from ..domain.event import Event, EventMatch, from_stored_event
from ..domain.history import EmailPast, JourneyPast
from .argument_checks import AT_LEAST_ONE, OPTIONAL_PAST, check_text
from .calls import (
    CountEvents,
    FormerLabels,
    HasEvent,
    LastEvent,
    ListEvents,
    ReadEmail,
    ReadJourney,
    perform,
)


class History:
    """The past of this contact. The journal records every answer for replays."""

    async def has_event(
        self,
        event: str,
        *,
        where: Condition | None = None,
        since: datetime | timedelta | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> bool:
        """Return whether an event ever happened.

        Args:
            event: the event's name.
            where: a condition on the event's properties.
            since: only events from this instant on, or within this period before now.
            label: the name on the timeline; the event's name unless given.
            was: the former label, or several; see `Context`.
        """
        check_event(event, where, since)
        has_happened: bool = await perform(HasEvent(label or event, event, where, since), was)
        return has_happened

    async def count(
        self,
        event: str,
        *,
        where: Condition | None = None,
        since: datetime | timedelta | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> int:
        """Return how often an event happened; the arguments are those of `has_event`."""
        check_event(event, where, since)
        number: int = await perform(CountEvents(label or event, event, where, since), was)
        return number

    async def events(
        self,
        event: str,
        *,
        where: Condition | None = None,
        since: datetime | timedelta | None = None,
        limit: int = 100,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> list[Event]:
        """Return the newest events of a name, newest first.

        Args:
            event: the name.
            where: a condition on the events' properties.
            since: only events from this instant on, or within this period before now.
            limit: the largest number of events; the journal records every returned event.
            label: the name on the timeline; the event's name unless given.
            was: the former label, or several; see `Context`.
        """
        AT_LEAST_ONE("limit=", limit)
        check_event(event, where, since)
        stored = await perform(ListEvents(label or event, event, where, since, limit), was)
        return [from_stored_event(event) for event in stored]

    async def last_event(
        self,
        event: str,
        *,
        where: Condition | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> Event | None:
        """Return the newest event of a name, or None."""
        check_event(event, where)
        stored = await perform(LastEvent(label or event, event, where, limit=1), was)
        return from_stored_event(stored[0]) if stored else None

    async def journey(
        self, journey_id: str, *, label: str | None = None, was: FormerLabels = None
    ) -> JourneyPast:
        """Return whether and when this contact was in a journey; truthy when they ever entered it.

        Args:
            journey_id: the journey, which may be the present one, or no longer in the code.
            label: the name on the timeline; the journey's id unless given.
            was: the former label, or several; see `Context`.
        """
        check_text("ctx.history.journey", journey_id)
        call = ReadJourney(label or journey_id, journey_id)
        return JourneyPast.from_stored(await perform(call, was))

    async def email(
        self, template: str, *, label: str | None = None, was: FormerLabels = None
    ) -> EmailPast:
        """Return whether and when this contact got an email, opened it and clicked in it.

        Args:
            template: the key of the template.
            label: the name on the timeline; the template's key unless given.
            was: the former label, or several; see `Context`.
        """
        check_text("ctx.history.email", template)
        return EmailPast.from_stored(await perform(ReadEmail(label or template, template), was))


def check_event(
    event: str, where: Condition | None, since: datetime | timedelta | None = None
) -> None:
    """Raise unless the arguments of a read of events can be used.

    Raises:
        TypeError: `event` is not a name, or `where` is not a condition.
        JourneyCodeError: `since` is neither a duration nor an instant with a time zone.
    """
    EventMatch(event, where)
    OPTIONAL_PAST("since=", since)
