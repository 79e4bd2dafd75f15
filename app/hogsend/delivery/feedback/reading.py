"""Reads a mail that came to the return path: a bounce, a complaint, an automatic reply."""

from __future__ import annotations

from email.message import Message

from .auto_replies import is_auto_reply, is_receipt
from .complaints import read_complaint
from .delivery_status import read_delivery_status
from .free_text import is_from_server, read_free_text
from .mail_parts import parse_mail, read_header
from .report import AUTO_REPLY, OTHER, Reading


def read_mail(raw: bytes) -> Reading:
    """Read a mail of a stranger, whatever it is.

    Args:
        raw: the mail; what comes after the first megabyte is not read.
    """
    mail = parse_mail(raw)
    if mail is None:
        return OTHER
    status = read_delivery_status(mail)
    if status is not None:
        return Reading("bounce", status) if status else OTHER
    complaint = read_complaint(mail)
    if complaint is not None:
        return Reading("complaint", complaint) if complaint else OTHER
    return _read_unmarked(mail)


def _read_unmarked(mail: Message) -> Reading:
    """Read a mail that says in no part of its own what it is."""
    is_automatic = is_receipt(mail) or is_auto_reply(mail)
    is_candidate = not is_automatic or _is_server_bounce(read_header(mail, "From"))
    if is_candidate and not is_receipt(mail) and is_from_server(mail):
        reports = read_free_text(mail)
        if reports:
            return Reading("bounce", reports)
    return AUTO_REPLY if is_automatic else OTHER


def _is_server_bounce(sender: str) -> bool:
    """Return whether a mail with the marks of an automatic reply comes from a mail server."""
    lowered = sender.lower()
    return "mailer-daemon" in lowered or "postmaster" in lowered or "mail delivery" in lowered
