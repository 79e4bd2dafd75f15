"""Mails leave through real providers' APIs, and their signed webhooks report their outcomes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.send_policy import Send
from tests.delivery.providers import test_mailgun as mailgun
from tests.delivery.providers import test_resend as resend
from tests.sinks.mail_apis import KEY, SEND_TAG, MailApis
from tests.site import FILES, Site, open_site

SENDING = """\
from hogsend import MailRoute, SendingPolicy

sending = SendingPolicy(routes=[
    MailRoute("mailgun", recipients=["example.net"]),
    MailRoute("mine", recipients=["example.edu"]),
])
"""
ADDRESSES = {"resend": "ada@example.com", "mailgun": "bo@example.net", "mine": "cy@example.edu"}


@pytest.fixture
async def api() -> AsyncIterator[MailApis]:
    """The APIs of the providers on loopback."""
    async with MailApis() as server:
        yield server


@pytest.fixture
async def site(
    api: MailApis, tmp_path: Path, clock: ManualClock, sqlite_url: str
) -> AsyncIterator[Site]:
    """A server with a worker and three providers."""
    mail = (
        f"resend://{KEY}?webhook_secret=whsec_{resend.SECRET}&url={api.url}",
        f"mailgun://{KEY}@mg.example.org?signing_key=signing&url={api.url}",
        f"mine=brevo://{KEY}?webhook_token=t0ken&url={api.url}",
    )
    files = {**FILES, "sending.py": SENDING}
    async with open_site(
        tmp_path, clock, files=files, DATABASE_URL=sqlite_url, MAIL=" ".join(mail)
    ) as site:
        yield site


async def post(site: Site, path: str, body: bytes, **headers: str) -> int:
    answer = await site.client.post(f"/v1/webhooks/email/{path}", data=body, headers=headers)
    return answer.status_code


def name_send(send: Send) -> dict[str, Any]:
    return {SEND_TAG: str(send.id)}


async def test_signed_webhooks_report_the_outcomes_of_the_mails_of_three_providers(
    site: Site, api: MailApis
) -> None:
    for address in ADDRESSES.values():
        await site.event("user.created", address[:2], email=address)
    sends = {str(send.provider): send for send in await site.wait_for_sends(3)}
    assert {name: send.to_email for name, send in sends.items()} == ADDRESSES
    assert {send.status for send in sends.values()} == {"sent"}
    assert sorted(api.taken.values()) == [1, 1, 1]

    delivered = resend.build_event("email.delivered", tags=name_send(sends["resend"]))
    now = site.clock.now()
    bounced = mailgun.build_event(
        "failed",
        at=now,
        severity="permanent",
        reason="bounce",
        recipient=ADDRESSES["mailgun"],
        user_variables=name_send(sends["mailgun"]),
        delivery_status={"code": 550, "message": "5.1.1 no such user"},
    )
    blocked = json.dumps(
        {
            "event": "blocked",
            "email": ADDRESSES["mine"],
            "ts_epoch": int(now.timestamp() * 1000),
            "X-Mailin-custom": f"{SEND_TAG}:{sends['mine'].id}",
        }
    ).encode()
    wrong = resend.sign(delivered, now, secret="d3Jvbmc=")
    refused = [
        await post(site, "resend", delivered, **wrong),
        await post(site, "mailgun", bounced.replace(b"5.1.1", b"5.1.2").replace(b'"t0"', b'"t1"')),
        await post(site, "mine?token=wrong", blocked),
        await post(site, "mine", blocked),
    ]
    assert refused == [401] * 4
    assert await site.fetch_value("SELECT COUNT(*) FROM feedback") == 0

    # Each of them comes twice.
    for _ in range(2):
        signed = resend.sign(delivered, now)
        assert await post(site, "resend", delivered, **signed) == 200
        assert await post(site, "mailgun", bounced) == 200
        assert await post(site, "mine?token=t0ken", blocked) == 200

    assert await site.fetch_value("SELECT COUNT(*) FROM feedback") == 3
    assert {str(send.provider): send.status for send in await site.sends() if send.sent_at} == {
        "resend": "delivered",
        "mailgun": "bounced",
        "mine": "failed",
    }
    assert await site.rows("SELECT address, reason FROM suppressions") == [
        (ADDRESSES["mailgun"], "hard_bounce")
    ]
    names = [name for (name,) in await site.rows("SELECT name FROM events")]
    assert names.count("email.bounced") == 1
