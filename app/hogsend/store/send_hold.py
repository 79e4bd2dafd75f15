"""The send hold: a restored copy sends nothing until an operator lifts it."""

from __future__ import annotations

from . import meta
from .db import Query, Write
from .rows import only


def standing() -> Query[str | None]:
    """Query the reason of the hold; None when mail may leave."""
    return meta.value(meta.FENCE)


def held_back() -> Query[int]:
    """Query how many mails would leave, now or later, without the hold."""
    return Query("SELECT COUNT(*) FROM sends WHERE status = 'queued'", [], only)


def lift() -> Write:
    """Release the hold, so that mail leaves again."""
    return meta.drop(meta.FENCE)
