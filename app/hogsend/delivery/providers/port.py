"""The port that every mail provider implements: one finished mail in, one outcome out.

The outcome decides what happens to the mail, so a provider claims only what it knows. A mail that
certainly did not leave is `TryLater`, `Rejected` or `ProviderStopped`. A mail that may have left
is `InDoubt`; Hogsend repeats it only within the provider's `idempotency_window`.

docs/sending-mail.md has a complete example of a provider.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ..message import Address, Attachment, Message

__all__ = [
    "Accepted",
    "Address",
    "Attachment",
    "BeforeHandoff",
    "DeliveryError",
    "Feedback",
    "FeedbackKind",
    "InDoubt",
    "InvalidWebhook",
    "Message",
    "Provider",
    "ProviderStopped",
    "Rejected",
    "RejectionKind",
    "TryLater",
    "WebhookRequest",
    "Withdrawn",
]

RejectionKind = Literal["hard_bounce", "content", "policy"]
FeedbackKind = Literal["delivered", "delayed", "hard_bounce", "soft_bounce", "complaint"]
BeforeHandoff = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken responsibility for the mail.

    Args:
        provider_id: the provider's id of the mail, if it gave one.
        reply: the provider's answer, in its own words.
    """

    provider_id: str | None
    reply: str


class DeliveryError(Exception):
    """The mail was not accepted; the subclass says what that means.

    Args:
        reply: the provider's answer, or what happened, for people to read.
    """

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class TryLater(DeliveryError):
    """The mail did not leave, and the same attempt may succeed later.

    Args:
        reply: the provider's answer.
        retry_at: when the provider asks to be tried again, such as from `Retry-After`; None for
            the usual schedule.
        soft_bounce: whether the recipient's mailbox is the cause (it is full).
    """

    def __init__(
        self, reply: str, *, retry_at: datetime | None = None, soft_bounce: bool = False
    ) -> None:
        super().__init__(reply)
        self.retry_at = retry_at
        self.soft_bounce = soft_bounce


class Rejected(DeliveryError):
    """The mail did not leave and never will.

    Args:
        reply: the provider's answer.
        kind: `hard_bounce`: the address does not exist and is suppressed; `content`: the provider
            does not take this mail; `policy`: the sender is at fault, and the recipient is not
            suppressed.
    """

    def __init__(self, reply: str, kind: RejectionKind) -> None:
        super().__init__(reply)
        self.kind: RejectionKind = kind


class ProviderStopped(DeliveryError):
    """The provider takes no mail at all until an operator acts, such as after a wrong API key.

    The mail did not leave. It does not fail; it waits.
    """


class InDoubt(DeliveryError):
    """The mail may have left: the provider gave no answer after the hand-over began."""


class Withdrawn(Exception):
    """Raised by `before_handoff` when the mail must not leave any more.

    A provider ends its attempt without handing anything over and lets the exception pass.
    """


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request that a provider makes to report what happened to mails.

    Args:
        headers: by name in lower case.
        body: the bytes as received, which signatures cover.
        query: the parameters of the URL.
    """

    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict[str, str])


class InvalidWebhook(Exception):
    """A webhook is not signed by the provider, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a provider reports about a mail that it accepted.

    Args:
        kind: what happened.
        at: when it happened.
        email: the recipient's address.
        send_id: the mail, when the provider passes our id back.
        provider_id: the provider's id of the mail, as in `Accepted`.
        event_id: the provider's id of this report, by which a repeated one is recognized.
        reply: the details, for people to read.
    """

    kind: FeedbackKind
    at: datetime
    email: str
    send_id: UUID | None = None
    provider_id: str | None = None
    event_id: str | None = None
    reply: str = ""


class Provider(ABC):
    """Takes finished mails and passes them on.

    `deliver` runs many times at once, and a provider limits its own connections. One that has a
    batch endpoint may collect the messages of concurrent calls, each after its `before_handoff`,
    and send them in one request.

    Attributes:
        name: one lower-case word, stored with each send.
        idempotency_window: how long the provider recognizes a `send_id` that it has received and
            does not deliver it again; None if it never does. Mails in doubt are repeated within
            this time. A repeat is rendered again and may differ in details, such as its date.
    """

    name: str
    idempotency_window: timedelta | None = None

    @abstractmethod
    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Hand one mail over.

        Args:
            message: the mail.
            before_handoff: awaited exactly once, as the last step before the content leaves
                (before SMTP's `DATA`, before an API's request). It records that the mail may
                have left. When it raises, nothing may leave and the exception must pass.

        Returns:
            The provider's answer when it took responsibility.

        Raises:
            TryLater: the mail did not leave; try again.
            Rejected: the mail did not leave and never will.
            ProviderStopped: the provider takes no mail until an operator acts.
            InDoubt: the mail may have left.
            Withdrawn: from `before_handoff`.
        """

    async def feedback(self, request: WebhookRequest) -> Sequence[Feedback]:
        """Read a webhook of the provider; one without webhooks reports nothing.

        Args:
            request: the request as received.

        Returns:
            The reports in it; those of no interest are left out.

        Raises:
            InvalidWebhook: the signature is wrong, or the body cannot be read.
        """
        return ()

    async def close(self) -> None:  # noqa: B027 (most providers have nothing to close)
        """Close connections; hand-overs that still run end by themselves or are in doubt."""
