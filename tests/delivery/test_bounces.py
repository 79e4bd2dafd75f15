"""Mails that come to the return path are read for what they are, whatever they contain."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hogsend.delivery.feedback.reading import read_mail
from hogsend.delivery.feedback.report import Reading

CORPUS = Path(__file__).parent / "bounces"
FILES = sorted(CORPUS.rglob("*.eml"))


def label(reading: Reading) -> str:
    """Return the folder of the corpus that a mail belongs to."""
    return reading.reports[0].kind if reading.reports else reading.kind


def test_the_corpus_is_classified_as_labelled() -> None:
    wrong = {
        f"{file.parent.name}/{file.name}": got
        for file in FILES
        if (got := label(read_mail(file.read_bytes()))) != file.parent.name
    }

    assert len(FILES) >= 60
    assert len(wrong) <= 0.02 * len(FILES), wrong
    # Nobody is suppressed by mistake.
    assert "hard" not in wrong.values()


@pytest.mark.parametrize(
    ("name", "recipient", "code"),
    [
        ("hard/postfix-unknown-user", "ada@example.com", "5.1.1"),
        ("hard/rfc6533-international", "ädä@example.com", "5.1.1"),
        ("hard/qmail-no-mailbox", "ada@example.com", "5.1.1"),
        ("hard/yahoo-free-text", "ada@yahoo.example", None),
        ("soft/status-in-base64", "ada@example.com", "5.2.2"),
        ("complaint/arf-abuse", "ada@example.com", None),
    ],
)
def test_recipient_and_code_are_read(name: str, recipient: str, code: str | None) -> None:
    (report,) = read_mail((CORPUS / f"{name}.eml").read_bytes()).reports

    assert (report.recipient, report.code) == (recipient, code)


def test_each_recipient_of_a_report_has_its_own_outcome() -> None:
    raw = (CORPUS / "hard/postfix-unknown-user.eml").read_bytes()
    second = b"Final-Recipient: rfc822; bo@example.com\nAction: delayed\nStatus: 4.4.1\n\n"
    raw = raw.replace(b"Final-Recipient:", second + b"Final-Recipient:", 1)

    reports = read_mail(raw).reports

    assert [(report.recipient, report.kind) for report in reports] == [
        ("bo@example.com", "delayed"),
        ("ada@example.com", "hard"),
    ]


DEEP = b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(3000)
)
STATUS = b"Content-Type: message/delivery-status\n\n"
HOSTILE = {
    "nothing": b"",
    "zeros": bytes(100_000),
    "every byte": bytes(range(256)) * 1000,
    "deep nesting": DEEP,
    "many parts": b'Content-Type: multipart/report; boundary="b"\n\n' + b"--b\n\nx\n" * 50_000,
    "rfc822 in rfc822": b"Content-Type: message/rfc822\n\n" * 3000,
    "long header": b"Subject: " + b"=?utf-8?B?" * 60_000 + b"\n\n",
    "unknown charset": b"From: mailer-daemon@x\nContent-Type: text/plain; charset=\xff\n\n550 \xff",
    "encoded charset": b"From: =?nope?Q?=FF=GG?= <a@b>\nSubject: =?utf-8?B?!!!?=\n\n",
    "endless addresses": b"Subject: failure notice\n\n" + b"a" * 300_000 + b"@" * 300_000,
    "many recipients": STATUS + b"Final-Recipient: rfc822;a@b\nAction: failed\n\n" * 10_000,
    "escaped beyond Unicode": STATUS
    + b"Final-Recipient: utf-8; \\x{FFFFFF}\\x{D800}@b\nAction: failed",
    "huge numbers": STATUS
    + b"Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 5."
    + b"9" * 9999,
    "no value": STATUS + b":\n : \nAction\nFinal-Recipient:;;;\nAction: failed;\nStatus: x",
    "bytes in fields": STATUS
    + b"Final-Recipient: rfc822;\xff\0@b\nAction: failed\nDiagnostic-Code: smtp;\xff\0",
    "tags": b"From: postmaster@x\nContent-Type: text/html\n\n" + b"<" * 500_000,
    "a hundred megabytes": b"From: mailer-daemon@x\n\n" + b"550 no such user\n" * 6_000_000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_mails_are_read_quickly_and_harmlessly(raw: bytes) -> None:
    begun = time.thread_time()

    reading = read_mail(raw)

    assert time.thread_time() - begun < 1
    assert len(reading.reports) <= 50
    for report in reading.reports:
        # The texts can be stored.
        (report.recipient + report.reply).encode()
        assert "\0" not in report.reply + report.recipient
