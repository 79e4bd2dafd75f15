"""Postmark, against its documentation."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from hogsend.delivery.providers.port import (
    Accepted,
    Attachment,
    Feedback,
    InDoubt,
    InvalidWebhook,
    Rejected,
    WebhookRequest,
)
from hogsend.delivery.providers.postmark import MAX_BATCHED_BYTES, Postmark
from tests.delivery.providers.api_contract import (
    ApiContract,
    Make,
    build_fault,
    expect_error,
    expect_feedback,
    name_case,
)
from tests.delivery.providers.contract import NOW, allow_handoff, make_message
from tests.sinks.mail_apis import KEY, SEND_TAG, Fault, MailApis

SEND_ID = make_message().send_id
BASIC = {"authorization": "Basic " + base64.b64encode(b"hog:pa:ss").decode()}


def build_code(code: int, message: str = "") -> Fault:
    return build_fault(422, ErrorCode=code, Message=message)


class TestPostmark(ApiContract):
    build = Postmark
    mail = f"postmark://{KEY}?webhook=hog:pa:ss"

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (build_fault(401, ErrorCode=10, Message="Bad token"), "ProviderStopped"),
            (build_code(10), "ProviderStopped"),
            (build_code(100), "TryLater"),
            (build_code(300, "Invalid 'From' address"), "Rejected content"),
            (build_code(300, "Invalid 'Cc' address"), "Rejected content"),
            (build_code(300, "Invalid 'To' address: 'ada'"), "Rejected hard_bounce"),
            (build_code(400, "Sender Signature not found"), "Rejected policy"),
            (build_code(401, "Sender Signature not confirmed"), "Rejected policy"),
            (build_code(402), "Rejected content"),
            (build_code(405, "Not allowed to send"), "ProviderStopped"),
            (build_code(406, "inactive"), "Rejected hard_bounce"),
            (build_code(411, "Forbidden attachment type"), "Rejected content"),
            (build_code(412, "Account is pending"), "ProviderStopped"),
            (build_code(413, "Account may not send"), "ProviderStopped"),
            (build_code(1235, "no such stream"), "ProviderStopped"),
            (Fault(422, "garbage"), "Rejected content"),
            (build_fault(413, Message="10 MB"), "Rejected content"),
            (build_fault(429, ErrorCode=429, Message="Rate limit"), "TryLater"),
            (build_fault(500, ErrorCode=0, Message="in most cases it is lost"), "InDoubt"),
            (build_fault(503, Message="Service unavailable"), "TryLater"),
            (Fault(503, "<html>"), "InDoubt"),
        ],
        ids=name_case,
    )
    async def test_each_error_of_the_documentation_has_its_meaning(
        self, api: MailApis, provider: Postmark, fault: Fault, expected: str
    ) -> None:
        await expect_error(api, provider, fault, expected)

    async def test_mails_that_are_ready_together_leave_in_one_request(
        self, api: MailApis, provider: Postmark
    ) -> None:
        ready = asyncio.Event()

        async def wait() -> None:
            await ready.wait()

        names = ["ada", "inactive", "bo"]
        messages = [make_message(f"{name}@example.com") for name in names]
        handovers = [asyncio.create_task(provider.deliver(m, wait)) for m in messages]
        await asyncio.sleep(0)
        ready.set()
        ada, inactive, bo = await asyncio.gather(*handovers, return_exceptions=True)

        assert [call.path for call in api.calls] == ["/email/batch"]
        assert (ada, bo) == (Accepted("mail-1", "200 OK"), Accepted("mail-2", "200 OK"))
        assert isinstance(inactive, Rejected) and inactive.kind == "hard_bounce"

    @pytest.mark.parametrize(
        "fault",
        [Fault(action="take and drop"), Fault(200, "[]"), Fault(200, "[1, 2]"), Fault(500, "")],
        ids=name_case,
    )
    async def test_all_mails_of_a_batch_without_results_are_in_doubt(
        self, api: MailApis, provider: Postmark, fault: Fault
    ) -> None:
        api.faults.append(fault)
        messages = [make_message(f"{name}@example.com") for name in ("ada", "bo")]

        results = await asyncio.gather(
            *(provider.deliver(message, allow_handoff) for message in messages),
            return_exceptions=True,
        )

        assert [type(result) for result in results] == [InDoubt, InDoubt]
        assert len(api.calls) == 1

    async def test_a_large_mail_has_a_request_of_its_own(
        self, api: MailApis, provider: Postmark
    ) -> None:
        file = Attachment("all.bin", "application/octet-stream", bytes(MAX_BATCHED_BYTES))
        messages = [make_message("ada@example.com"), make_message(attachments=(file,))]

        await asyncio.gather(*(provider.deliver(message, allow_handoff) for message in messages))

        assert [call.path for call in api.calls] == ["/email", "/email"]

    async def test_a_mail_that_is_processed_later_is_accepted(
        self, api: MailApis, provider: Postmark
    ) -> None:
        body = {"Message": "accepted, but delivery may be delayed", "MessageID": "m1"}
        api.faults.append(build_fault(202, **body))

        assert (await provider.deliver(make_message(), allow_handoff)).provider_id == "m1"

    @pytest.mark.parametrize(
        ("record", "code", "kind"),
        [
            ("Delivery", None, "delivered"),
            ("SpamComplaint", 100001, "complaint"),
            ("Bounce", 1, "hard_bounce"),
            ("Bounce", 2, "delayed"),
            ("Bounce", 16, None),
            ("Bounce", 32, None),
            ("Bounce", 64, None),
            ("Bounce", 128, None),
            ("Bounce", 256, "delayed"),
            ("Bounce", 512, "rejected"),
            ("Bounce", 1024, None),
            ("Bounce", 2048, "soft_bounce"),
            ("Bounce", 4096, "soft_bounce"),
            ("Bounce", 8192, "soft_bounce"),
            ("Bounce", 16384, None),
            ("Bounce", 100000, "hard_bounce"),
            ("Bounce", 100001, "complaint"),
            ("Bounce", 100002, "hard_bounce"),
            ("Bounce", 100003, "rejected"),
            ("Bounce", 100006, "rejected"),
            ("Bounce", 100007, "rejected"),
            ("Bounce", 100009, "rejected"),
            ("Bounce", 100010, "rejected"),
            ("Open", None, None),
            ("Click", None, None),
            ("SubscriptionChange", None, None),
        ],
    )
    async def test_each_event_has_its_meaning(
        self, provider: Postmark, record: str, code: int | None, kind: str | None
    ) -> None:
        event = build_event(record, TypeCode=code)

        await expect_feedback(provider, BASIC, event, [kind] if kind else [])

    async def test_a_bounce_names_the_send_and_the_reply_of_the_server(
        self, provider: Postmark
    ) -> None:
        event = build_event("Bounce", TypeCode=1, Details="smtp;550 5.1.1 no such user")

        reports = await expect_feedback(provider, BASIC, event, ["hard_bounce"])

        assert reports == [
            Feedback(
                kind="hard_bounce",
                at=NOW,
                email="ada@example.com",
                send_id=SEND_ID,
                provider_id="m1",
                event_id="Bounce:42",
                reply="smtp;550 5.1.1 no such user",
                code="5.1.1",
            )
        ]

    @pytest.mark.parametrize(
        "header",
        ["", "Basic", "Basic !", "Bearer hog:pa:ss", "Basic " + base64.b64encode(b"a:b").decode()],
    )
    async def test_a_webhook_without_the_password_is_refused(
        self, provider: Postmark, header: str
    ) -> None:
        body = build_event("Delivery")

        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest({"authorization": header}, body))

    async def test_a_webhook_is_refused_without_a_password_in_the_settings(
        self, make_api_provider: Make
    ) -> None:
        provider = make_api_provider(Postmark, f"postmark://{KEY}")

        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest({}, build_event("Delivery")))


def build_event(record: str, **fields: Any) -> bytes:
    """Return the body of a webhook."""
    is_bounce = record in ("Bounce", "SpamComplaint")
    event: dict[str, Any] = {
        "RecordType": record,
        "MessageID": "m1",
        "Metadata": {SEND_TAG: str(SEND_ID)},
        **(
            {"ID": 42, "Email": "ada@example.com"}
            if is_bounce
            else {"Recipient": "ada@example.com"}
        ),
        "BouncedAt" if is_bounce else "DeliveredAt": "2026-03-02T09:00:00.0000000Z",
        "Details": "",
    }
    return json.dumps(event | fields).encode()
