"""The send hold: a restored copy sends nothing until an operator lifts it."""

from __future__ import annotations

from . import meta
from .db import Query, Write
from .rows import read_scalar


def find_reason() -> Query[str | None]:
    """Query the reason of the send hold; None when mail may be sent."""
    return meta.find_value(meta.SEND_HOLD)


def count_held() -> Query[int]:
    """Query how many queued mails the hold keeps from being sent, now or later."""
    return Query("SELECT COUNT(*) FROM sends WHERE status = 'queued'", [], read_scalar)


def lift() -> Write:
    """Lift the hold, so that mail is sent again."""
    return meta.delete_value(meta.SEND_HOLD)
