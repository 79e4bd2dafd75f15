"""The port that every mail provider implements: one finished mail in, one verdict out.

A provider of your own is a class that takes no arguments and has what `Provider` asks for. Put it
beside your journeys and name it in `HOGSEND_MAIL` as `module:Class`:

    from hogsend.delivery.providers.port import Accepted, Message, TryLater

    class Pigeons:
        name = "pigeons"
        remembers_sends = False

        async def deliver(self, message, handing_over):
            pigeon = await self.loft.fetch()        # everything that can fail harmlessly
            if pigeon is None:
                raise TryLater("all pigeons are out")
            await handing_over()                    # from here on the mail may have left
            pigeon.fly(message.to_email, message.raw)
            return Accepted(provider_id=pigeon.ring, reply="in the air")

        async def close(self):
            await self.loft.close()

What a provider raises decides what becomes of the mail, so the rule is: claim only what is known.
A mail that certainly did not leave is `TryLater`, `Rejected` or `ProviderStopped`; one that may
have left and of which nobody said so is `InDoubt`, and is never repeated blindly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

RejectionKind = Literal["hard_bounce", "content", "policy"]


@dataclass(frozen=True, slots=True)
class Message:
    """A finished mail. The same send is always offered with the same bytes.

    Args:
        send_id: the ledger's id of this mail; an idempotency key for providers that take one.
        from_email: the envelope's sender; a display name beside it is ignored.
        to_email: the envelope's only recipient.
        subject: as people read it, for providers that show it.
        message_id: the value of the `Message-ID` header, with its angle brackets.
        raw: the whole mail as RFC 5322 says, every line ended by CR LF, dots not doubled.
    """

    send_id: UUID
    from_email: str
    to_email: str
    subject: str
    message_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken responsibility for the mail.

    Args:
        provider_id: what the provider calls the mail, if it said so.
        reply: what the provider said, in its own words.
    """

    provider_id: str | None
    reply: str


class DeliveryError(Exception):
    """The mail was not accepted; the subclass says what that means for it.

    Args:
        reply: what the provider said, or what happened, for people to read.
    """

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class TryLater(DeliveryError):
    """The mail did not leave, and the same attempt may succeed later.

    Args:
        reply: what the provider said.
        soft_bounce: whether the recipient's mailbox is what stands in the way (it is full).
            Soft bounces on several days lead to suppression of the address.
    """

    def __init__(self, reply: str, *, soft_bounce: bool = False) -> None:
        super().__init__(reply)
        self.soft_bounce = soft_bounce


class Rejected(DeliveryError):
    """The mail did not leave and never will.

    Args:
        reply: what the provider said.
        kind: `hard_bounce`: the address does not exist and is suppressed; `content`: this mail
            cannot be taken; `policy`: the sender is at fault, and the person is never suppressed.
    """

    def __init__(self, reply: str, kind: RejectionKind) -> None:
        super().__init__(reply)
        self.kind: RejectionKind = kind


class ProviderStopped(DeliveryError):
    """No mail at all can be handed over until a person acts, such as after a wrong password.

    The mail did not leave, is not failed, and waits.
    """


class InDoubt(DeliveryError):
    """The mail may have left: the connection ended after the hand-over began."""


class Withdrawn(Exception):
    """Raised by `handing_over` when the mail must not leave after all.

    A provider ends its attempt without handing anything over and lets the exception pass.
    """


HandingOver = Callable[[], Awaitable[None]]


@runtime_checkable
class Provider(Protocol):
    """What takes a finished mail and passes it on.

    `deliver` is called many times at once; a provider bounds its own connections.
    """

    @property
    def name(self) -> str:
        """One lower-case word, kept with each send."""
        ...

    @property
    def remembers_sends(self) -> bool:
        """Whether offering the same `send_id` again delivers nothing a second time.

        Mails in doubt are offered again to a provider that remembers.
        """
        ...

    async def deliver(self, message: Message, handing_over: HandingOver) -> Accepted:
        """Hand one mail over.

        Args:
            message: the mail.
            handing_over: awaited once, as the last thing before the mail's content leaves
                (before SMTP's `DATA`, before an API's request). It records that the mail may
                have left; when it raises, nothing may leave, and what it raised must pass.

        Returns:
            What the provider said when it took responsibility.

        Raises:
            TryLater: it did not leave; try again.
            Rejected: it did not leave and never will.
            ProviderStopped: nothing can be handed over until a person acts.
            InDoubt: it may have left.
            Withdrawn: from `handing_over`.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; hand-overs that still run end by themselves or are in doubt."""
        ...
