"""The calls of `ctx` that wait for a time or an event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import overload

from ..domain.conditions import AllOf, Condition, Property
from ..domain.durations import describe_duration
from ..domain.event import EventMatch, from_stored_event
from ..domain.property_instant import PropertyInstant
from ..errors import JourneyCodeError
from .argument_checks import (
    OPTIONAL_DURATION,
    OPTIONAL_INSTANT,
    check_duration,
    check_event,
    check_events,
)
from .call_results import Waited
from .calls import FollowProperty, FormerLabels, Sleep, WaitFor, When, perform
from .calls.when import check_moment


class Waits:
    """The calls of `Context` that wait for a time or an event."""

    async def sleep(
        self, duration: timedelta, *, label: str | None = None, was: FormerLabels = None
    ) -> None:
        """Wait. Meanwhile the contact costs nothing, and deploys and crashes do no harm.

        Args:
            duration: the length of the wait, such as `days(2)`.
            label: the name on the timeline; the duration unless given.
            was: the former label, or several; see `Context`.
        """
        check_duration("ctx.sleep", duration)
        await perform(Sleep(label or describe_duration(duration), duration), was)

    @overload
    async def sleep_until(
        self, instant: datetime | When, *, label: str | None = ..., was: FormerLabels = ...
    ) -> None: ...

    @overload
    async def sleep_until(
        self,
        instant: Property | PropertyInstant,
        *,
        timeout: timedelta | None = ...,  # noqa: ASYNC109
        label: str | None = ...,
        was: FormerLabels = ...,
    ) -> bool: ...

    async def sleep_until(
        self,
        instant: datetime | When | Property | PropertyInstant,
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 (days, not a deadline of this call)
        label: str | None = None,
        was: FormerLabels = None,
    ) -> bool | None:
        """Wait for an instant; an instant in the past returns immediately.

        `prop("trial_ends_at") - days(2)` is two days before the instant that a property of the
        contact names. When the property changes, the wait moves with it.

        Args:
            instant: an instant with a time zone, or `ctx.when.next("monday").at("09:00")`, or a
                property: a text such as `2026-01-31T09:00:00Z`, or a plain date, which means
                midnight in the contact's time zone.
            timeout: how long to wait while the property is missing or names no instant, from then
                on; without it, that is an error.
            label: the name on the timeline; the description of the instant unless given.
            was: the former label, or several; see `Context`.

        Returns:
            For a property: true when its instant has come, false after the timeout.
        """
        if isinstance(instant, Property):
            instant += timedelta()
        if isinstance(instant, PropertyInstant):
            OPTIONAL_DURATION("timeout=", timeout)
            call = FollowProperty(label or str(instant), instant, timeout)
            has_come: bool = await perform(call, was)
            return has_come
        if timeout is not None:
            raise JourneyCodeError(
                "ctx.sleep_until takes timeout= only with a property, which may be missing.",
                "Leave it out: an instant comes by itself.",
            )
        check_moment("ctx.sleep_until", instant)
        if isinstance(instant, When):
            label = label or instant.moment.describe()
            instant = await instant
        await perform(Sleep(label or "until", instant), was)
        return None

    async def wait_for(
        self,
        event: str | EventMatch,
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 (days, not a deadline of this call)
        where: Condition | None = None,
        since: datetime | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> Waited:
        """Wait for an event, including those since the end of the wait before.

        Args:
            event: the event's name, or `on(name, where=…)`.
            timeout: the longest wait; without a limit unless given.
            where: a condition on the event's properties, in addition to that of `on`.
            since: the instant to look back to, instead of the end of the wait before.
            label: the name on the timeline; the event's name unless given.
            was: the former label, or several; see `Context`.

        Returns:
            `Waited`, truthy when the event came.
        """
        check_event("ctx.wait_for", event)
        match = event if isinstance(event, EventMatch) else EventMatch(event)
        if where is not None:
            condition = where if match.where is None else AllOf((match.where, where))
            match = EventMatch(match.event, condition)
        return await self.wait_for_any(
            [match], timeout=timeout, since=since, label=label or match.event, was=was
        )

    async def wait_for_any(
        self,
        events: Sequence[str | EventMatch],
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 (days, not a deadline of this call)
        since: datetime | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> Waited:
        """Wait for the first of several events; the arguments are those of `wait_for`."""
        check_events("ctx.wait_for_any", events)
        matches = tuple(
            event if isinstance(event, EventMatch) else EventMatch(event) for event in events
        )
        # Only now a generator turns out to be empty.
        check_events("ctx.wait_for_any", matches)
        OPTIONAL_DURATION("timeout=", timeout)
        OPTIONAL_INSTANT("since=", since)
        name = label or " or ".join(match.event for match in matches)
        stored = await perform(WaitFor(name, matches, timeout, since), was)
        return Waited(from_stored_event(stored) if stored else None)
