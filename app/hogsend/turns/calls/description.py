"""How calls describe their journal entries for the timeline: plain data, without HTML or addresses.

A description names what it links to; the screen that shows it knows the addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, cast
from uuid import UUID

from ...domain.journal import Step
from ...domain.send_policy import Send

# How an entry is drawn: a deed, a mail that left, a wait that is over, a wait that the contact is
# in, something that was not done, something that failed; empty for a read.
Tone = Literal["", "act", "sent", "wait", "now", "no", "bad"]
# The colour of the tag behind a title.
TagTone = Literal["", "run", "bad", "odd"]

MAX_TAG_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a record.

    Args:
        kind: what it leads to.
        id: its id.
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
        tone: how it is drawn.
        tag: the short answer behind the title.
        tag_tone: the colour of the tag.
        notes: particulars; empty ones are left out.
        links: what it leads to.
    """

    title: str
    tone: Tone = ""
    tag: str = ""
    tag_tone: TagTone = ""
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(slots=True)
class Pause:
    """A wait, from the turn that began it to the turn that saw its end.

    Args:
        until: when it ends by itself.
        ended: when its end was seen.
    """

    until: datetime | None = None
    ended: datetime | None = None

    @property
    def was_cut_short(self) -> bool:
        """Whether it ended before its time, because an operator woke the contact."""
        return bool(self.until and self.ended and self.ended < self.until)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """An entry of the journal, with what else is known of it.

    Args:
        step: the entry.
        at: the instant of its turn.
        pause: the wait that the entries of its key make up.
        is_first: whether it is the first entry of its key.
        sends: the mails of the enrollment.
    """

    step: Step
    at: datetime
    pause: Pause = field(default_factory=Pause)
    is_first: bool = True
    sends: Mapping[UUID, Send] = field(default_factory=dict[UUID, Send])


class Wording(Protocol):
    """How values are written for readers of the timeline."""

    def format_duration(self, length: timedelta, /) -> str:
        """Return a length of time: `two days`."""
        ...

    def format_time_beside(self, instant: datetime, other: datetime, /) -> str:
        """Return an instant next to another one, in the reader's time zone."""
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


def plain_answer(answer: Any, wording: Wording) -> str:
    """Return a recorded answer as a tag.

    Args:
        answer: the journal's form.
        wording: how values are written.
    """
    if isinstance(answer, list):
        return wording.pluralize(len(cast("list[Any]", answer)), "event")
    if isinstance(answer, dict):
        pairs = cast("dict[str, Any]", answer)
        value = next(iter(pairs.values())) if len(pairs) == 1 else pairs.get("name", "recorded")
        return str(value)[:MAX_TAG_LENGTH]
    return "" if answer is None else wording.format_value(answer)[:MAX_TAG_LENGTH]


def pairs_of(answer: Any) -> dict[str, Any]:
    """Return an answer that is an object of JSON; an empty one for any other answer."""
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def id_of(value: Any) -> UUID | None:
    """Return a stored id; None when it is none."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def event_link(value: Any) -> tuple[Link, ...]:
    """Return the link to an event by its stored id; nothing when it has none."""
    event_id = id_of(value)
    return (Link("event", event_id, "view event"),) if event_id else ()
