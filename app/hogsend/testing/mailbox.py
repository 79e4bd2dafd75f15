"""The emails of a test, as their recipients see them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal
from uuid import UUID

from ..clock import Clock
from ..delivery.providers.port import (
    Accepted,
    BeforeHandoff,
    DeliveryError,
    Message,
    Provider,
    Rejected,
    TryLater,
)
from .person import Person

Refusal = Literal["hard_bounce", "soft", "later"]


@dataclass(frozen=True, slots=True)
class Mail:
    """An email that was sent.

    Args:
        send_id: the id in the ledger.
        contact_id: the recipient.
        template: the key of the template.
        to: the address.
        subject: the subject, decoded.
        html: the HTML part, with tracked links.
        text: the plain text part.
        links: the targets of the links, in order, without those to unsubscribe and to preferences.
        sent_at: when the email was handed to the provider.
        message: the whole email with its headers.
    """

    send_id: UUID
    contact_id: UUID
    template: str
    to: str
    subject: str
    html: str
    text: str
    links: Sequence[str]
    sent_at: datetime
    message: EmailMessage

    def __repr__(self) -> str:
        return f"<Mail {self.template} “{self.subject}” to {self.to} {self.sent_at:%Y-%m-%d %H:%M}>"


@dataclass(frozen=True, slots=True)
class SentMail:
    """An email as it was handed to the provider."""

    message: Message
    at: datetime


class FakeProvider(Provider):
    """A provider that accepts and keeps every email, unless the test has called `refuse`.

    Args:
        clock: the source of the instant at which an email is sent.
    """

    name = "test"
    idempotency_window = timedelta.max

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: deque[DeliveryError] = deque()
        self.sent_mails: dict[UUID, SentMail] = {}

    def refuse(self, kind: Refusal) -> None:
        """Refuse the next email."""
        refusals: dict[Refusal, DeliveryError] = {
            "hard_bounce": Rejected("550 5.1.1 no such mailbox", "hard_bounce"),
            "soft": TryLater("452 4.2.2 the mailbox is full", soft_bounce=True),
            "later": TryLater("421 4.3.2 not now"),
        }
        self._refusals.append(refusals[kind])

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Keep an email, or raise the next refusal."""
        if self._refusals:
            raise self._refusals.popleft()
        await before_handoff()
        self.sent_mails.setdefault(message.send_id, SentMail(message, self._clock.now()))
        return Accepted(provider_id=None, reply="accepted by the test")

    async def close(self) -> None:
        """Do nothing, because the provider has no connections."""


class Mailbox:
    """The emails that were sent to all contacts."""

    def __init__(self) -> None:
        self._mails: list[Mail] = []
        self._families: dict[UUID, set[UUID]] = {}

    def mails(self, person: Person, template: str | None = None) -> list[Mail]:
        """Return the emails that a person has received, the oldest first.

            assert world.mailbox.mails(ada)[-1].subject == "Your trial ends on Friday"

        Args:
            person: the recipient.
            template: only emails of this template.
        """
        contact_ids = self._families.get(person.id, {person.id})
        return [
            mail
            for mail in self._mails
            if mail.contact_id in contact_ids and template in (None, mail.template)
        ]

    def templates(self, person: Person) -> list[str]:
        """Return the templates of the emails that a person has received, the oldest first.

        assert world.mailbox.templates(ada) == ["trial-welcome", "trial-progress"]
        """
        return [mail.template for mail in self.mails(person)]

    def take_in(self, mails: Sequence[Mail], families: dict[UUID, set[UUID]]) -> None:
        """Replace all emails.

        Args:
            mails: the emails that were sent, the oldest first.
            families: the ids of each contact and of the contacts merged with it, by contact.
        """
        self._mails, self._families = list(mails), families


def build_mail(sent: SentMail, contact_id: UUID, template: str, links: Sequence[str]) -> Mail:
    """Return an email as its recipient sees it.

    Args:
        sent: the email as it was handed to the provider.
        contact_id: the recipient.
        template: the key of the template.
        links: the targets of the tracked links.
    """
    message = message_from_bytes(sent.message.mime_bytes, policy=policy.default)
    return Mail(
        send_id=sent.message.send_id,
        contact_id=contact_id,
        template=template,
        to=sent.message.to[0].email,
        subject=sent.message.subject,
        html=_decode_part(message, "html"),
        text=_decode_part(message, "plain"),
        links=tuple(links),
        sent_at=sent.at,
        message=message,
    )


def _decode_part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content() if part is not None else ""
