"""The fence of a restored copy: while it stands, nothing is sent."""

from __future__ import annotations

from . import meta
from .db import Query, Write, only


def standing() -> Query[str | None]:
    """Ask why nothing is sent; None when there is no fence."""
    return meta.value(meta.FENCE)


def held_back() -> Query[int]:
    """Ask how many mails would leave, now or later, without the fence."""
    return Query("SELECT COUNT(*) FROM sends WHERE status = 'queued'", [], only)


def lift() -> Write:
    """Let mail leave again."""
    return meta.drop(meta.FENCE)
