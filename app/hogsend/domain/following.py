"""Waits that follow a property of the contact: their end moves when the property changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from .conditions import MISSING, look_up
from .property_instant import PropertyInstant
from .times import find_zone

# A wait keeps its latest moves; a property that changes with every event would fill the database.
MAX_MOVES = 20


@dataclass(frozen=True, slots=True)
class MoveCause:
    """Why the properties of a contact changed.

    Args:
        name: the name of the event; `import` when a file was imported; `merge` when the contact was
            merged with another, `unmerge` when that was undone, `retry` when an operator retried an
            enrollment that could not follow the property meanwhile.
        event_id: the event, if it was one.
    """

    name: str
    event_id: UUID | None = None


IMPORT, MERGE, RETRY = MoveCause("import"), MoveCause("merge"), MoveCause("retry")
UNMERGE = MoveCause("unmerge")


@dataclass(frozen=True, slots=True)
class Move:
    """A change of the end of a wait.

    Args:
        at: when the property changed.
        before: when the wait would have ended.
        after: when the wait ends.
        cause: why the property changed.
        problem: why the property names no instant since; None when it names one.
    """

    at: datetime
    before: datetime
    after: datetime
    cause: MoveCause
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, without empty fields."""
        stored = {
            "at": self.at.isoformat(),
            "from": self.before.isoformat(),
            "to": self.after.isoformat(),
            "by": self.cause.name,
        }
        if self.cause.event_id is not None:
            stored["event"] = str(self.cause.event_id)
        if self.problem is not None:
            stored["problem"] = self.problem
        return stored

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Move:
        """Return the move that `to_json` stored."""
        event_id = stored.get("event")
        return Move(
            at=datetime.fromisoformat(stored["at"]),
            before=datetime.fromisoformat(stored["from"]),
            after=datetime.fromisoformat(stored["to"]),
            cause=MoveCause(stored["by"], UUID(event_id) if event_id else None),
            problem=stored.get("problem"),
        )


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of a wait.

    Args:
        latest: the latest ones, oldest first.
        count: how many there were in all.
    """

    latest: Sequence[Move] = ()
    count: int = 0

    def add(self, move: Move) -> Moves:
        """Return the moves with another one."""
        return Moves((*self.latest, move)[-MAX_MOVES:], self.count + 1)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form; empty without a move."""
        if not self.latest:
            return {}
        return {"moves": [move.to_json() for move in self.latest], "moved": self.count}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Moves:
        """Return the moves that `to_json` stored."""
        return Moves(tuple(map(Move.from_json, stored.get("moves", ()))), stored.get("moved", 0))


@dataclass(frozen=True, slots=True)
class Following:
    """What a wait follows, and where that has led.

    Args:
        instant: the instant that a property names.
        zone: the name of the contact's time zone, for plain dates.
        timeout: how long to wait while the property names no instant; None when that is an error.
        at: the instant that the property names now; None when it names none.
        problem: why the property names no instant; None when it names one.
        moves: how the end of the wait has moved.
    """

    instant: PropertyInstant
    zone: str
    timeout: timedelta | None
    at: datetime | None = None
    problem: str | None = None
    moves: Moves = field(default_factory=Moves)

    def resolve(self, properties: Mapping[str, Any]) -> Following:
        """Return what the wait follows, with what the property names among these properties."""
        value = look_up(properties, self.instant.path)
        zone = find_zone(self.zone) or UTC
        try:
            at = self.instant.resolve(None if value is MISSING else value, zone)
        except ValueError as error:
            return replace(self, at=None, problem=str(error))
        return replace(self, at=at, problem=None)

    def move(
        self, until: datetime, properties: Mapping[str, Any], cause: MoveCause, now: datetime
    ) -> tuple[datetime, Following]:
        """Return the end of a wait after a change of the contact's properties, and what it follows.

        The second value is this object when nothing has changed for the wait.

        Args:
            until: when the wait would have ended.
            properties: the contact's properties.
            cause: why they changed.
            now: the instant of the change.
        """
        after = self.resolve(properties)
        if after == self:
            return until, self
        end = after.compute_end(now)
        # Without an instant for another reason than before, the wait keeps its deadline; and a wait
        # that was over already has not moved.
        if after.at == self.at or (self.at and after.at and max(until, end) <= now):
            return until, after
        move = Move(now, until, end, cause, after.problem)
        return end, replace(after, moves=self.moves.add(move))

    def compute_end(self, now: datetime) -> datetime:
        """Return when a wait ends that begins now; an instant in the past is now.

        Without a timeout, a wait without an instant ends at once, and its turn raises the problem.
        """
        if self.at is not None:
            return max(self.at, now)
        return now + max(self.timeout or timedelta(), timedelta())

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, without empty fields."""
        stored: dict[str, Any] = {
            "property": self.instant.path,
            "offset": self.instant.offset.total_seconds(),
            "zone": self.zone,
        }
        if self.timeout is not None:
            stored["timeout"] = self.timeout.total_seconds()
        if self.at is not None:
            stored["at"] = self.at.isoformat()
        if self.problem is not None:
            stored["problem"] = self.problem
        return stored | self.moves.to_json()

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Following:
        """Return what `to_json` stored."""
        at, timeout = stored.get("at"), stored.get("timeout")
        return Following(
            PropertyInstant(stored["property"], timedelta(seconds=stored["offset"])),
            stored["zone"],
            timedelta(seconds=timeout) if timeout is not None else None,
            datetime.fromisoformat(at) if at else None,
            stored.get("problem"),
            Moves.from_json(stored),
        )
