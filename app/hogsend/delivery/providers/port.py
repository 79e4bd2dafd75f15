"""The port that every mail provider implements: one finished mail in, one outcome out.

The outcome decides what happens to the mail, so a provider reports only what it knows for certain.
If the mail did not leave, the provider raises `TryLater`, `Rejected` or `ProviderStopped`. If the
mail may have left, it raises `InDoubt`; Hogsend repeats such a mail only within the provider's
`idempotency_window`.

docs/sending-mail.md has a complete example of a provider.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ...domain.feedback import FeedbackKind
from ...domain.retry_schedule import GIVE_UP_AFTER
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
    "UncheckedWebhook",
    "WebhookRequest",
    "Withdrawn",
]

RejectionKind = Literal["hard_bounce", "content", "policy", "refused"]
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
    """The mail was not accepted; the subclass says what happens to the mail.

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
        retry_at: the time of the next attempt that the provider asks for, such as in `Retry-After`;
            None for the usual schedule.
        soft_bounce: whether the cause is a full mailbox of the recipient.
        throttled: whether mail comes too fast for the provider or the recipient's domain, which
            gets less of it for a while.
    """

    def __init__(
        self,
        reply: str,
        *,
        retry_at: datetime | None = None,
        soft_bounce: bool = False,
        throttled: bool = False,
    ) -> None:
        super().__init__(reply)
        self.retry_at = retry_at
        self.soft_bounce = soft_bounce
        self.throttled = throttled


class Rejected(DeliveryError):
    """The mail did not leave and never will.

    Args:
        reply: the provider's answer.
        kind: `hard_bounce`: the address in `to` does not exist and is suppressed; `content`: the
            provider refuses this mail; `policy`: the sender is at fault; `refused`: anything else.
            Only a hard bounce suppresses the recipient.
    """

    def __init__(self, reply: str, kind: RejectionKind) -> None:
        super().__init__(reply)
        self.kind: RejectionKind = kind


class ProviderStopped(DeliveryError):
    """The provider takes no mail at all until an operator acts, such as after a wrong API key.

    The mail did not leave. Hogsend keeps it in the queue until the provider takes mail again.
    """


class InDoubt(DeliveryError):
    """The mail may have left: the provider gave no answer after the hand-over began."""


class Withdrawn(Exception):
    """Raised by `before_handoff` when the mail must not leave any more.

    The provider must end its attempt without handing anything over, and let the exception pass.
    """


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request that a provider makes to report what happened to mails.

    Args:
        headers: the headers by name, in lower case.
        body: the bytes as received, because signatures cover them.
        query: the parameters of the URL.
    """

    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict[str, str])


class InvalidWebhook(Exception):
    """A webhook has no valid signature of the provider, or cannot be read."""


class UncheckedWebhook(Exception):
    """A signature cannot be checked at present, such as without its certificate.

    The provider is asked to repeat the webhook.
    """


@dataclass(frozen=True, slots=True)
class Feedback:
    """A provider's report about a mail that it accepted.

    Args:
        kind: what happened.
        at: when it happened.
        email: the address that the report is about; empty for the recipient of the send. A report
            about the address of a copy suppresses that address and leaves the send as it is.
        send_id: the send's id, if the provider returns the id that it was given.
        provider_id: the provider's id of the mail, as in `Accepted`.
        event_id: the provider's id of this report, by which Hogsend recognizes a repeated report.
        reply: the details, for people to read.
        code: the enhanced status code (RFC 3463), such as `5.1.1`, if the report has one.
    """

    kind: FeedbackKind
    at: datetime
    email: str
    send_id: UUID | None = None
    provider_id: str | None = None
    event_id: str | None = None
    reply: str = ""
    code: str | None = None


class Provider(ABC):
    """Takes finished mails and passes them on.

    Hogsend calls `deliver` many times concurrently, and a provider limits its own connections. A
    provider with a batch endpoint may collect the messages of concurrent calls, each after its
    `before_handoff`, and send them in one request.

    Attributes:
        name: one lower-case word, stored with each send.
        idempotency_window: how long the provider recognizes a `send_id` that it has received, and
            does not deliver the mail again; None if it never does. Hogsend repeats mails in doubt
            within this time. A repeat has the same content, unless the stored mail lacks it, such
            as one with sensitive values.
        give_up_after: for how long after its first attempt a mail is tried again that the provider
            asks to repeat later.
    """

    name: str
    idempotency_window: timedelta | None = None
    give_up_after: timedelta = GIVE_UP_AFTER

    @abstractmethod
    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Hand one mail over.

        Args:
            message: the mail.
            before_handoff: must be awaited exactly once, as the last step before the content
                leaves (before SMTP's `DATA`, or before the request to an API). Hogsend then records
                that the mail may have left. If `before_handoff` raises, nothing may leave and the
                exception must pass.

        Returns:
            The provider's answer when it took responsibility.

        Raises:
            TryLater: the mail did not leave; Hogsend tries again.
            Rejected: the mail did not leave and never will.
            ProviderStopped: the provider takes no mail until an operator acts.
            InDoubt: the mail may have left.
            Withdrawn: from `before_handoff`.
        """

    async def feedback(self, request: WebhookRequest) -> Sequence[Feedback]:
        """Read a webhook of the provider; a provider without webhooks reports nothing.

        Args:
            request: the request as received.

        Returns:
            The reports in the request; reports that Hogsend has no use for are left out.

        Raises:
            InvalidWebhook: the signature is wrong, or the body cannot be read.
            UncheckedWebhook: the signature cannot be checked at present.
        """
        return ()

    async def close(self) -> None:  # noqa: B027 (most providers have nothing to close)
        """Close connections; a hand-over that is still running either ends or is in doubt."""
