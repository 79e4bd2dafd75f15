"""What a negative reply of a server means for the mail and its recipient."""

from __future__ import annotations

import pytest

from hogsend.delivery.providers.port import ProviderStopped, Rejected, TryLater
from hogsend.delivery.providers.smtp_replies import build_error, parse_queue_id

TEMPORARY_ERRORS = [
    (421, "4.3.2 System shutting down"),
    (421, "closing"),
    (450, "4.2.1 Greylisted"),
    (450, "mailbox busy"),
    (451, "4.7.1 Try again in five minutes"),
    (451, "local error"),
    (452, "4.3.1 Insufficient system storage"),
    (454, "4.7.0 Temporary authentication failure"),
    (432, "4.7.12 A password transition is needed"),
    (354, "unexpected"),
    (220, "unexpected"),
]
FULL_MAILBOXES = [
    (452, "4.2.2 The mailbox is over quota"),
    (452, "mailbox full"),
    (450, "4.2.2 over quota"),
]
INVALID_RECIPIENTS = [
    (550, "5.1.1 User unknown"),
    (550, "5.1.2 No such domain"),
    (553, "5.1.3 Bad address syntax"),
    (551, "5.1.6 Mailbox has moved"),
    (556, "5.1.10 The domain has a null MX"),
    (550, "5.2.1 The account is disabled"),
    (550, "5.1.1 <ada@example.com>: Recipient address rejected\n5.1.1 see http://example.com/"),
    (550, "#5.1.1 Unknown"),
]
POLICY_REFUSALS = [
    (550, "5.7.1 Relaying denied"),
    (550, "5.7.26 Unauthenticated sender"),
    (550, "5.7.515 Access denied"),
    (554, "5.7.0 Blocked"),
]
CONTENT_REFUSALS = [
    (552, "5.2.3 Message too long"),
    (552, "5.3.4 Message too big"),
    (554, "5.6.0 Bad content"),
    (554, "5.6.7 SMTPUTF8 needed"),
    (550, "5.2.2 Mailbox full"),
    (550, "User unknown"),
    (554, "Transaction failed"),
    (500, "5.5.2 What"),
    (550, "5.1.1x is no status code"),
    (550, "4.7.1 A code of another class is not believed"),
    (550, "It said 5.1.1 somewhere"),
]
REFUSED_CREDENTIALS = [
    (530, "5.7.0 Authentication required"),
    (535, "5.7.8 Wrong password"),
    (534, "5.7.9 Too weak"),
    (538, "5.7.11 Encryption required"),
]


@pytest.mark.parametrize(("code", "text"), TEMPORARY_ERRORS)
def test_a_temporary_error_is_tried_later(code: int, text: str) -> None:
    error = build_error(code, text)

    assert isinstance(error, TryLater)
    assert not error.soft_bounce


@pytest.mark.parametrize(("code", "text"), FULL_MAILBOXES)
def test_a_full_mailbox_is_a_soft_bounce(code: int, text: str) -> None:
    error = build_error(code, text)

    assert isinstance(error, TryLater)
    assert error.soft_bounce


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [(*reply, "hard_bounce") for reply in INVALID_RECIPIENTS]
    + [(*reply, "policy") for reply in POLICY_REFUSALS]
    + [(*reply, "content") for reply in CONTENT_REFUSALS],
)
def test_a_permanent_error_blames_the_right_side(code: int, text: str, kind: str) -> None:
    error = build_error(code, text)

    assert isinstance(error, Rejected)
    assert error.kind == kind


@pytest.mark.parametrize(("code", "text"), REFUSED_CREDENTIALS)
def test_refused_credentials_stop_the_provider(code: int, text: str) -> None:
    assert isinstance(build_error(code, text), ProviderStopped)


@pytest.mark.parametrize("reply", [*INVALID_RECIPIENTS, (550, "5.1.8 Bad sender domain")])
def test_a_refused_sender_never_bounces_the_recipient(reply: tuple[int, str]) -> None:
    error = build_error(*reply, to_sender=True)

    assert isinstance(error, Rejected)
    assert error.kind == "policy"


def test_a_full_mailbox_of_the_sender_is_not_a_soft_bounce() -> None:
    error = build_error(452, "4.2.2 over quota", to_sender=True)

    assert isinstance(error, TryLater)
    assert not error.soft_bounce


def test_a_reply_becomes_one_line_that_can_be_stored() -> None:
    assert build_error(550, "5.1.1 No\n5.1.1  such\tuser").reply == "550 5.1.1 No 5.1.1 such user"
    assert build_error(550, "caf\udce9").reply == "550 caf?"
    assert "\x00" not in build_error(550, "a\x00b").reply
    assert len(build_error(550, "x" * 5000).reply) == 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.0.0 Ok: queued as 4bD3Yq0kzVz1rT", "4bD3Yq0kzVz1rT"),
        ("OK id=1tMcXk-000000001Ab-2CdE", "1tMcXk-000000001Ab-2CdE"),
        ("Ok 0102018f3c1d-aaaa-bbbb-000000", "0102018f3c1d-aaaa-bbbb-000000"),
        ("2.6.0 Ok, message saved <Message-ID: x>", None),
        ("2.0.0 Ok", None),
        ("Ok thanks for the mail", None),
        ("", None),
    ],
)
def test_the_servers_id_of_a_mail_is_read(text: str, expected: str | None) -> None:
    assert parse_queue_id(text) == expected
