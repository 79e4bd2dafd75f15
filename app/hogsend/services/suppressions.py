"""Suppressions: the addresses that get no email at all, listed, added and lifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ..domain.address import normalize_email
from ..errors import Conflict, InvalidInput, NotFound
from ..store import consents, contacts
from ..store.read_models import contacts as contact_read_model
from ..store.read_models import suppressions as read_model
from ..store.read_models.suppressions import SuppressionRecord
from .actor import Actor, Permission
from .audit import apply_audited
from .contacts import MAX_NOTE_LENGTH
from .installation import Installation

__all__ = [
    "REASONS",
    "SuppressionList",
    "SuppressionReason",
    "SuppressionRecord",
    "add_suppression",
    "find_suppression",
    "lift_suppression",
    "list_suppressions",
]

SuppressionReason = Literal["manual", "hard_bounce", "complaint"]
REASONS: Sequence[SuppressionReason] = get_args(SuppressionReason)


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """Suppressed addresses, in alphabetical order.

    Args:
        suppressions: the addresses.
        next_after: the address after which the next page begins; empty on the last one.
    """

    suppressions: Sequence[SuppressionRecord]
    next_after: str = ""


async def list_suppressions(
    installation: Installation, actor: Actor, *, after: str = "", limit: int
) -> SuppressionList:
    """Return suppressed addresses, in alphabetical order.

    Args:
        installation: whose.
        actor: who reads them.
        after: only addresses after this one; empty for the first page.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    query = read_model.find_page(limit + 1, after)
    page = await installation.database.read_one(query)
    has_more = len(page) > limit
    return SuppressionList(page[:limit], page[limit - 1].address if has_more else "")


async def find_suppression(
    installation: Installation, actor: Actor, email: str
) -> SuppressionRecord | None:
    """Return the suppression of an address; None when there is none.

    Raises:
        Forbidden: the actor may not read.
        InvalidInput: the text is not an address.
    """
    actor.require(Permission.READ)
    return await _read(installation, email)


async def add_suppression(
    installation: Installation, actor: Actor, email: str, reason: SuppressionReason = "manual"
) -> SuppressionRecord:
    """Stop all email to an address; emails that wait for it are refused when they are due.

    Args:
        installation: whose.
        actor: who stops it.
        email: the address.
        reason: why.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: the text is not an address.
        Conflict: the address is suppressed already.
    """
    actor.require(Permission.OPERATE)
    address, now = _normalize(email), installation.clock.now()
    known = await _read(installation, address)
    if known is not None:
        cause = known.reason.replace("_", " ")
        raise Conflict(f"The address {address} is suppressed already: {cause}.")
    writes = [
        contacts.raise_revision(address),
        consents.suppress([(address, reason, None)], now),
    ]
    await apply_audited(
        installation,
        actor,
        writes,
        "suppress",
        f"/suppressions/{address}",
        "contacts",
        after={"address": address, "reason": reason},
    )
    return SuppressionRecord(address, reason, now, None)


async def lift_suppression(
    installation: Installation, actor: Actor, email: str, note: str = ""
) -> None:
    """Allow email to an address again.

    Args:
        installation: whose.
        actor: who allows it.
        email: the address.
        note: why, for the audit log.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: the text is not an address.
        NotFound: the address is not suppressed.
    """
    actor.require(Permission.OPERATE)
    known = await _read(installation, email)
    if known is None:
        raise NotFound("Suppression not found", "The address is not suppressed.")
    await apply_audited(
        installation,
        actor,
        [contacts.raise_revision(known.address), consents.unsuppress(known.address)],
        "unsuppress",
        f"/suppressions/{known.address}",
        "contacts",
        before={"address": known.address, "reason": known.reason},
        after={"note": note.strip()[:MAX_NOTE_LENGTH]} if note.strip() else None,
    )


async def _read(installation: Installation, email: str) -> SuppressionRecord | None:
    query = contact_read_model.find_suppression(_normalize(email))
    return await installation.database.read_one(query)


def _normalize(email: str) -> str:
    try:
        return normalize_email(email)
    except ValueError as error:
        raise InvalidInput(f"email {error}.") from None
