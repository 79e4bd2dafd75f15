"""The headers of mails, as a mail program reads them."""

from __future__ import annotations

from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import cast
from uuid import UUID

import pytest

from hogsend.delivery.message import Attachment
from hogsend.delivery.mime import build_message, encode_header_text, format_mailbox

TEXTS = {
    "plain": "Ada",
    "quoted": 'Ada "A", <b@example.com>',
    "encoded": "=?utf-8?q?Eve?=",
    "nearly encoded": "Ada =?",
    "long letters": "ä" * 400,
    "long": "x y " * 1000 + "z",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_in_a_header_is_read_as_it_was_written(text: str):
    source = (
        f"From: {format_mailbox(text, 'ada@example.com')}\r\n"
        f"Subject: {encode_header_text(text)}\r\n\r\n"
    )
    mail = message_from_string(source)
    name, address = parseaddr(mail["From"])
    assert max(map(len, source.split("\r\n"))) <= 998
    assert str(make_header(decode_header(mail["Subject"]))) == text
    assert (str(make_header(decode_header(name))), address) == (text, "ada@example.com")


LOGO = Attachment("logo.png", "image/png", b"\x89PNG", "logo@hogsend")
BILL = Attachment("bill ä.pdf", "application/pdf", b"%PDF" * 100)
BODIES = ["text/plain", "text/html"]


def list_structure(mail: EmailMessage) -> list[object]:
    """Return the content types of a mail's parts, nested as they are."""
    kind = mail.get_content_type()
    if not mail.is_multipart():
        return [kind]
    parts = [list_structure(cast("EmailMessage", part)) for part in mail.iter_parts()]
    return [kind, [part[0] if len(part) == 1 else part for part in parts]]


ALTERNATIVE = "multipart/alternative"
SHOWN = ["multipart/related", ["text/html", "image/png"]]


@pytest.mark.parametrize(
    ("html", "files", "structure"),
    [
        (b"<p>\r\n", [], [ALTERNATIVE, BODIES]),
        (b"<p>\r\n", [LOGO], [ALTERNATIVE, ["text/plain", SHOWN]]),
        (b"<p>\r\n", [BILL], ["multipart/mixed", [[ALTERNATIVE, BODIES], "application/pdf"]]),
        (
            b"<p>\r\n",
            [LOGO, BILL],
            ["multipart/mixed", [[ALTERNATIVE, ["text/plain", SHOWN]], "application/pdf"]],
        ),
        (None, [], ["text/plain"]),
        (None, [LOGO, BILL], ["multipart/mixed", ["text/plain", "image/png", "application/pdf"]]),
    ],
)
def test_images_belong_to_the_html_and_files_to_the_whole_mail(
    html: bytes | None, files: list[Attachment], structure: list[object]
):
    source = build_message([("Subject", "Hi")], b"Hi\r\n", html, UUID(int=1), files)
    mail = cast("EmailMessage", message_from_bytes(source, policy=policy.default))
    assert list_structure(mail) == structure
    assert not [part for part in mail.walk() if part.defects]
    leaves = {part.get_filename(): part for part in mail.walk() if part.get_filename()}
    assert {name: leaf.get_content() for name, leaf in leaves.items()} == {
        file.filename: file.content for file in files
    }
    if html is not None and LOGO in files:
        assert leaves["logo.png"]["Content-ID"] == "<logo@hogsend>"
        assert leaves["logo.png"].get_content_disposition() == "inline"
