"""The mails of a test: what people got, as they would see it."""

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
    """A mail that has left.

    Args:
        send_id: the ledger's id of it.
        contact_id: whose it is.
        template: the key of its template.
        to: the address that it went to.
        subject: as people read it.
        html: the part with formatting; its links are the tracked ones.
        text: the plain part.
        links: where its links lead, in order; not those to unsubscribe and to preferences.
        sent_at: when it left.
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
    """A mail as it was handed over."""

    message: Message
    at: datetime


class FakeProvider(Provider):
    """The provider of a test: takes every mail, unless it was told to refuse.

    Args:
        clock: tells when a mail left.
    """

    name = "test"
    idempotency_window = timedelta.max

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: deque[DeliveryError] = deque()
        self.sent_mails: dict[UUID, SentMail] = {}

    def refuse(self, kind: Refusal) -> None:
        """Refuse the next mail that is handed over."""
        refusals: dict[Refusal, DeliveryError] = {
            "hard_bounce": Rejected("550 5.1.1 no such mailbox", "hard_bounce"),
            "soft": TryLater("452 4.2.2 the mailbox is full", soft_bounce=True),
            "later": TryLater("421 4.3.2 not now"),
        }
        self._refusals.append(refusals[kind])

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Take a mail."""
        if self._refusals:
            raise self._refusals.popleft()
        await before_handoff()
        self.sent_mails.setdefault(message.send_id, SentMail(message, self._clock.now()))
        return Accepted(provider_id=None, reply="taken by the test")

    async def close(self) -> None:
        """Nothing is held open."""


class Mailbox:
    """The mails that have left, of everyone, the oldest first."""

    def __init__(self) -> None:
        self._mails: list[Mail] = []
        self._families: dict[UUID, set[UUID]] = {}

    def mails(self, person: Person, template: str | None = None) -> list[Mail]:
        """Return the mails that a person got, the oldest first.

            assert world.mailbox.mails(ada)[-1].subject == "Your trial ends on Friday"

        Args:
            person: who.
            template: only those of this template.
        """
        contact_ids = self._families.get(person.id, {person.id})
        return [
            mail
            for mail in self._mails
            if mail.contact_id in contact_ids and template in (None, mail.template)
        ]

    def templates(self, person: Person) -> list[str]:
        """Return the templates of the mails that a person got, the oldest first.

        assert world.mailbox.templates(ada) == ["trial-welcome", "trial-progress"]
        """
        return [mail.template for mail in self.mails(person)]

    def take_in(self, mails: Sequence[Mail], families: dict[UUID, set[UUID]]) -> None:
        """Hold these mails from now on.

        Args:
            mails: those that have left, the oldest first.
            families: for each contact, the ids of those who are the same person by now.
        """
        self._mails, self._families = list(mails), families


def mail_of(sent: SentMail, contact_id: UUID, template: str, links: Sequence[str]) -> Mail:
    """Make what people see of a mail that was handed over.

    Args:
        sent: the mail.
        contact_id: whose it is.
        template: the key of its template.
        links: where its tracked links lead.
    """
    message = message_from_bytes(sent.message.mime_bytes, policy=policy.default)
    return Mail(
        send_id=sent.message.send_id,
        contact_id=contact_id,
        template=template,
        to=sent.message.to[0].email,
        subject=sent.message.subject,
        html=_part(message, "html"),
        text=_part(message, "plain"),
        links=tuple(links),
        sent_at=sent.at,
        message=message,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content() if part is not None else ""
