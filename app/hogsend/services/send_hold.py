"""The hold on sending of a restored copy: what it holds back, and lifting it."""

from __future__ import annotations

from dataclasses import dataclass

from ..store import send_hold
from .actor import Actor, Permission
from .audit import apply_audited
from .installation import Installation

# What to do about a send hold, for every place that reports one.
RESUME = "When the original server is gone, run `hogsend resume-sending` and restart this one."


@dataclass(frozen=True, slots=True)
class SendHold:
    """Whether sending is on hold, and what that affects.

    Args:
        reason: why sending is on hold, such as `restored copy of …`; None when it is not.
        queued: how many mails are queued.
    """

    reason: str | None
    queued: int


async def get_send_hold(installation: Installation, actor: Actor) -> SendHold:
    """Return whether sending is on hold.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    reason, queued = await installation.database.read(
        send_hold.find_reason(), send_hold.count_held()
    )
    return SendHold(reason, queued)


async def resume_sending(installation: Installation, actor: Actor) -> None:
    """Lift the hold on sending; workers send again once they are restarted.

    Raises:
        Forbidden: the actor may not administer.
    """
    actor.require(Permission.ADMINISTER)
    hold = await get_send_hold(installation, actor)
    if hold.reason is not None:
        await apply_audited(
            installation,
            actor,
            [send_hold.lift()],
            "resume sending",
            "sending",
            before={"hold": hold.reason},
        )
