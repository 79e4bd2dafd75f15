"""The definition of a journey, apart from its code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal

from .durations import describe_duration
from .event import EventMatch
from .languages import choose_language

EntryLimit = Literal["once", "once_per_period", "unlimited"]
Retrigger = Literal["ignore", "restart"]

# The id of the built-in list: of sends whose journey names no list. Contacts are subscribed to the
# built-in list by default.
BUILT_IN_LIST_ID = "journey"
# Stands for every list in a consent.
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
    """Let a contact enter a journey again when a period has passed since the last entry.

    Args:
        period: the least time between two entries.
    """
    return Entry("once_per_period", period)


@dataclass(frozen=True, slots=True)
class MailList:
    """A mailing list that contacts can subscribe to and unsubscribe from.

    Args:
        id: the name in code and API, such as `product-updates`.
        name: what the preference page calls it.
        description: one sentence for the preference page.
        default_opt_in: whether contacts without a decision are subscribed.
        transactional: whether its mails, such as receipts, are sent even to contacts who
            unsubscribed from everything; these mails have no unsubscribe header.
        track: whether opens and clicks of its mails are recorded.
        names: its name in other languages, such as `{"de": "Neuigkeiten"}`.
        descriptions: the sentence in other languages.
    """

    id: str
    name: str
    description: str = ""
    default_opt_in: bool = True
    transactional: bool = False
    track: bool = True
    names: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    descriptions: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    def get_name(self, language: str) -> str:
        """Return the name in a language; the one without a language if there is no other."""
        return self.names.get(choose_language(language, self.names) or "", self.name)

    def get_description(self, language: str) -> str:
        """Return the description in a language; see `get_name`."""
        chosen = choose_language(language, self.descriptions) or ""
        return self.descriptions.get(chosen, self.description)


# The list of direct emails that name none, such as password resets. It needs no consent, so it is
# not on the preferences page. A list of the author with this id replaces it.
TRANSACTIONAL_LIST = MailList("transactional", "Account messages", transactional=True)


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey's definition, as read from its code.

    Args:
        id: the name in URLs and tables.
        name: what screens call it.
        description: the journey's purpose, from the function's docstring unless given.
        trigger: the event that starts the journey.
        entry: how often one contact may enter.
        exit_on: events that end an enrollment immediately, even during a wait.
        suppress: the least time between two of this journey's sends to one contact.
        list_id: the list that the journey's sends belong to.
        enabled: whether the author's code enables the journey.
        entry_key: the property of the trigger by which one contact can have several live
            enrollments, one for each value; None allows one live enrollment.
        on_retrigger: the effect of another trigger while an enrollment is live.
        goal: the event that is counted as success, if any.
        holdout: the percentage of contacts in the control group.
        time_zone: the zone of contacts without a time zone; None means UTC.
        send_window: the hours of the recipient's day in which the journey's mails are sent, as
            `HH:MM`.
        accept_late: whether an event that arrives long after it happened can start the journey.
        code_hash: the version of the code.
        file: the file of the code, relative to the journeys' folder.
        line: the line of the function.
        source: the function's text.
        measured_as: identifies the goal and the holdout that results are counted for; None without
            a goal, when nothing is counted.
    """

    id: str
    name: str
    description: str
    trigger: EventMatch
    entry: Entry
    exit_on: tuple[EventMatch, ...] = ()
    suppress: timedelta | None = None
    list_id: str = BUILT_IN_LIST_ID
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
    measured_as: str | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.goal is not None:
            measured = json.dumps([self.goal.to_json(), float(self.holdout)], sort_keys=True)
            digest = sha256(measured.encode()).hexdigest()[:8]
            object.__setattr__(self, "measured_as", digest)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, by which exits work even when the code is gone."""
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
        """Return the definition that `to_json` stored."""
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
        file: the file, relative to the journeys' folder.
        line: the line of the problem; 0 when unknown.
        problem: the problem, in one sentence.
        remedy: how to solve the problem.
    """

    file: str
    line: int
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.problem} {self.remedy}".strip()


def count_files(problems: Iterable[BrokenFile]) -> int:
    """Return how many files have problems; a file can have several."""
    return len({problem.file for problem in problems})
