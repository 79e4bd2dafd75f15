"""What a journey is, apart from its code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from .durations import describe_duration
from .event import EventMatch

EntryLimit = Literal["once", "once_per_period", "unlimited"]
Retrigger = Literal["ignore", "restart"]

# The list of sends whose journey names none; everyone is on it until they leave.
JOURNEY_LIST = "journey"
# In a consent, every list at once.
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Entry:
    """How often one contact may enter a journey.

    Args:
        limit: `once`, `once_per_period` or `unlimited`.
        period: the least time between two entries, for `once_per_period`.
    """

    limit: EntryLimit
    period: timedelta | None = None

    def __str__(self) -> str:
        if self.limit == "once":
            return "once per person"
        return (
            f"once per {describe_duration(self.period)}" if self.period else "any number of times"
        )


def once_per(period: timedelta) -> Entry:
    """Let a contact enter again when this long has passed since the last entry.

    Args:
        period: the least time between two entries.
    """
    return Entry("once_per_period", period)


@dataclass(frozen=True, slots=True)
class MailList:
    """Something a contact can subscribe to or leave.

    Args:
        id: the name in code and API, such as `product-updates`.
        name: what the preference page calls it.
        description: one sentence for the preference page.
        default_opt_in: whether contacts without a decision get it.
        transactional: whether its mails are always sent, such as receipts: unsubscribing from
            everything does not stop them, and they have no unsubscribe header.
    """

    id: str
    name: str
    description: str = ""
    default_opt_in: bool = True
    transactional: bool = False


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey's definition, as read from its code.

    Args:
        id: the name in URLs and tables.
        name: what screens call it.
        description: its purpose, from the function's docstring unless given.
        trigger: the event that starts it.
        entry: how often one contact may enter.
        exit_on: events that end it at once, also in the middle of a wait.
        suppress: the least time between two of this journey's sends to one contact.
        list_id: the list that its sends belong to.
        enabled: whether the code wants it to run.
        entry_key: the property of the trigger event whose values run side by side, if any.
        on_retrigger: what another trigger does while one is live.
        goal: the event that is counted as success, if any.
        holdout: the percentage of people who are left out and only watched.
        time_zone: the zone of people who have none; UTC when it is None.
        send_window: the hours of the recipient's day in which its mails leave, as `HH:MM`.
        accept_late: whether an event that arrives long after it happened starts it too.
        code_hash: which version of the code this is.
        file: the file it was read from, relative to the journeys' folder.
        line: the line of the function.
        source: the function's text.
    """

    id: str
    name: str
    description: str
    trigger: EventMatch
    entry: Entry
    exit_on: tuple[EventMatch, ...] = ()
    suppress: timedelta | None = None
    list_id: str = JOURNEY_LIST
    enabled: bool = True
    entry_key: str | None = None
    on_retrigger: Retrigger = "ignore"
    goal: EventMatch | None = None
    holdout: float = 0
    time_zone: str | None = None
    send_window: tuple[str, str] | None = None
    accept_late: bool = False
    code_hash: str = ""
    file: str = ""
    line: int = 0
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of the definition, so that exits work when the code is gone."""
        return {
            "name": self.name,
            "description": self.description,
            "trigger": self.trigger.to_json(),
            "entry": self.entry.limit,
            "period": self.entry.period.total_seconds() if self.entry.period else None,
            "exitOn": [match.to_json() for match in self.exit_on],
            "suppress": self.suppress.total_seconds() if self.suppress else None,
            "list": self.list_id,
            "key": self.entry_key,
            "onRetrigger": self.on_retrigger,
            "enabled": self.enabled,
            "goal": self.goal.to_json() if self.goal else None,
            "holdout": self.holdout,
            "timeZone": self.time_zone,
            "sendWindow": list(self.send_window) if self.send_window else None,
            "acceptLate": self.accept_late,
            "file": self.file,
            "line": self.line,
        }

    @staticmethod
    def from_json(journey_id: str, code_hash: str, stored: Mapping[str, Any]) -> Journey:
        """Read back a stored definition."""
        period, suppress = stored.get("period"), stored.get("suppress")
        goal, window = stored.get("goal"), stored.get("sendWindow")
        return Journey(
            id=journey_id,
            name=stored["name"],
            description=stored["description"],
            trigger=EventMatch.from_json(stored["trigger"]),
            entry=Entry(stored["entry"], timedelta(seconds=period) if period else None),
            exit_on=tuple(EventMatch.from_json(match) for match in stored["exitOn"]),
            suppress=timedelta(seconds=suppress) if suppress else None,
            list_id=stored["list"],
            enabled=stored.get("enabled", True),
            entry_key=stored.get("key"),
            on_retrigger=stored.get("onRetrigger", "ignore"),
            goal=EventMatch.from_json(goal) if goal else None,
            holdout=stored.get("holdout", 0),
            time_zone=stored.get("timeZone"),
            send_window=(window[0], window[1]) if window else None,
            accept_late=stored.get("acceptLate", False),
            code_hash=code_hash,
            file=stored.get("file", ""),
            line=stored.get("line", 0),
        )


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file of the journeys' folder that could not be used.

    Args:
        file: relative to the journeys' folder.
        line: where, 0 when unknown.
        problem: what is wrong, one sentence.
        remedy: what to do about it.
    """

    file: str
    line: int
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.problem} {self.remedy}".strip()
