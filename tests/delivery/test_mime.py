"""The headers of mails, as a mail program reads them."""

from __future__ import annotations

from email import message_from_string
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from hogsend.delivery.mime import encode_header_text, format_mailbox

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
