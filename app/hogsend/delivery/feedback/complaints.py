"""Complaints of recipients who call a mail spam (RFC 5965), also as Microsoft sends them."""

from __future__ import annotations

from email.message import Message
from email.utils import parseaddr

from .mail_parts import (
    list_children,
    list_parts,
    parse_fields,
    read_fields_text,
    read_header,
    to_line,
)
from .report import MAX_ADDRESS, MailReport

_TYPE = "message/feedback-report"
# `auth-failure` is a report about DMARC (RFC 6591), and `not-spam` praise.
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "opt-out", "opt-out-list", "other"})
_MICROSOFT = "x-hmxmroriginalrecipient"


def read_complaint(mail: Message) -> list[MailReport] | None:
    """Read a complaint.

    Returns:
        What it says; an empty list for a report that is no complaint; None if the mail is no report
        of this form.
    """
    for part in list_parts(mail):
        if part.get_content_type() == _TYPE:
            return _read_fields(read_fields_text(part))
    return _read_microsoft(mail)


def _read_fields(text: str) -> list[MailReport]:
    fields: dict[str, str] = {}
    for group in parse_fields(text):
        fields.update(group)
    kind = fields.get("feedback-type", "").strip().lower()
    if kind not in _COMPLAINTS:
        return []
    recipient = fields.get("original-rcpt-to") or fields.get("removal-recipient") or ""
    return [_build_report(recipient, f"feedback loop: {kind}")]


def _read_microsoft(mail: Message) -> list[MailReport] | None:
    for part in list_parts(mail):
        if part.get_content_type() != "message/rfc822":
            continue
        for original in list_children(part):
            if original.get(_MICROSOFT):
                return [_build_report(read_header(original, _MICROSOFT), "feedback loop: abuse")]
    return None


def _build_report(recipient: str, reply: str) -> MailReport:
    address = parseaddr(recipient.removeprefix("rfc822;"))[1]
    return MailReport(
        "complaint", to_line(address[:MAX_ADDRESS]) if "@" in address else "", None, reply
    )
