"""How calls describe their journal entries for the timeline: plain data, without HTML or addresses.

A link in a description has the id of its target; the screen that shows the link adds the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, cast
from uuid import UUID

from ...domain.journal import Step
from ...domain.send_policy import Send

# The style of an entry: an action, an email that left, a wait that is over, the wait that the
# contact is in, an action that was not done, a failure; empty for a read.
Tone = Literal["", "act", "sent", "wait", "now", "no", "bad"]
# The colour of the tag behind a title.
TagTone = Literal["", "run", "bad", "odd"]

MAX_TAG_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a record.

    Args:
        kind: the kind of the record.
        id: the record's id.
        text: the text of the link.
    """

    kind: Literal["event", "send"]
    id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Description:
    """One entry of a timeline.

    Args:
        title: what happened.
        tone: the style of the entry.
        tag: the short answer after the title.
        tag_tone: the colour of the tag.
        notes: particulars; empty ones are left out.
        links: the records that the entry is about.
        at: when it happened, if that was not in the turn of the entry.
    """

    title: str
    tone: Tone = ""
    tag: str = ""
    tag_tone: TagTone = ""
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    at: datetime | None = None


@dataclass(slots=True)
class Pause:
    """A wait, from the turn that began it to the turn that resumed from it.

    Args:
        until: when the wait ends by itself.
        ended: the instant of the turn that resumed from the wait.
    """

    until: datetime | None = None
    ended: datetime | None = None

    @property
    def was_cut_short(self) -> bool:
        """Whether the wait ended before its time, because an operator woke the contact."""
        return bool(self.until and self.ended and self.ended < self.until)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """An entry of the journal, with the rows that belong to it.

    Args:
        step: the entry.
        at: the instant of the entry's turn.
        pause: the wait that the entries with the same key describe together.
        is_first: whether no earlier entry has the same key.
        sends: the emails of the enrollment, by id.
    """

    step: Step
    at: datetime
    pause: Pause = field(default_factory=Pause)
    is_first: bool = True
    sends: Mapping[UUID, Send] = field(default_factory=dict[UUID, Send])


class Wording(Protocol):
    """Formats values for readers of the timeline."""

    def format_duration(self, length: timedelta, /) -> str:
        """Return a length of time: `two days`."""
        ...

    def format_time_beside(self, instant: datetime, other: datetime, /) -> str:
        """Return an instant in the reader's time zone; without the date that `other` has too."""
        ...

    def describe_reason(self, code: str | None, /) -> str:
        """Return why something did not happen; empty without a code."""
        ...

    def pluralize(self, count: int, noun: str, /) -> str:
        """Return a count with its noun: `2 events`."""
        ...

    def format_value(self, value: Any, /) -> str:
        """Return a plain value: `yes` for True."""
        ...


def format_answer(answer: Any, wording: Wording) -> str:
    """Return a recorded answer as a tag.

    Args:
        answer: the answer in the journal's form.
        wording: formats values for the reader.
    """
    if isinstance(answer, list):
        return wording.pluralize(len(cast("list[Any]", answer)), "event")
    if isinstance(answer, dict):
        pairs = cast("dict[str, Any]", answer)
        value = next(iter(pairs.values())) if len(pairs) == 1 else pairs.get("name", "recorded")
        return str(value)[:MAX_TAG_LENGTH]
    return "" if answer is None else wording.format_value(answer)[:MAX_TAG_LENGTH]


def read_object(answer: Any) -> dict[str, Any]:
    """Return an answer that is a JSON object; an empty dictionary for any other answer."""
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def parse_id(value: Any) -> UUID | None:
    """Return the id that a stored value holds; None when the value is no id."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def build_event_links(value: Any) -> tuple[Link, ...]:
    """Return the link to the event with a stored id; nothing when the value is no id."""
    event_id = parse_id(value)
    return (Link("event", event_id, "view event"),) if event_id else ()
