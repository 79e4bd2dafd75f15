"""Emails that a product sends without a journey: recorded once, delivered, and kept private."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import InDoubt, Message, Rejected, TryLater
from hogsend.domain.send_policy import Send
from hogsend.errors import Conflict, Forbidden, HogsendError, InvalidInput, NotFound, TooLarge
from hogsend.process.retention import Retention, RetentionPolicy
from hogsend.services.actor import COMMAND_LINE, Actor, Permission
from hogsend.services.contact_changes import ContactChange, upsert_contact
from hogsend.services.contacts import unsuppress_address
from hogsend.services.content import load_content
from hogsend.services.direct_mails import DirectMailAnswer, parse_email_body, send_email_body
from hogsend.services.privacy import erase_contact
from hogsend.services.send_actions import cancel_send, resend, resolve_doubt
from hogsend.services.sends import get_rendered_mail, get_send
from hogsend.store import consents
from hogsend.store.data_migration.tables import list_tables
from hogsend.store.db import Write
from tests.delivery.mailer_harness import (
    MailerHarness,
    break_off,
    create_mailer,
    open_harness,
    refuse,
)

RESET = """\
---
subject: Reset it, {{ props.name }} {{ props.code }}
---
<p>Hi {{ props.name }}: <a href="https://example.com/reset?token={{ props.token }}">Reset</a></p>
"""
TOKEN = "tok-4f9a7c1e"
API = Actor("key", "key hsk_1234", frozenset({Permission.INGEST}))


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        edit(opened, "reset", RESET)
        yield opened


def edit(harness: MailerHarness, name: str, text: str) -> None:
    runtime = harness.site.runtime
    (runtime.settings.journeys / "emails" / f"{name}.html").write_text(text)
    runtime.content = load_content(runtime.settings, runtime.tokens)
    harness.mailer.renderer = runtime.content.renderer


async def send(harness: MailerHarness, /, *, by: Actor = API, **body: Any) -> DirectMailAnswer:
    """Send an email; `sender` is its `from`."""
    runtime = harness.site.runtime
    named = {"from" if name == "sender" else name: value for name, value in body.items()}
    parsed = parse_email_body(json.dumps(named).encode())
    return await send_email_body(runtime, runtime, by, parsed)


async def deliver(harness: MailerHarness, **body: Any) -> Message:
    """Send an email and return it as the provider got it."""
    answer = await send(harness, **body)
    assert (answer.status, answer.reason) == ("sent", None)
    await harness.wait_for_status(answer.send.id, "sent")
    return harness.provider.accepted[-1]


async def suppress(harness: MailerHarness, address: str) -> None:
    await harness.write(consents.suppress([(address, "manual", None)], harness.site.clock.now()))


async def dump(harness: MailerHarness) -> str:
    """Return every value of the database, rendered mails decompressed."""
    values: list[str] = []
    for table in list_tables():
        rows = await harness.site.rows(f'SELECT {table.column_list} FROM "{table.name}"')  # noqa: S608
        values += [repr(row) for row in rows]
    for (send_id,) in await harness.site.rows("SELECT send_id FROM messages"):
        mail = await get_rendered_mail(
            harness.site.runtime,
            COMMAND_LINE,
            UUID(bytes=send_id) if isinstance(send_id, bytes) else send_id,
        )
        parsed = message_from_bytes(mail.raw, policy=policy.default)
        values += [mail.subject, str(parsed), *mail.links]
        values += [str(part.get_content()) for part in parsed.walk() if not part.is_multipart()]
    return "\n".join(values)


async def test_an_email_goes_to_an_address_that_nobody_has_and_makes_a_contact(
    harness: MailerHarness,
) -> None:
    mail = await deliver(harness, to=" New@Example.com ", template="hello")

    assert [address.email for address in mail.to] == ["new@example.com"]
    assert mail.subject == "Hello, you" and "https://example.com/start" in mail.links[0]
    (row,) = await harness.site.sends()
    assert (row.enrollment_id, row.list_id, row.address) == (
        None,
        "transactional",
        "new@example.com",
    )
    detail = await get_send(harness.site.runtime, COMMAND_LINE, row.id)
    assert detail.contact is not None and detail.contact.email == "new@example.com"
    assert await harness.site.fetch_value("SELECT COUNT(*) FROM events") == 0


async def test_content_of_the_request_is_sent_as_it_is(harness: MailerHarness) -> None:
    html = '<style>p{color:red}</style><p>{{ contact.email }} <a href="https://example.com/x">X</a></p>'
    mail = await deliver(
        harness,
        to="ada@example.com",
        subject="Hi {{ props.x }}\nBcc: eve@example.com",
        html=html,
        sender="Shop <shop@example.org>",
        replyTo="help@example.org",
        cc=["Bo <bo@example.com>", "ADA@example.com"],
        bcc=["cy@example.com", "bo@example.com"],
        headers={"X-Order": "ü 12"},
        attachments=[
            {"filename": "Rechnung ü.pdf", "content": base64.b64encode(b"%PDF" * 99).decode()},
            {"filename": "a.bin", "contentType": "application/x-a", "content": ""},
        ],
    )

    assert mail.subject == "Hi {{ props.x }} Bcc: eve@example.com"
    assert mail.recipients == ["ada@example.com", "bo@example.com", "cy@example.com"]
    assert "{{ contact.email }}" in mail.html and "color: red" in mail.html
    assert mail.links == ["https://example.com/x"] and "/o/" in mail.html
    parsed = message_from_bytes(mail.mime_bytes, policy=policy.default)
    assert parsed["Bcc"] is None and "cy@example.com" not in str(parsed)
    assert (parsed["Reply-To"], parsed["X-Order"]) == ("help@example.org", "ü 12")
    assert parsed["From"] == "Shop <shop@example.org>" and parsed["List-Unsubscribe"] is None
    files = [(part.get_filename(), part.get_content_type()) for part in parsed.iter_attachments()]
    assert files == [("Rechnung ü.pdf", "application/pdf"), ("a.bin", "application/x-a")]
    (row,) = await harness.site.sends()
    detail = await get_send(harness.site.runtime, COMMAND_LINE, row.id)
    assert [(file.filename, file.size) for file in detail.attachments] == [
        ("Rechnung ü.pdf", 396),
        ("a.bin", 0),
    ]
    assert detail.mail is not None and b"Rechnung" not in detail.mail.raw


async def test_plain_text_stays_plain_text(harness: MailerHarness) -> None:
    mail = await deliver(
        harness, to="ada@example.com", subject="Hi", text="See https://example.com/a?b=1 <&>"
    )

    parsed = message_from_bytes(mail.mime_bytes, policy=policy.default)
    assert parsed.get_content_type() == "text/plain"
    assert parsed.get_content().strip() == "See https://example.com/a?b=1 <&>"


async def test_an_email_to_a_former_address_goes_there(harness: MailerHarness) -> None:
    await harness.site.event("seen")
    await harness.site.event("seen", email="new@example.com")
    await send(harness, to="ada@example.com", template="again", sendAt="2026-05-05T12:00:00+02:00")
    await harness.mailer.recover()

    mail = await deliver(harness, to="ada@example.com", template="hello")
    other = await deliver(harness, userId="ada", template="hello")

    assert [mail.to[0].email, other.to[0].email] == ["ada@example.com", "new@example.com"]
    scheduled = (await harness.site.sends("queued"))[0]
    assert scheduled.address == "ada@example.com"


async def test_an_email_leaves_when_it_is_due_unless_it_is_cancelled(
    harness: MailerHarness,
) -> None:
    at = harness.site.clock.now() + timedelta(hours=1)
    body: dict[str, Any] = {"to": "ada@example.com", "template": "hello", "sendAt": at.isoformat()}
    first, second = await send(harness, **body), await send(harness, **body)
    assert [first.send.due_at, first.status] == [at, "sent"]
    assert harness.provider.calls == 0

    await cancel_send(harness.site.runtime, COMMAND_LINE, second.send.id)
    await harness.pass_time(timedelta(hours=1))

    await harness.wait_for_status(first.send.id, "sent")
    assert (await harness.row(second.send.id)).status == "cancelled"
    assert harness.provider.calls == 1
    past = (harness.site.clock.now() - timedelta(seconds=61)).isoformat()
    with pytest.raises(InvalidInput, match="sendAt is in the past"):
        await send(harness, **{**body, "sendAt": past})


async def test_one_idempotency_key_sends_one_email_however_many_ask_at_once(
    harness: MailerHarness,
) -> None:
    site = harness.site
    raw = b'{"to": "new@example.com", "template": "hello", "idempotencyKey": "order-1"}'
    other_raw = b'{"to": "eve@example.com", "template": "x"}'
    # On Postgres each runs on a connection of its own, as in several processes.
    answers = await asyncio.gather(
        *(
            send_email_body(site.runtime, site.runtime, API, parse_email_body(raw))
            for _ in range(16)
        )
    )
    sent_id = answers[0].send.id
    await harness.wait_for_status(sent_id, "sent")
    changed = await send_email_body(
        site.runtime, site.runtime, API, parse_email_body(other_raw), "order-1"
    )

    assert {answer.send.id for answer in answers} == {sent_id}
    assert [answer.is_repeat for answer in answers].count(False) == 1
    assert (changed.send.id, changed.status, changed.conflict) == (sent_id, "sent", True)
    assert not answers[-1].conflict and harness.provider.calls == 1
    for table in ("sends", "contacts", "direct_mails"):
        assert await site.fetch_value(f"SELECT COUNT(*) FROM {table}") == 1  # noqa: S608


DECISIONS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"template": "hello", "list": "news"}, "unsubscribed", "unsubscribed_from_list"),
    ({"template": "hello", "category": "tips"}, "unsubscribed", "unsubscribed_from_list"),
    ({"template": "hello"}, "sent", None),
    ({"template": "hello", "list": "bills"}, "sent", None),
    ({"template": "hello", "list": "news", "skipPreferenceCheck": True}, "sent", None),
    ({"template": "hello", "to": "gone@example.com"}, "suppressed", "suppressed"),
]


async def test_consent_and_suppression_decide(harness: MailerHarness) -> None:
    await harness.site.event("contact.unsubscribed", lists={"news": False})
    await suppress(harness, "gone@example.com")

    for body, status, reason in DECISIONS:
        answer = await send(harness, by=COMMAND_LINE, **{"to": "ada@example.com", **body})

        assert (answer.status, answer.reason) == (status, reason), body
        if status == "sent":
            await harness.wait_for_status(answer.send.id, "sent")
        else:
            assert answer.send.status in ("skipped", "suppressed")

    mails = harness.provider.accepted
    assert len(mails) == sum(status == "sent" for _, status, _ in DECISIONS)
    assert not any(name.startswith("List-") for mail in mails for name, _ in mail.headers)


async def test_an_erased_person_gets_no_copy(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    for name in ("erased", "allowed"):
        change = ContactChange(email=f"{name}@example.com")
        contact = await upsert_contact(runtime, COMMAND_LINE, change)
        await erase_contact(runtime, COMMAND_LINE, contact.contact_id)
    again = await upsert_contact(runtime, COMMAND_LINE, ContactChange(email="allowed@example.com"))
    await unsuppress_address(runtime, COMMAND_LINE, again.contact_id)

    copies = {"cc": ["erased@example.com", "allowed@example.com"], "bcc": "erased@example.com"}
    mail = await deliver(harness, to="bo@example.com", template="hello", **copies)

    assert mail.recipients == ["bo@example.com", "allowed@example.com"]


async def test_consent_is_decided_again_when_an_email_is_due(harness: MailerHarness) -> None:
    at = (harness.site.clock.now() + timedelta(hours=1)).isoformat()
    body: dict[str, Any] = {
        "to": "ada@example.com",
        "template": "hello",
        "list": "news",
        "sendAt": at,
    }
    refused = await send(harness, **body)
    forced = await send(harness, by=COMMAND_LINE, **body, skipPreferenceCheck=True)
    copied = await send(harness, **{**body, "to": "bo@example.com"}, cc="gone@example.com")
    await harness.site.event("contact.unsubscribed", lists={"news": False})
    await suppress(harness, "gone@example.com")

    await harness.pass_time(timedelta(hours=1))

    row = await harness.wait_for_status(refused.send.id, "skipped")
    assert row.reason == "unsubscribed_from_list"
    await harness.wait_for_status(forced.send.id, "sent")
    await harness.wait_for_status(copied.send.id, "sent")
    assert sorted(mail.recipients for mail in harness.provider.accepted) == [
        ["ada@example.com"],
        ["bo@example.com"],
    ]


REFUSED: list[tuple[dict[str, Any], type[HogsendError], str]] = [
    ({"to": None, "template": "hello"}, InvalidInput, "to or userId is required"),
    ({"template": "hello"}, InvalidInput, "^to or userId is required$"),
    ({"userId": "nobody", "template": "hello"}, NotFound, "^No resolvable email for recipient$"),
    ({"to": "a@example.com", "template": "gone"}, InvalidInput, "^Unknown template: gone$"),
    (
        {"to": "a@example.com", "template": "hello", "list": "x"},
        InvalidInput,
        "^Unknown category: x",
    ),
    ({"to": "a@example.com"}, InvalidInput, "template is required"),
    ({"to": "a@example.com", "subject": "x"}, InvalidInput, "template is required"),
    ({"to": "a@example.com", "html": "x"}, InvalidInput, "subject is required"),
    ({"to": "a@example.com", "subject": "\n", "text": "x"}, InvalidInput, "subject is required"),
    ({"to": "a@example.com", "template": "hello", "text": "x"}, InvalidInput, "together"),
    ({"to": "a b@example.com", "template": "hello"}, InvalidInput, "to: must be an email"),
    ({"to": "a@example.com", "template": "hello", "cc": ["x"]}, InvalidInput, "cc.0"),
    (
        {"to": "a@example.com", "template": "hello", "bcc": "a@example.com\r\nTo: x@example.com"},
        InvalidInput,
        "bcc.0: has a line break",
    ),
    (
        {"to": "a@example.com", "template": "hello", "headers": {"X-A": "1\r\nBcc: e@example.com"}},
        InvalidInput,
        "'X-A' has a line break",
    ),
    (
        {"to": "a@example.com", "template": "hello", "headers": {"X-A: 1\r\nBcc": "e@example.com"}},
        InvalidInput,
        "not the name of a header",
    ),
    *(
        (
            {"to": "a@example.com", "template": "hello", "headers": {name: "x"}},
            InvalidInput,
            f"'{name}' is set by Hogsend",
        )
        for name in ("BCC", "List-Unsubscribe", "content-type", "DKIM-Signature", "Resent-To")
    ),
    (
        {"to": "a@example.com", "template": "hello", "headers": {"X-A": "1", "x-a": "2"}},
        InvalidInput,
        "names a header twice",
    ),
    (
        {
            "to": "a@example.com",
            "template": "hello",
            "attachments": [{"filename": "a", "content": "é"}],
        },
        InvalidInput,
        "attachments.0.content must be base64",
    ),
    (
        {
            "to": "a@example.com",
            "template": "hello",
            "attachments": [{"filename": "a\r\nb", "content": ""}],
        },
        InvalidInput,
        "line break",
    ),
    (
        {"to": "a@example.com", "template": "hello", "sensitiveProps": ["token"]},
        InvalidInput,
        "sensitiveProps names 'token'",
    ),
    (
        {"to": "a@example.com", "template": "hello", "props": {"a": "x" * 65_536}},
        TooLarge,
        "props have",
    ),
    (
        {"to": "a@example.com", "template": "hello", "skipPreferenceCheck": True},
        Forbidden,
        "^skipPreferenceCheck requires a full-admin key$",
    ),
    (
        {"to": "a@example.com", "template": "hello", "sendAt": "2026-05-05T12:00"},
        InvalidInput,
        "zone",
    ),
]


async def test_what_cannot_be_sent_is_refused_and_leaves_nothing_behind(
    harness: MailerHarness,
) -> None:
    for body, error, message in REFUSED:
        with pytest.raises(error, match=message):
            await send(harness, **body)

    for table in ("sends", "contacts", "direct_mails", "attachments", "audit"):
        assert await harness.site.fetch_value(f"SELECT COUNT(*) FROM {table}") == 0  # noqa: S608


async def make_private(harness: MailerHarness, **body: Any) -> Send:
    props = {"name": "Ada", "token": TOKEN, "code": 918273}
    request = {"to": "ada@example.com", "template": "reset", "props": props}
    answer = await send(harness, **{**request, "sensitiveProps": ["token", "code"], **body})
    return answer.send


async def test_sensitive_values_reach_the_recipient_and_are_kept_nowhere(
    harness: MailerHarness,
) -> None:
    harness.script(refuse(TryLater(f"451 try later: https://example.com/reset?token={TOKEN}")))
    row = await make_private(harness)
    await harness.wait_for_status(row.id, "queued", tries=1)
    assert TOKEN in await dump(harness)
    detail = await get_send(harness.site.runtime, COMMAND_LINE, row.id)
    assert TOKEN not in repr(detail) and "918273" not in repr(detail)

    await harness.pass_time(timedelta(hours=1))
    sent = await harness.wait_for_status(row.id, "sent")

    (mail,) = harness.provider.accepted
    assert f'href="https://example.com/reset?token={TOKEN}"' in mail.html and not mail.links
    assert mail.subject == "Reset it, Ada 918273"
    kept = await dump(harness)
    assert TOKEN not in kept and "918273" not in kept
    assert "Reset it, Ada •••" in kept and "reset?token=•••" in kept
    assert sent.props == {"name": "Ada", "token": "•••", "code": "•••"}
    with pytest.raises(Conflict, match="no longer stored"):
        await resend(harness.site.runtime, COMMAND_LINE, row.id)


async def test_sensitive_values_are_kept_nowhere_else_either(harness: MailerHarness) -> None:
    nested = {"name": "Ada", "token": {"SECRET-NAME": [TOKEN]}, "code": 918273}
    repeated = {"more": [{"see": f"https://example.com/{TOKEN}"}], "flag": True, "plain": "x"}
    row = await make_private(harness, props={**nested, **repeated})
    assert row.props == {
        "name": "Ada", "token": "•••", "code": "•••", "more": "•••", "flag": True, "plain": "x"
    }  # fmt: skip
    await harness.wait_for_status(row.id, "sent")
    assert TOKEN in harness.provider.accepted[-1].html
    # The template gets the value from somewhere else.
    edit(harness, "reset", RESET + "{{ contact.properties.last_token }}")
    await harness.write(
        Write("UPDATE contacts SET properties = ?", [(json.dumps({"last_token": TOKEN}),)])
    )
    other = await make_private(harness)
    await harness.wait_for_status(other.id, "sent")
    await harness.write(Write("UPDATE contacts SET properties = '{}'", [()]))
    kept = await dump(harness)
    assert TOKEN not in kept and "918273" not in kept and "SECRET-NAME" not in kept


async def test_however_an_email_ends_its_sensitive_values_go(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    at = (harness.site.clock.now() + timedelta(hours=1)).isoformat()
    cancelled, suppressed, stopped = [
        await make_private(harness, to=f"{name}@example.com", sendAt=at) for name in ("c", "s", "x")
    ]
    harness.script(
        refuse(Rejected(f"550 5.1.1 no {TOKEN}", "hard_bounce")),
        break_off(InDoubt(f"lost {TOKEN}")),
    )
    bounced = await make_private(harness, to="gone@example.com")
    await harness.wait_for_status(bounced.id, "bounced")
    await harness.wait_for_status((await make_private(harness)).id, "in_doubt")
    edit(harness, "reset", RESET + "{{ props.token + 1 }}")
    blocked = await harness.wait_for_status((await make_private(harness)).id, "blocked")
    assert TOKEN in await dump(harness) and TOKEN not in (blocked.reason or "")

    await cancel_send(runtime, COMMAND_LINE, blocked.id)
    await cancel_send(runtime, COMMAND_LINE, cancelled.id)
    await harness.write(Write("UPDATE sends SET status = 'sending' WHERE id = ?", [(stopped.id,)]))
    await create_mailer(harness.site, harness.provider).recover()
    await suppress(harness, "s@example.com")
    await harness.pass_time(timedelta(hours=1))
    await harness.wait_for_status(suppressed.id, "suppressed")

    kept = await dump(harness)
    assert TOKEN not in kept and "918273" not in kept


async def test_a_subject_of_its_own_is_kept_without_sensitive_values(
    harness: MailerHarness,
) -> None:
    row = await make_private(harness, subject=f"Use {TOKEN}", idempotencyKey="reset-1")
    assert row.subject == "Use •••"
    sent = await harness.wait_for_status(row.id, "sent")

    assert [mail.subject for mail in harness.provider.accepted] == [f"Use {TOKEN}"]
    assert sent.subject == "Use •••" and TOKEN not in await dump(harness)
    # A short code could be found with the digest of the request that has it.
    (digest,) = await harness.site.rows("SELECT digest FROM direct_mails")
    assert digest == (b"",)
    again = await send(harness, to="x@example.com", template="hello", idempotencyKey="reset-1")
    assert (again.send.id, again.conflict) == (row.id, False)


async def test_files_that_contain_messages_are_attached_as_files(harness: MailerHarness) -> None:
    content = base64.b64encode(b"From: a@example.com").decode()
    files = [
        {"filename": "a.eml", "content": content},
        {"filename": "b", "content": content, "contentType": "Multipart/mixed"},
    ]
    mail = await deliver(harness, to="a@example.com", subject="s", text="t", attachments=files)
    assert {file.content_type for file in mail.attachments} == {"application/octet-stream"}


async def test_content_that_is_not_kept_is_stored_until_it_has_left(
    harness: MailerHarness,
) -> None:
    private: dict[str, Any] = {
        "subject": f"Code {TOKEN}",
        "html": f'<a href="https://x.example/{TOKEN}">x</a>',
    }
    file = {"filename": "a.txt", "content": base64.b64encode(TOKEN.encode()).decode()}
    answer = await send(
        harness,
        to="ada@example.com",
        keepContent=False,
        attachments=[file],
        headers={"X-Ref": TOKEN},
        replyTo=f"{TOKEN}@example.com",
        **private,
    )
    template = await send(
        harness,
        to="bo@example.com",
        keepContent=False,
        template="hello",
        subject=TOKEN,
        props={"code": TOKEN},
    )
    await suppress(harness, "gone@example.com")
    gone: dict[str, Any] = {"to": "gone@example.com", "template": "hello"}
    refused = await send(harness, keepContent=False, props={"code": TOKEN}, **gone)
    await harness.wait_for_status(answer.send.id, "sent")
    await harness.wait_for_status(template.send.id, "sent")
    assert refused.status == "suppressed"

    subjects = sorted(mail.subject for mail in harness.provider.accepted)
    assert subjects == [f"Code {TOKEN}", TOKEN]
    assert TOKEN not in await dump(harness)
    detail = await get_send(harness.site.runtime, COMMAND_LINE, answer.send.id)
    assert detail.send.subject == "(content not kept)" and detail.attachments == []


async def test_a_resend_has_the_files_and_the_copies(harness: MailerHarness) -> None:
    file = {"filename": "a.txt", "content": base64.b64encode(b"abc").decode()}
    body: dict[str, Any] = {"subject": "Bill", "html": "<p>Bill</p>", "headers": {"X-A": "1"}}
    first = await deliver(
        harness, to="ada@example.com", cc="bo@example.com", attachments=[file], **body
    )
    runtime, (row,) = harness.site.runtime, await harness.site.sends()

    new = await resend(runtime, COMMAND_LINE, row.id)

    await harness.wait_for_status(new, "sent")
    again = harness.provider.accepted[-1]
    assert (again.recipients, again.headers, again.attachments, again.subject) == (
        first.recipients,
        first.headers,
        first.attachments,
        first.subject,
    )
    assert again.message_id != first.message_id
    retention = Retention(
        runtime.database, runtime.clock, RetentionPolicy.from_settings(runtime.settings)
    )
    harness.site.clock.set(harness.site.clock.now() + timedelta(days=31))
    removed = await retention.apply()
    assert (removed["attachments"], removed["requests of direct emails"]) == (2, 2)
    with pytest.raises(Conflict, match="no longer stored"):
        await resend(runtime, COMMAND_LINE, row.id)


async def test_in_test_mode_nobody_else_gets_a_copy(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_harness(tmp_path, clock, database_url, TEST_TO="me@example.org") as harness:
        mail = await deliver(
            harness,
            to="ada@example.com",
            template="hello",
            cc="bo@example.com",
            bcc="cy@example.com",
        )

    assert mail.recipients == ["me@example.org"]
    assert mail.subject.startswith("[test to ada@example.com, cc bo@example.com, bcc cy@")
    assert b"Cc:" not in mail.mime_bytes


async def test_an_operator_resolves_emails_in_doubt(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    for was_sent, status in ((True, "sent"), (False, "failed")):
        harness.script(break_off(InDoubt("connection lost")))
        answer = await send(harness, to="ada@example.com", template="hello")
        await harness.wait_for_status(answer.send.id, "in_doubt")

        await resolve_doubt(runtime, COMMAND_LINE, answer.send.id, was_sent=was_sent)

        row = await harness.row(answer.send.id)
        assert row.status == status
        assert [attempt["outcome"] for attempt in row.attempts] == ["in_doubt", "resolved"]
        assert await harness.fetch_counter(f"sends/{status}") == 1
        with pytest.raises(Conflict, match="not in doubt"):
            await resolve_doubt(runtime, COMMAND_LINE, answer.send.id, was_sent=was_sent)
    assert await harness.fetch_counter("sends/in_doubt") == 0
