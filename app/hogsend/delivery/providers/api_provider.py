"""What providers with an HTTP API have in common: one request per mail, errors, webhooks."""

from __future__ import annotations

import asyncio
import base64
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from ...clock import Clock
from ..message import Address, Attachment, Message
from .api_client import ApiAnswer, ApiClient, ApiTimeouts, HandoverRequest
from .port import (
    Accepted,
    BeforeHandoff,
    DeliveryError,
    Feedback,
    InDoubt,
    InvalidWebhook,
    Provider,
    ProviderStopped,
    Rejected,
    TryLater,
    UncheckedWebhook,
    WebhookRequest,
)
from .provider_url import parse_provider_url

# The name under which a provider keeps the id of a send, and names it in webhooks.
SEND_TAG = "hogsend_send"
MAX_WAIT = timedelta(days=1)


class ApiProvider(Provider):
    """A provider that takes one mail in one request.

    Args:
        mail: the address in `HOGSEND_MAIL`.
        clock: the clock for `Retry-After` and the age of webhooks.
        timeouts: how long to wait for the API.

    Attributes:
        form: how the address is written; `@` and a colon before it are required if it has them.
        options: the parameters of the address, besides `url`.
        webhook_option: the parameter by which webhooks are verified.
        default_base: the address of the API.

    Raises:
        ConfigError: the address is invalid.
    """

    give_up_after = timedelta(hours=24)
    form: ClassVar[str]
    options: ClassVar[frozenset[str]]
    webhook_option: ClassVar[str]
    default_base: ClassVar[str]

    def __init__(self, mail: str, clock: Clock, timeouts: ApiTimeouts | None = None) -> None:
        self.url = parse_provider_url(mail, self.form, self.options)
        self.base = self.url.choose_base(self.default_base)
        self.clock = clock
        self.client = ApiClient(timeouts)

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Hand one mail over in one request; raises as the port says."""
        if message.attachments:
            # Encoding megabytes takes too long for the event loop.
            request = await asyncio.to_thread(self.build_request, message)
        else:
            request = self.build_request(message)
        await before_handoff()
        return self.read_answer(await self.client.post(request), message)

    @abstractmethod
    def build_request(self, message: Message) -> HandoverRequest:
        """Build the request that hands a mail over.

        Raises:
            Rejected: the provider cannot send such a mail.
        """

    @abstractmethod
    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        """Read an answer with a status of success.

        Raises:
            InDoubt: it is not an answer of this API.
        """

    def read_answer(self, answer: ApiAnswer, message: Message) -> Accepted:
        """Read the answer to the request of one mail; raises as the port says."""
        if 200 <= answer.status <= 299:
            return self.read_acceptance(answer)
        raise self.build_error(answer, message)

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        """Build the error for an answer without success to a mail."""
        return self.build_status_error(answer)

    def build_status_error(self, answer: ApiAnswer) -> DeliveryError:
        """Build the error that a status means with every provider.

        A server error may have come after the mail was taken, so it is in doubt: a provider that
        recognizes repeats gets the mail again, from others it needs an operator or a webhook.
        """
        status, reply = answer.status, answer.reply
        if status >= 500:
            return InDoubt(reply)
        if status in (408, 425, 429):
            retry_at = self.read_retry_time(answer)
            return TryLater(reply, retry_at=retry_at, throttled=status == 429)
        if status in (401, 403):
            return ProviderStopped(reply)
        if 300 <= status <= 399 or status in (404, 405):
            return ProviderStopped(
                f"{self.base} is not the address of the API: {reply}. Check HOGSEND_MAIL."
            )
        return Rejected(reply, "content")

    def read_retry_time(self, answer: ApiAnswer) -> datetime | None:
        """Return the time in `Retry-After` (RFC 9110 §10.2.3), at most a day from now."""
        now, text = self.clock.now(), answer.headers.get("retry-after", "")
        try:
            if text.strip().isdecimal():
                return now + min(timedelta(seconds=int(text)), MAX_WAIT)
            return min(max(parsedate_to_datetime(text).astimezone(UTC), now), now + MAX_WAIT)
        except OverflowError:
            return now + MAX_WAIT
        except (ValueError, TypeError):
            return None

    async def feedback(self, request: WebhookRequest) -> Sequence[Feedback]:
        """Verify and read a webhook; raises `InvalidWebhook` for anything unexpected in it.

        Raises:
            UncheckedWebhook: what the check needs cannot be fetched.
        """
        try:
            return await self.read_webhook(request)
        except (DeliveryError, OSError) as error:
            raise UncheckedWebhook(f"the signature cannot be checked: {error}") from error
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise InvalidWebhook(f"the body is not a webhook of {self.name}: {error}") from error

    @abstractmethod
    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        """Verify and read a webhook; any error means that it is invalid."""

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def build_json_request(
        self, path: str, payload: Any, headers: Mapping[str, str]
    ) -> HandoverRequest:
        """Build a request with JSON."""
        return HandoverRequest(
            self.base + path,
            {"Content-Type": "application/json", "Accept": "application/json", **headers},
            json.dumps(payload).encode(),
        )


def format_display(address: Address) -> str:
    """Return `"Ada" <ada@example.com>`, not encoded, as APIs with JSON take it."""
    if not address.name:
        return address.email
    name = _to_one_line(address.name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address.email}>'


def to_mailbox(address: Address) -> dict[str, str]:
    """Return a mailbox as an object with `email` and `name`."""
    return {"email": address.email} | ({"name": _to_one_line(address.name)} if address.name else {})


def unfold_headers(message: Message) -> dict[str, str]:
    """Return the further headers of a mail, each in one line, as APIs with JSON take them."""
    return {name: _to_one_line(value) for name, value in message.headers}


def _to_one_line(text: str) -> str:
    return text if text.isprintable() else " ".join(text.split())


def encode_content(file: Attachment) -> str:
    """Return the bytes of a file as base64."""
    return base64.b64encode(file.content).decode()
