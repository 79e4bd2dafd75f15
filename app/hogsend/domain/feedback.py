"""Decides what a report about a mail that was accepted changes: its status, and suppressions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from .address import normalize_email
from .send_policy import Send, SendStatus

# `rejected`: the provider or the server gave up, and the recipient is not at fault.
FeedbackKind = Literal[
    "delivered", "delayed", "hard_bounce", "soft_bounce", "rejected", "complaint"
]

# An address is suppressed after soft bounces on so many different days.
SOFT_BOUNCE_DAYS: Final = 5
_STATUS_OF_KIND: Final[dict[FeedbackKind, SendStatus]] = {
    "rejected": "failed",
    "delivered": "delivered",
    "hard_bounce": "bounced",
    "soft_bounce": "bounced",
    "complaint": "complained",
}
# A status only moves to one further right: a late `delivered` never hides a bounce. A mail that
# failed by a report may have been delivered after all; one that failed by itself never left.
_ORDER: Final[tuple[SendStatus, ...]] = (
    "in_doubt",
    "sending",
    "sent",
    "failed",
    "delivered",
    "bounced",
    "complained",
)


@dataclass(frozen=True, slots=True)
class Report:
    """A report about a mail, as it is stored.

    Args:
        id: our id.
        provider: the name of the provider, or of the reader of bounces.
        event_key: identifies the report, so that a repeated one changes nothing.
        kind: what happened.
        at: when it happened.
        received_at: when the report arrived.
        send_id: the mail's send, if the report names it.
        provider_id: the provider's id of the mail, if the report names it.
        email: the recipient that the report is about; None for the recipient of the send.
        code: the enhanced status code, such as `5.1.1`.
        reply: the details, for people to read.
    """

    id: UUID
    provider: str
    event_key: str
    kind: FeedbackKind
    at: datetime
    received_at: datetime
    send_id: UUID | None = None
    provider_id: str | None = None
    email: str | None = None
    code: str | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackDecision:
    """What a report changes.

    Args:
        status: the send's new status; None when it keeps its status.
        is_about_recipient: whether the report is about the recipient of the send, and not about a
            copy.
        soft_bounced: the address that bounced softly.
        suppress: the address that must not be mailed any more.
        reason: the reason of the suppression.
    """

    status: SendStatus | None = None
    is_about_recipient: bool = True
    soft_bounced: str | None = None
    suppress: str | None = None
    reason: str = ""


def decide_feedback(
    send: Send, report: Report, test_address: str | None, copies: Collection[str] = ()
) -> FeedbackDecision:
    """Decide what a report changes.

    A report about an address that the mail did not go to, such as one that it was forwarded to,
    changes nothing.

    Args:
        send: the mail's row.
        report: the report.
        test_address: the address that gets every mail in test mode, which is never suppressed.
        copies: the addresses that got a copy.
    """
    recipient = _normalize(send.to_email or "")
    address = _normalize(report.email or "") or recipient
    is_about_recipient = address == recipient
    if not is_about_recipient and address not in {_normalize(copy) for copy in copies}:
        return FeedbackDecision(is_about_recipient=False)
    status = _STATUS_OF_KIND.get(report.kind) if is_about_recipient else None
    if status is not None and not can_follow(send.status, status, has_left=_may_have_left(send)):
        status = None
    if not address or address == _normalize(test_address or ""):
        return FeedbackDecision(status, is_about_recipient)
    match report.kind:
        case "hard_bounce" | "complaint":
            return FeedbackDecision(
                status, is_about_recipient, suppress=address, reason=report.kind
            )
        case "soft_bounce":
            return FeedbackDecision(status, is_about_recipient, soft_bounced=address)
        case _:
            return FeedbackDecision(status, is_about_recipient)


def _normalize(address: str) -> str:
    """Return an address in the form in which it is compared and suppressed."""
    try:
        return normalize_email(address)
    except ValueError:
        return address.strip().lower()


def can_follow(status: SendStatus, new: SendStatus, *, has_left: bool = False) -> bool:
    """Return whether feedback may change a status.

    Args:
        status: the present status.
        new: the status that the feedback means.
        has_left: whether a queued mail may have left in an earlier attempt, so that the feedback
            can be about it.
    """
    if status == "queued":
        return has_left
    return status in _ORDER and _ORDER.index(new) > _ORDER.index(status)


def _may_have_left(send: Send) -> bool:
    return any(attempt["outcome"] == "in_doubt" for attempt in send.attempts)
