"""The promises of providers with an HTTP API; a test class for each provider inherits them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from email.header import decode_header, make_header
from functools import partial
from typing import ClassVar

import pytest

from hogsend.delivery.mime import encode_header_text
from hogsend.delivery.providers.api_provider import ApiProvider
from hogsend.delivery.providers.port import (
    Address,
    Attachment,
    DeliveryError,
    Feedback,
    InDoubt,
    InvalidWebhook,
    Provider,
    ProviderStopped,
    Rejected,
    TryLater,
    WebhookRequest,
)
from tests.delivery.providers.contract import (
    ArrivedMail,
    Destination,
    TransportContract,
    allow_handoff,
    make_message,
    to_arrived_mail,
)
from tests.sinks.mail_apis import Fault, MailApis

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
Make = Callable[..., ApiProvider]


class ApiDestination(Destination):
    """Where the mails of the stand-in arrive."""

    def __init__(self, api: MailApis) -> None:
        self._api = api

    async def mails(self) -> list[ArrivedMail]:
        return self._api.mails


class ApiContract(TransportContract):
    """The promises; a subclass names the class and an address with the key of the stand-in."""

    build: ClassVar[Callable[..., ApiProvider]]
    mail: ClassVar[str]

    @pytest.fixture
    def make(self, make_api_provider: Callable[..., ApiProvider]) -> Make:
        return partial(make_api_provider, type(self).build, self.mail)

    @pytest.fixture
    def provider(self, make: Make) -> ApiProvider:
        return make()

    @pytest.fixture
    def destination(self, api: MailApis) -> Destination:
        return ApiDestination(api)

    async def test_an_image_within_the_mail_keeps_its_content_id(
        self, api: MailApis, provider: Provider
    ) -> None:
        message = make_message(
            html='<p><img src="cid:logo" alt="Acme"></p>\n',
            attachments=(Attachment("logo.png", "image/png", PNG, "logo"),),
        )

        await provider.deliver(message, allow_handoff)

        assert api.mails[0].attachments == (Attachment("logo.png", "image/png", PNG, "logo"),)

    async def test_the_provider_gets_the_id_of_the_send(
        self, api: MailApis, provider: Provider
    ) -> None:
        message = make_message()

        await provider.deliver(message, allow_handoff)

        assert api.taken == {str(message.send_id): 1}

    async def test_a_lost_connection_is_in_doubt_and_a_repeat_harms_nobody_who_is_promised_so(
        self, api: MailApis, provider: Provider
    ) -> None:
        api.faults.append(Fault(action="take and drop"))
        message = make_message()

        with pytest.raises(InDoubt):
            await provider.deliver(message, allow_handoff)
        if provider.idempotency_window is not None:
            await provider.deliver(message, allow_handoff)

        assert api.mails == [to_arrived_mail(message)]

    @pytest.mark.parametrize("status", [200, 502])
    async def test_an_answer_of_somebody_else_is_in_doubt(
        self, api: MailApis, provider: Provider, status: int
    ) -> None:
        api.faults.append(Fault(status, "<html>gateway</html>"))

        with pytest.raises(InDoubt, match="gateway"):
            await provider.deliver(make_message(), allow_handoff)

    async def test_a_server_that_cannot_be_reached_is_tried_later(
        self, api: MailApis, provider: Provider
    ) -> None:
        await api.stop()

        with pytest.raises(TryLater, match=r"127\.0\.0\.1"):
            await provider.deliver(make_message(), allow_handoff)

    async def test_a_redirect_is_not_followed(self, api: MailApis, provider: Provider) -> None:
        api.faults.append(Fault(307, headers={"Location": f"{api.url}/elsewhere"}))

        with pytest.raises(ProviderStopped, match="not the address"):
            await provider.deliver(make_message(), allow_handoff)

        assert len(api.calls) == 1

    async def test_a_header_with_a_line_break_does_not_become_two(
        self, api: MailApis, provider: Provider
    ) -> None:
        """The message refuses it, or it arrives as one value."""
        message = make_message(from_=Address("hello@example.org", 'A"\r\nBcc: eve@example.com'))

        try:
            await provider.deliver(message, allow_handoff)
        except (ValueError, Rejected):
            return

        assert api.mails[0].recipients == {"ada@example.com"}

    async def test_a_long_header_arrives_in_one_line(
        self, api: MailApis, provider: Provider
    ) -> None:
        folded = encode_header_text("Grüße " * 20)
        assert "\r\n" in folded

        await provider.deliver(make_message(headers=(("X-Note", folded),)), allow_handoff)

        ((_, value),) = api.mails[0].headers
        assert str(make_header(decode_header(value))).strip() == ("Grüße " * 20).strip()
        assert "\n" not in value

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"null", b"[]", b'"x"', b"[" * 100_000, b"\xff", b'{"a": 1e999}'],
        ids=["empty", "cut", "null", "list", "text", "deep", "no UTF-8", "infinite"],
    )
    async def test_a_webhook_that_is_no_webhook_is_refused(
        self, provider: Provider, body: bytes
    ) -> None:
        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest({}, body))


def name_case(value: object) -> str:
    """Return the name of a test's parameter, which must not have an id or a signature."""
    if isinstance(value, Fault):
        return f"{value.status} {value.body[:60]}"
    return value if isinstance(value, str) else "case"


async def expect_error(
    api: MailApis, provider: Provider, fault: Fault, expected: str
) -> DeliveryError:
    """Deliver a mail to which a fault happens, and check the error.

    Args:
        api: the stand-in.
        provider: the provider.
        fault: the answer.
        expected: the error's class; for `Rejected` with its kind, as in `Rejected policy`.
    """
    api.faults.append(fault)
    with pytest.raises(DeliveryError) as raised:
        await provider.deliver(make_message(), allow_handoff)
    name, _, kind = expected.partition(" ")
    assert type(raised.value).__name__ == name
    if isinstance(raised.value, Rejected):
        assert raised.value.kind == kind
    assert str(fault.status) in raised.value.reply
    return raised.value


def build_fault(status: int, **body: object) -> Fault:
    """Return an answer with JSON."""
    return Fault(status, json.dumps(body))


async def expect_feedback(
    provider: Provider, headers: Mapping[str, str], body: bytes, kinds: Sequence[str]
) -> Sequence[Feedback]:
    """Return the reports of a webhook, whose kinds are checked."""
    reports = await provider.feedback(WebhookRequest(headers, body))

    assert [report.kind for report in reports] == list(kinds)
    return reports
