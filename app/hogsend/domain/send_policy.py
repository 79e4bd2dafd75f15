"""The decision whether a mail may be sent: made when the step runs, and again at hand-over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from .address import is_valid_address
from .journey import EVERYTHING, Journey, MailList
from .times import Window, find_opening, resolve_zone

# What happens with an email that may have left: it waits for an operator, is sent again even though
# the recipient may get it twice, or is given up.
OnDoubt = Literal["ask", "resend", "drop"]
SendStatus = Literal[
    "queued",
    "sending",
    "sent",
    "delivered",
    "blocked",
    "suppressed",
    "skipped",
    "cancelled",
    "failed",
    "bounced",
    "complained",
    "in_doubt",
]
# The statuses of mails whose hand-over has not begun, and of those that have not left yet.
UNSENT: tuple[SendStatus, ...] = ("queued", "blocked")
PENDING: tuple[SendStatus, ...] = (*UNSENT, "sending")
# The reasons of suppressions by which the person wants no mail, at whatever address.
UNWANTED = ("complaint", "complained", "manual", "unsubscribed")
RefusalReason = Literal[
    "no_address",
    "invalid_address",
    "suppressed",
    "unsubscribed_from_everything",
    "unsubscribed_from_list",
    "too_soon",
    "frequency_cap",
]


@dataclass(frozen=True, slots=True)
class Consents:
    """A contact's choices about lists; the list `*` stands for every list."""

    choices: Mapping[str, bool] = field(default_factory=dict[str, bool])

    @property
    def is_unsubscribed_from_all(self) -> bool:
        """Whether the contact wants transactional mail only."""
        return self.choices.get(EVERYTHING) is False

    def allows(self, mail_list: MailList) -> bool:
        """Return whether mail of a list may be sent to this contact."""
        if mail_list.transactional:
            return True
        if self.is_unsubscribed_from_all:
            return False
        return self.choices.get(mail_list.id, mail_list.default_opt_in)


@dataclass(frozen=True, slots=True)
class SendFacts:
    """The facts that the decision about a mail depends on.

    Args:
        email: the address that the contact has now.
        consents: the contact's choices about lists.
        suppression: why the address is suppressed; None when it is not.
        last_sent_at: when the journey last queued a mail for this contact, on behalf of any
            enrollment.
    """

    email: str | None
    consents: Consents
    suppression: str | None = None
    last_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """The decision to send."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The decision not to send, with the reason."""

    status: Literal["suppressed", "skipped"]
    reason: RefusalReason


def decide_send(
    mail_list: MailList, facts: SendFacts, *, gap: timedelta | None = None, now: datetime
) -> Queue | Refuse:
    """Decide whether a mail may be sent to a contact; the first refusal wins.

    Args:
        mail_list: the list that the mail belongs to.
        facts: the state of the contact.
        gap: the minimum time since this journey's last mail to the contact.
        now: the current time.
    """
    if not facts.email or not is_valid_address(facts.email):
        return Refuse("skipped", "invalid_address" if facts.email else "no_address")
    if facts.suppression:
        return Refuse("suppressed", "suppressed")
    if facts.consents.is_unsubscribed_from_all and not mail_list.transactional:
        return Refuse("skipped", "unsubscribed_from_everything")
    if not facts.consents.allows(mail_list):
        return Refuse("skipped", "unsubscribed_from_list")
    if gap and facts.last_sent_at and now - facts.last_sent_at < gap:
        return Refuse("skipped", "too_soon")
    return Queue()


@dataclass(frozen=True, slots=True)
class Send:
    """A row of the ledger.

    Args:
        id: our id; the API calls it `emailSendId`.
        contact_id: the recipient.
        template: the key of the template; empty for a direct email with content of its own.
        list_id: the list that the mail belongs to.
        status: the status.
        reason: why the send was refused, failed, is blocked or in doubt; None otherwise.
        to_email: the address that was used, or, before a hand-over, the address at the decision.
        address: the address that a direct email names, which it goes to whatever address the
            contact has then; in rows of version 0.1.0 the address that the author named, which
            belongs to another person than the contact; unset in all others.
        subject: the subject that replaces the template's; unset once the mail is rendered.
        attempts: the attempts to hand the mail over: `{"at", "outcome", "reply"}`.
        on_behalf_of: the contact whose enrollment sends the mail, if that is not the recipient.
        original_id: the send that an operator has resent as this one.
    """

    id: UUID
    contact_id: UUID
    template: str
    list_id: str
    status: SendStatus
    created_at: datetime
    enrollment_id: UUID | None = None
    journey_id: str | None = None
    step_key: str | None = None
    reason: str | None = None
    to_email: str | None = None
    address: str | None = None
    subject: str | None = None
    props: Mapping[str, Any] = field(default_factory=dict[str, Any])
    due_at: datetime | None = None
    handed_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    updated_at: datetime | None = None
    provider: str | None = None
    provider_id: str | None = None
    attempts: Sequence[Mapping[str, Any]] = ()
    original_id: UUID | None = None
    on_behalf_of: UUID | None = None

    @property
    def is_for_another(self) -> bool:
        """Whether the mail goes to another person than the contact whose enrollment sends it."""
        return self.on_behalf_of not in (None, self.contact_id)


def compute_send_time(
    journey: Journey | None,
    properties: Mapping[str, Any],
    at: datetime,
    quiet_hours: tuple[str, str] | None = None,
) -> datetime:
    """Return when a mail may be sent: when it is due, or when the send window opens.

    Args:
        journey: the journey that sends the mail; None when no journey does.
        properties: the recipient's properties, which name the time zone.
        at: when the mail is due.
        quiet_hours: when no mail leaves, unless the journey has a send window of its own.
    """
    if journey is not None and journey.send_window is not None:
        window = Window.parse(*journey.send_window)
    elif quiet_hours is not None:
        window = Window.parse(quiet_hours[1], quiet_hours[0])
    else:
        return at
    zone = resolve_zone(properties, journey.time_zone if journey else None).zone
    return find_opening(window, zone, at)
