"""The results of `ctx` calls."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ..domain.event import Event


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of `ctx.send`.

    Args:
        status: `queued`, `suppressed` or `skipped`.
        reason: why the email was refused, such as `unsubscribed_from_list`; None when queued.
        send_id: the id of the row in the ledger; a refused email has a row as well.
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
    """The result of `ctx.throttle`. Truthy when another email is allowed.

    Args:
        allowed: whether fewer emails than the limit were sent.
        sent: the number of emails that were sent within the window.
        limit: the number of emails that may be sent.
    """

    allowed: bool
    sent: int
    limit: int

    def __bool__(self) -> bool:
        return self.allowed
