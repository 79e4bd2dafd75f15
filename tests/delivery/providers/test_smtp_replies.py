"""What a negative reply of a server means for the mail and its recipient."""

from __future__ import annotations

import pytest

from hogsend.delivery.providers.port import ProviderStopped, Rejected, TryLater
from hogsend.delivery.providers.smtp_replies import Command, build_error, parse_queue_id

# What each reply means, as docs/sending-mail.md says: the command that it answers, the reply, and
# the class of the error with its kind. The enhanced code decides first, then the command.
LATER, THROTTLED, FULL, STOPPED = "later", "throttled", "full", "stopped"
REPLIES: list[tuple[Command, str, str]] = [
    # Temporary: the same attempt may succeed later.
    ("RCPT", "450 4.2.1 Greylisted", LATER),
    ("RCPT", "450 4.7.1 Greylisting in action, please come back later", LATER),
    ("RCPT", "451 4.7.1 <a@b.c>: Recipient address rejected: Greylisted", LATER),
    ("RCPT", "450 mailbox busy", LATER),
    ("content", "451 local error", LATER),
    ("RCPT", "452 4.3.1 Insufficient system storage", LATER),
    ("RCPT", "452 4.3.0 Insufficient system storage", LATER),
    ("RCPT", "452 4.5.3 Too many recipients", LATER),
    ("MAIL", "452 Insufficient system storage", LATER),
    ("RCPT", "454 4.7.0 Temporary authentication failure", LATER),
    ("MAIL", "432 4.7.12 A password transition is needed", LATER),
    ("DATA", "354 unexpected", LATER),
    ("RCPT", "220 unexpected", LATER),
    ("RCPT", "450 5.1.1 The three digits say whether to try again", LATER),
    # Less mail is asked for.
    ("RCPT", "421 4.3.2 System shutting down", THROTTLED),
    ("MAIL", "421 closing", THROTTLED),
    ("content", "421 4.7.28 Our system has detected an unusual rate of mail", THROTTLED),
    ("RCPT", "451 4.7.1 Try again in five minutes", THROTTLED),
    ("RCPT", "450 4.7.26 Unauthenticated, slowing down", THROTTLED),
    ("MAIL", "451 4.7.650 The mail server has been temporarily rate limited", THROTTLED),
    ("RCPT", "450 4.2.1 The user is receiving mail too quickly", THROTTLED),
    ("RCPT", "454 4.7.0 Too many messages, rate limit exceeded", THROTTLED),
    ("MAIL", "452 Too many connections from your host", THROTTLED),
    # The recipient's mailbox is full, however the server says it.
    ("RCPT", "452 4.2.2 The mailbox is over quota", FULL),
    ("RCPT", "452 mailbox full", FULL),
    ("content", "452 mailbox full", FULL),
    ("RCPT", "450 4.2.2 over quota", FULL),
    ("RCPT", "552 5.2.2 mailbox is over quota", FULL),
    ("content", "552 5.2.2 mailbox is over quota", FULL),
    ("RCPT", "550 5.2.2 Mailbox full", FULL),
    ("RCPT", "554 5.2.2 Mailbox full", FULL),
    ("RCPT", "552 over quota", FULL),
    ("RCPT", "552 Requested mail action aborted: exceeded storage allocation", FULL),
    ("content", "552 Requested mail action aborted: exceeded storage allocation", FULL),
    ("RCPT", "552 4.2.2 over quota", FULL),
    ("RCPT", "552 5.2.0 mailbox trouble", FULL),
    ("RCPT", "550 Mailbox full", FULL),
    ("RCPT", "550 The user's mailbox is over quota", FULL),
    ("RCPT", "550 5.2.0 Mailbox quota exceeded", FULL),
    ("RCPT", "550 5.2.2: Over quota", FULL),
    ("RCPT", "550 Exceeded the storage of this account", FULL),
    ("content", "554 delivery error: Sorry, this account is over quota", FULL),
    ("content", "554 The recipient's inbox is full. (#5.2.2)", FULL),
    # The address does not exist.
    ("RCPT", "550 5.1.1 User unknown", "hard_bounce"),
    ("RCPT", "550 5.1.2 No such domain", "hard_bounce"),
    ("RCPT", "553 5.1.3 Bad address syntax", "hard_bounce"),
    ("RCPT", "551 5.1.6 Mailbox has moved", "hard_bounce"),
    ("RCPT", "556 5.1.10 The domain has a null MX", "hard_bounce"),
    ("RCPT", "550 5.2.1 The account is disabled", "hard_bounce"),
    ("content", "550 5.1.1 User unknown", "hard_bounce"),
    ("RCPT", "550 5.1.1 <a@b.c>: Rejected\n5.1.1 see http://example.com/", "hard_bounce"),
    ("RCPT", "550 #5.1.1 Unknown", "hard_bounce"),
    ("RCPT", "550 5.1.0 Address rejected", "hard_bounce"),
    ("RCPT", "550 5.0.0 User unknown", "hard_bounce"),
    ("RCPT", "550 No such user here", "hard_bounce"),
    ("RCPT", "550 Requested action not taken: mailbox unavailable", "hard_bounce"),
    ("RCPT", "551 User not local", "hard_bounce"),
    ("RCPT", "553 Mailbox name not allowed", "hard_bounce"),
    ("RCPT", "556 Domain does not accept mail", "hard_bounce"),
    ("RCPT", "550 5.1.1x is no status code", "hard_bounce"),
    ("RCPT", "550 5.1.1: User unknown", "hard_bounce"),
    ("content", "554 Sorry, no mailbox here by that name. (#5.1.1)", "hard_bounce"),
    ("RCPT", "550 Unknown user, for the full list see example.com", "hard_bounce"),
    # The sender is at fault, so the recipient is never suppressed.
    ("RCPT", "550 5.7.1 Relaying denied", "policy"),
    ("content", "550 5.7.26 Unauthenticated sender", "policy"),
    ("RCPT", "550 5.7.515 Access denied", "policy"),
    ("RCPT", "554 5.7.0 Blocked", "policy"),
    ("RCPT", "550 4.7.1 Of the other class, and still about policy", "policy"),
    ("RCPT", "550 relay not permitted", "policy"),
    ("RCPT", "550 Rejected: 192.0.2.1 is listed at bl.example.com", "policy"),
    ("RCPT", "550 Message blocked, see our policy", "policy"),
    ("RCPT", "550 5.1.0 Sender denied by SPF", "policy"),
    ("RCPT", "554 No SMTP service here", "policy"),
    ("RCPT", "553 That domain is not in my list of allowed hosts (#5.7.1)", "policy"),
    ("RCPT", "550 [5.7.1] Rejected", "policy"),
    ("RCPT", "550 5.7.1: Rejected", "policy"),
    ("RCPT", "550 5.1.8 Bad sender domain", "policy"),
    ("RCPT", "550 5.1.7 Bad sender address", "policy"),
    ("MAIL", "550 5.1.8 Bad sender domain", "policy"),
    ("MAIL", "550 5.1.1 User unknown", "policy"),
    ("MAIL", "550 Sender rejected", "policy"),
    ("MAIL", "553 Sender address rejected", "policy"),
    ("MAIL", "550 5.2.2 The mailbox of the sender is full", "policy"),
    ("content", "552 5.7.0 Blocked for its attachment", "policy"),
    ("content", "550 Rejected for policy reasons", "policy"),
    # This mail is at fault.
    ("content", "552 5.2.3 Message too long", "content"),
    ("MAIL", "552 5.3.4 Message too big", "content"),
    ("content", "554 5.6.0 Bad content", "content"),
    ("content", "554 5.6.7 SMTPUTF8 needed", "content"),
    ("MAIL", "552 message size exceeds fixed maximum message size", "content"),
    ("content", "552 message size exceeds fixed maximum message size", "content"),
    ("content", "554 Transaction failed", "content"),
    # Anything else is named a refusal, and nobody is blamed.
    ("RCPT", "500 5.5.2 What", "refused"),
    ("RCPT", "500 What", "refused"),
    ("RCPT", "550 5.4.6 Routing loop", "refused"),
    ("RCPT", "550 5.3.2 System not accepting mail", "refused"),
    ("DATA", "554 No valid recipients", "refused"),
    ("MAIL", "555 Parameter not recognized", "refused"),
    # Nothing can be sent until an operator acts.
    ("MAIL", "530 5.7.0 Authentication required", STOPPED),
    ("MAIL", "530 5.5.1 Authentication required", STOPPED),
    ("RCPT", "535 5.7.8 Wrong password", STOPPED),
    ("MAIL", "535 Wrong password", STOPPED),
    ("MAIL", "534 5.7.9 Too weak", STOPPED),
    ("MAIL", "538 5.7.11 Encryption required", STOPPED),
]


