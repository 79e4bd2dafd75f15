"""The results of `ctx` calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.event import Event


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of `ctx.send`.

    Args:
        status: `queued`, `suppressed` or `skipped`.
        reason: why it was refused, such as `unsubscribed_from_list`; None when queued.
        send_id: the row in the ledger; a refused send also has one.
    """

    status: str
    reason: str | None
    send_id: UUID

    def __bool__(self) -> bool:
        return self.status == "queued"


@dataclass(frozen=True, slots=True)
class Waited:
    """The result of a wait: the event, or None when the time was up. Truthy with an event."""

    event: Event | None

    def __bool__(self) -> bool:
        return self.event is not None


@dataclass(frozen=True, slots=True)
class Throttle:
    """Whether a contact may be sent another mail. Truthy when they may.

    Args:
        allowed: whether fewer than the limit were sent.
        sent: how many were sent within the window.
        limit: how many may be sent.
    """

    allowed: bool
    sent: int
    limit: int

    def __bool__(self) -> bool:
        return self.allowed


def event_from_stored(stored: Mapping[str, Any]) -> Event:
    """Return an event from the journal's form."""
    received = stored.get("receivedAt")
    return Event(
        id=UUID(stored["id"]),
        name=stored["name"],
        properties=stored["properties"],
        seq=stored.get("seq", 0),
        received_at=datetime.fromisoformat(received) if received else None,
    )
