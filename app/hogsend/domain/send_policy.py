"""Whether a mail may go to a contact: decided when the step runs, and again when it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from .journey import EVERYTHING, Journey, MailList
from .times import Window, opening, zone_of

SendStatus = Literal[
    "queued",
    "sending",
    "sent",
    "delivered",
    "suppressed",
    "skipped",
    "cancelled",
    "failed",
    "bounced",
    "complained",
    "in_doubt",
]
RefusalReason = Literal[
    "no_address", "suppressed", "unsubscribed_from_everything", "unsubscribed_from_list", "too_soon"
]


@dataclass(frozen=True, slots=True)
class Consents:
    """A contact's decisions about lists; the list `*` stands for every list."""

    choices: Mapping[str, bool] = field(default_factory=dict[str, bool])

    @property
    def stopped_everything(self) -> bool:
        """Whether the contact wants transactional mail only."""
        return self.choices.get(EVERYTHING) is False

    def gets(self, mail_list: MailList) -> bool:
        """Return whether mail of a list may go to this contact."""
        if mail_list.transactional:
            return True
        if self.stopped_everything:
            return False
        return self.choices.get(mail_list.id, mail_list.default_opt_in)


@dataclass(frozen=True, slots=True)
class SendFacts:
    """What the decision about a mail depends on.

    Args:
        email: the address that the contact has now.
        consents: the contact's decisions about lists.
        suppression: why the address must not be mailed, if so.
        last_sent_at: when the journey last queued a mail for this contact.
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
    """The decision not to send, and why."""

    status: Literal["suppressed", "skipped"]
    reason: RefusalReason


def decide_send(
    mail_list: MailList, facts: SendFacts, *, gap: timedelta | None = None, now: datetime
) -> Queue | Refuse:
    """Decide whether a mail may go to a contact; the first refusal wins.

    The order is the specification's (email, "The ledger").

    Args:
        mail_list: the list that the mail belongs to.
        facts: what is known of the contact.
        gap: the least time since this journey's last mail to the contact.
        now: the present instant.
    """
    if not facts.email:
        return Refuse("skipped", "no_address")
    if facts.suppression:
        return Refuse("suppressed", "suppressed")
    if facts.consents.stopped_everything and not mail_list.transactional:
        return Refuse("skipped", "unsubscribed_from_everything")
    if not facts.consents.gets(mail_list):
        return Refuse("skipped", "unsubscribed_from_list")
    if gap and facts.last_sent_at and now - facts.last_sent_at < gap:
        return Refuse("skipped", "too_soon")
    return Queue()


@dataclass(frozen=True, slots=True)
class Send:
    """A row of the ledger.

    Args:
        id: our id; the wire calls it `emailSendId`.
        contact_id: the recipient.
        template: the key of its template.
        list_id: the list that it belongs to.
        status: its status.
        reason: why, when it was refused, failed or is in doubt.
        to_email: the address it went to, or would have gone to when it was decided.
        address: the address that it is for, when that is not the contact's.
        subject: the subject that replaces the template's, until it is rendered.
        attempts: each attempt to hand it over: `{"at", "outcome", "reply"}`.
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
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    updated_at: datetime | None = None
    provider: str | None = None
    provider_id: str | None = None
    attempts: Sequence[Mapping[str, Any]] = ()


def leaves_at(journey: Journey, properties: Mapping[str, Any], at: datetime) -> datetime:
    """Return when a journey's mail that is due may leave: in the hours that it is sent in.

    Args:
        journey: whose mail it is.
        properties: the recipient's, for the time zone.
        at: when it is due.
    """
    if journey.send_window is None:
        return at
    zone = zone_of(properties, journey.time_zone).zone
    return opening(Window.of(*journey.send_window), zone, at)
