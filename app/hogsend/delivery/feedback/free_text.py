"""Bounces that are written for people only, which old and unusual servers send."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message
from email.utils import parseaddr
from typing import Any

from .classification import classify_failure, find_code, says_delayed
from .delivery_status import read_status_text
from .mail_parts import read_body, read_header, to_line
from .report import MAX_ADDRESS, MailReport

_SENDERS = ("mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon", "mdaemon", "bounce")
_SUBJECTS = (
    "undeliver",
    "undelivered",
    "delivery fail",
    "failed delivery",
    "delivery status",
    "delivery notification",
    "delivery report",
    "delivery problem",
    "delivery error",
    "delivery has failed",
    "failure notice",
    "failure notification",
    "mail delivery",
    "mail failure",
    "mail system error",
    "returned mail",
    "returned to sender",
    "could not be delivered",
    "non remis",
    "non delivery",
    "non-delivery",
    "nondeliverable",
    "not delivered",
    "unzustellbar",
    "nicht zustellbar",
    "nicht zugestellt",
    "no se puede entregar",
    "no entregado",
    "mensaje no entregado",
    "non recapitabile",
    "mancato recapito",
    "onbestelbaar",
    "não entregue",
    "falha na entrega",
    "недоставлен",
    "не доставлен",
    "退信",
    "warning: message",
    "message delayed",
    "delayed mail",
    "user unknown",
    "mailbox full",
    "delivery delayed",
    "rejected:",
    "considered unsolicited",
)
# What follows is the mail that is returned, whose words say nothing about its delivery.
_RETURNED = (
    "--- below this line is a copy",
    "------ this is a copy of",
    "----- original message",
    "-----original message",
    "--- original message",
    "---- unsent message below",
    "--- returned message",
    "----- message header follows",
    "--- the header of the original",
    "original message follows",
    "original message headers",
    "message header:",
    "received: from",
    "received: by",
    "return-path:",
    "begin message header",
    "the following message headers",
)
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_MAX_REPLY = 500

# The library logs each of its steps.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)


def is_from_server(mail: Message) -> bool:
    """Return whether a mail looks like one of a mail server: by its sender or its subject."""
    if read_header(mail, "Return-Path") == "<>":
        return True
    name, address = parseaddr(read_header(mail, "From"))
    sender = f"{name} {address}".lower()
    if any(part in sender for part in _SENDERS) or "mail delivery" in sender:
        return True
    subject = read_header(mail, "Subject").lower()
    return any(phrase in subject for phrase in _SUBJECTS)


def read_free_text(mail: Message) -> list[MailReport]:
    """Read a bounce without fields; nothing if it says nothing of a delivery."""
    subject, body = read_header(mail, "Subject"), read_body(mail)
    reports = read_status_text(body, body)
    if reports:
        return reports
    words = cut_returned_mail(body)
    text = f"{subject}\n{words}"
    delayed, failed = _find_with_library(mail)
    recipient = _find_recipient(words, delayed | failed)
    code = find_code(text)
    shown = None if code is None else ".".join(map(str, code))
    reply = to_line(words)[:_MAX_REPLY]
    if says_delayed(text) or (delayed and not failed):
        return [MailReport("delayed", recipient, shown, reply)]
    kind = classify_failure(None, text)
    if kind is None and failed:
        kind = "refused"
    return [] if kind is None else [MailReport(kind, recipient, shown, reply)]


def cut_returned_mail(body: str) -> str:
    """Return the words before the mail that is returned in a text."""
    lowered = body.lower()
    ends = [end for marker in _RETURNED if (end := lowered.find(marker)) > 0]
    return body[: min(ends, default=len(body))][:8192]


def _find_with_library(mail: Message) -> tuple[set[str], set[str]]:
    """Return the addresses whose delivery is delayed and has failed, as flufl.bounce reads it."""
    from flufl import bounce

    library: Any = bounce
    try:
        delayed, failed = library.all_failures(mail)
        return _to_texts(delayed), _to_texts(failed)
    except Exception:
        # The library trusts that a mail is well formed.
        return set(), set()


def _to_texts(addresses: Iterable[bytes | str]) -> set[str]:
    return {
        address.decode("utf-8", "replace") if isinstance(address, bytes) else address
        for address in addresses
    }


def _find_recipient(words: str, by_library: set[str]) -> str:
    if by_library:
        return to_line(min(by_library)[:MAX_ADDRESS])
    match = _ADDRESS.search(words)
    return match[0] if match else ""
