"""Tracking: opens and clicks of mails, identified by the signed tokens in their links."""

from __future__ import annotations

import logging
from uuid import UUID

from ..delivery.tracking import Visit
from ..domain.engagement import EngagementKind
from ..errors import NotFound
from .context import ServiceContext

__all__ = ["Visit", "record_click", "record_open"]

log = logging.getLogger("hogsend.tracking")


async def record_click(context: ServiceContext, token: str, visit: Visit) -> str:
    """Record a click and return the address that the link leads to.

    Args:
        context: who signed the token.
        token: from the link.
        visit: the request that followed it.

    Raises:
        NotFound: the token is not ours, so the address is not followed.
    """
    link = context.tokens.read_click(token)
    if link is None:
        raise NotFound("This link is incomplete.", "Open it from the email again.")
    await _record(context, "click", link.send_id, visit, position=link.position, url=link.url)
    return link.url


async def record_open(context: ServiceContext, token: str, visit: Visit) -> None:
    """Record an open; a token that is not ours is ignored.

    Args:
        context: who signed the token.
        token: from the pixel's address.
        visit: the request for the pixel.
    """
    send_id = context.tokens.read_open(token)
    if send_id is not None:
        await _record(context, "open", send_id, visit)


async def _record(
    context: ServiceContext,
    kind: EngagementKind,
    send_id: UUID,
    visit: Visit,
    *,
    position: int = 0,
    url: str = "",
) -> None:
    """Record an engagement; a recipient is sent on even when that fails."""
    try:
        await context.tracker.record(kind, send_id, visit, position=position, url=url)
    except Exception:
        log.exception("a %s could not be recorded", kind)
