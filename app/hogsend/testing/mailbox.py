"""The mails of a test, as their recipients see them."""

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
    """A mail that was sent.

    Args:
        send_id: its id in the ledger.
        contact_id: the contact that it was sent to.
        template: the key of its template.
        to: the address that it was sent to.
        subject: its subject, decoded.
        html: the HTML part; its links are tracked.
        text: the plain text part.
        links: the targets of its links, in order, without those to unsubscribe and to preferences.
        sent_at: when it was handed to the provider.
        message: the whole mail with its headers.
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
    """A mail as it was handed to the provider."""

    message: Message
    at: datetime


class FakeProvider(Provider):
    """A provider that accepts every mail and keeps it, except for those that the test refuses.

    Args:
        clock: the source of the instant at which a mail is sent.
    """

    name = "test"
    idempotency_window = timedelta.max

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: deque[DeliveryError] = deque()
        self.sent_mails: dict[UUID, SentMail] = {}

    def refuse(self, kind: Refusal) -> None:
        """Refuse the next mail."""
        refusals: dict[Refusal, DeliveryError] = {
            "hard_bounce": Rejected("550 5.1.1 no such mailbox", "hard_bounce"),
            "soft": TryLater("452 4.2.2 the mailbox is full", soft_bounce=True),
            "later": TryLater("421 4.3.2 not now"),
        }
        self._refusals.append(refusals[kind])

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Keep a mail, or raise the next refusal."""
        if self._refusals:
            raise self._refusals.popleft()
        await before_handoff()
        self.sent_mails.setdefault(message.send_id, SentMail(message, self._clock.now()))
        return Accepted(provider_id=None, reply="accepted by the test")

    async def close(self) -> None:
        """Do nothing: nothing is open."""


class Mailbox:
    """The mails that were sent to all contacts, the oldest first."""

    def __init__(self) -> None:
        self._mails: list[Mail] = []
        self._families: dict[UUID, set[UUID]] = {}

    def mails(self, person: Person, template: str | None = None) -> list[Mail]:
        """Return the mails that a person has received, the oldest first.

            assert world.mailbox.mails(ada)[-1].subject == "Your trial ends on Friday"

        Args:
            person: the recipient.
            template: only mails of this template.
        """
        contact_ids = self._families.get(person.id, {person.id})
        return [
            mail
            for mail in self._mails
            if mail.contact_id in contact_ids and template in (None, mail.template)
        ]

    def templates(self, person: Person) -> list[str]:
        """Return the templates of the mails that a person has received, the oldest first.

        assert world.mailbox.templates(ada) == ["trial-welcome", "trial-progress"]
        """
        return [mail.template for mail in self.mails(person)]

    def take_in(self, mails: Sequence[Mail], families: dict[UUID, set[UUID]]) -> None:
        """Hold these mails instead of the earlier ones.

        Args:
            mails: the mails that were sent, the oldest first.
            families: for each contact, its id and those of the contacts merged with it.
        """
        self._mails, self._families = list(mails), families


def build_mail(sent: SentMail, contact_id: UUID, template: str, links: Sequence[str]) -> Mail:
    """Build a mail as its recipient sees it.

    Args:
        sent: the mail as it was handed to the provider.
        contact_id: the contact that it was sent to.
        template: the key of its template.
        links: the targets of its tracked links.
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
