"""Signatures, verified by dkimpy, and what they protect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from uuid import UUID

import dkim
import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from hogsend.delivery.dkim.private_keys import KeyPair
from hogsend.delivery.dkim.signature import canonicalize_body, sign_mail
from hogsend.delivery.message import Address, Attachment, Message
from tests.delivery.dkim.conftest import to_signing_key

pytestmark = pytest.mark.usefixtures("ed25519_in_dkimpy")

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LIST_HEADERS = (
    ("List-Unsubscribe", "<https://example.org/u/x>, <mailto:u@example.org>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("List-Id", "News <news.example.org>"),
    ("Feedback-ID", "hello:welcome:news:hogsend"),
    ("Precedence", "bulk"),
    ("Auto-Submitted", "auto-generated"),
)

Verify = Callable[[bytes], list[bool]]


def make_message(**fields: object) -> Message:
    values: dict[str, object] = {
        "send_id": UUID(int=7),
        "message_id": "<7@example.org>",
        "date": NOW,
        "from_": Address("ada@example.org", "Ada"),
        "to": (Address("bo@example.com", "Bo"),),
        "subject": "Hello",
        "html": "<p>Hello</p>\n",
        "text": "Hello\n",
        "reply_to": (Address("help@example.org"),),
        "headers": LIST_HEADERS,
        **fields,
    }
    return Message(**values)  # pyright: ignore[reportArgumentType]


MESSAGES = {
    "small": make_message(),
    "long lines": make_message(text="x" * 5000 + "\n", subject="word " * 60, html=""),
    "8-bit": make_message(
        subject="Grüße aus Zürich 👩‍👩‍👧‍👦" * 9,
        from_=Address("ada@example.org", "Ädä, Inc."),
        text="é\n",
    ),
    "spaces and tabs": make_message(text="  a \t b  \n\t\n c\n\n\n\n", html="<pre> \t </pre> \n"),
    "attachments": make_message(
        attachments=(Attachment("a.bin", "application/octet-stream", bytes(range(256)) * 50),)
    ),
    "empty": make_message(text="", html="", headers=(), reply_to=()),
}


@pytest.fixture
def sign(key_pairs: tuple[KeyPair, KeyPair]) -> Callable[[bytes], bytes]:
    """Sign with both algorithms."""
    keys = [to_signing_key(pair) for pair in key_pairs]
    return lambda content: sign_mail(content, keys, 1_772_442_000)


@pytest.fixture
def verify(key_pairs: tuple[KeyPair, KeyPair]) -> Verify:
    """Verify each signature of a mail."""
    records = {
        f"s-{pair.algorithm}._domainkey.example.org.".encode(): (
            f"v=DKIM1; k={pair.algorithm}; p={pair.public_key}"
        ).encode()
        for pair in key_pairs
    }

    def run(content: bytes) -> list[bool]:
        return [_is_valid(content, index, records) for index in range(2)]

    return run


def _is_valid(content: bytes, index: int, records: Mapping[bytes, bytes]) -> bool:
    try:
        return dkim.DKIM(content).verify(index, dnsfunc=lambda name, timeout=5: records.get(name))
    except dkim.ValidationError:
        # The body has changed.
        return False


@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_both_signatures_of_every_shape_of_mail_are_valid(
    message: Message, sign: Callable[[bytes], bytes], verify: Verify
) -> None:
    signed = sign(message.mime_bytes)

    assert verify(signed) == [True, True]
    assert signed.endswith(message.mime_bytes)
    head = signed.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.partition(b"\r\nFrom:")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize("header", [name for name, _ in LIST_HEADERS] + ["From", "To", "Subject"])
def test_a_header_that_is_changed_removed_or_added_breaks_the_signature(
    header: str, sign: Callable[[bytes], bytes], verify: Verify
) -> None:
    signed = sign(make_message().mime_bytes)
    line = next(line for line in signed.split(b"\r\n") if line.startswith(f"{header}:".encode()))

    assert verify(signed.replace(line, line + b"x")) == [False, False]
    assert verify(signed.replace(line + b"\r\n", b"")) == [False, False]
    if header in ("From", "To", "Subject"):
        added = signed.replace(line, f"{header}: Eve <eve@example.net>\r\n".encode() + line)
        assert verify(added) == [False, False]


def test_a_relay_may_fold_headers_and_add_its_own(
    sign: Callable[[bytes], bytes], verify: Verify
) -> None:
    signed = sign(make_message(subject="a subject of several words").mime_bytes)
    folded = signed.replace(b"several words", b"several\r\n\twords")

    assert verify(b"Received: from a by b\r\nX-Spam: no\r\n" + folded) == [True, True]


def test_a_changed_body_breaks_the_signature(
    sign: Callable[[bytes], bytes], verify: Verify
) -> None:
    signed = sign(make_message().mime_bytes)

    assert verify(signed.replace(b"<p>Hello", b"<p>Hallo")) == [False, False]


def test_a_signature_covers_what_providers_ask_for(sign: Callable[[bytes], bytes]) -> None:
    mail = message_from_bytes(sign(make_message(cc=(Address("c@example.com"),)).mime_bytes))

    for signature in mail.get_all("DKIM-Signature", []):
        tags = dict(tag.strip().split("=", 1) for tag in "".join(signature.split()).split(";"))
        signed = tags["h"].split(":")
        expected = {name.lower() for name in mail.keys()} - {"dkim-signature"}  # noqa: SIM118
        assert expected <= set(signed)
        assert signed.count("from") == signed.count("subject") == 2
        assert (tags["c"], tags["d"], tags["t"]) == ("relaxed/relaxed", "example.org", "1772442000")
    assert [pair["a"] for pair in map(_read_tags, mail.get_all("DKIM-Signature", []))] == [
        "rsa-sha256",
        "ed25519-sha256",
    ]


def _read_tags(signature: str) -> dict[str, str]:
    return dict(tag.strip().split("=", 1) for tag in "".join(signature.split()).split(";"))


@given(st.text(" \ta\n", max_size=60))
def test_bodies_are_canonicalized_as_dkimpy_does(text: str) -> None:
    body = text.replace("\n", "\r\n").encode()

    assert canonicalize_body(body) == _canonicalize_with_dkimpy(body)


def _canonicalize_with_dkimpy(body: bytes) -> bytes:
    canonical = Relaxed.canonicalize_body(body)
    # RFC 6376 §3.4.4: an empty body has no line, and neither has one of empty lines only.
    return b"" if not canonical.strip(b"\r\n") else canonical
