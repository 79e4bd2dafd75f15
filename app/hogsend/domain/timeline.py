"""The kinds of entries on a contact's timeline, and the place of an entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

EntryKind = Literal[
    "event",
    "journey",
    "journey_ended",
    "steps",
    "email",
    "engagement",
    "consent",
    "suppression",
    "merge",
    "refusal",
]
KINDS: tuple[EntryKind, ...] = get_args(EntryKind)


@dataclass(frozen=True, slots=True)
class TimelinePlace:
    """The place of an entry: the latest come first, then the kinds in order, then the keys.

    Args:
        at: the entry's instant, in microseconds since 1970.
        kind: its kind.
        key: its key among the entries of its kind, as text.
    """

    at: int
    kind: EntryKind
    key: str

    def __str__(self) -> str:
        return f"{self.at}.{self.kind}.{self.key}"

    @staticmethod
    def parse(text: str) -> TimelinePlace:
        """Return the place that `str` wrote.

        Raises:
            ValueError: the text is no place.
        """
        at, _, rest = text.partition(".")
        kind, _, key = rest.partition(".")
        for known in KINDS:
            if kind == known and key and abs(int(at)) < 1 << 62:
                return TimelinePlace(int(at), known, key)
        raise ValueError("no place")


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """An entry of a contact's timeline.

    Args:
        kind: what it is about.
        key: its key among the entries of its kind.
        at: when it happened.
        value: the event, enrollment, mail or other row.
    """

    kind: EntryKind
    key: str
    at: datetime
    value: object