@pytest.mark.parametrize(("command", "reply", "meaning"), REPLIES)
def test_a_reply_is_labelled_with_what_it_means(command: Command, reply: str, meaning: str) -> None:
    error = build_error(int(reply[:3]), reply[4:], command)

    match error:
        case TryLater():
            throttled = THROTTLED if error.throttled else LATER
            assert meaning == (FULL if error.soft_bounce else throttled)
            assert not (error.soft_bounce and error.throttled)
        case Rejected():
            assert meaning == error.kind
        case _:
            assert isinstance(error, ProviderStopped)
            assert meaning == STOPPED


@pytest.mark.parametrize(
    "reply", [reply for _, reply, meaning in REPLIES if meaning in ("hard_bounce", FULL)]
)
def test_a_refused_sender_never_bounces_the_recipient(reply: str) -> None:
    error = build_error(int(reply[:3]), reply[4:], "MAIL")

    assert not isinstance(error, Rejected) or error.kind != "hard_bounce"
    assert not isinstance(error, TryLater) or not error.soft_bounce


def test_a_reply_becomes_one_line_that_can_be_stored() -> None:
    assert (
        build_error(550, "5.1.1 No\n5.1.1  such\tuser", "RCPT").reply
        == "550 5.1.1 No 5.1.1 such user"
    )
    assert build_error(550, "caf\udce9", "RCPT").reply == "550 caf?"
    assert "\x00" not in build_error(550, "a\x00b", "RCPT").reply
    assert len(build_error(550, "x" * 5000, "RCPT").reply) == 1000


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
