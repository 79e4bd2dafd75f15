"""Delivery reports of mail servers (RFC 3464, and RFC 6533 with addresses beyond ASCII)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message

from .classification import classify_failure, find_code, says_delayed
from .mail_parts import list_parts, parse_fields, read_body, read_fields_text, to_line
from .report import MAX_ADDRESS, MailReport

_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
# RFC 6533 §3: characters beyond ASCII in an address of the type `utf-8`.
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
_MAX_REPORTS = 50
_MAX_REPLY = 500
_LAST_CHARACTER = 0x10FFFF


def read_delivery_status(mail: Message) -> list[MailReport] | None:
    """Read a delivery report.

    Returns:
        What it says of each recipient: failed, delayed or delivered, not what only passed a server
        (`relayed`, `expanded`). None if the mail is no delivery report.
    """
    for part in list_parts(mail):
        if part.get_content_type() in _TYPES:
            return read_status_text(read_fields_text(part), read_body(mail))
    return None


def read_status_text(text: str, body: str) -> list[MailReport] | None:
    """Read the fields of a delivery report.

    Args:
        text: the fields.
        body: what the report says to people, for what the fields do not say.

    Returns:
        None if there are no fields of a delivery report.
    """
    groups = [group for group in parse_fields(text) if _is_about_recipient(group)]
    if not groups:
        return None
    reports = (_read_recipient(group, body) for group in groups[:_MAX_REPORTS])
    return [report for report in reports if report is not None]


def _is_about_recipient(group: Mapping[str, str]) -> bool:
    return ("action" in group or "status" in group) and (
        "final-recipient" in group or "original-recipient" in group or "action" in group
    )


def _read_recipient(group: Mapping[str, str], body: str) -> MailReport | None:
    match = _STATUS.search(group.get("status", ""))
    status = (int(match[1]), int(match[2]), int(match[3])) if match else None
    words = group.get("action", "").lower().split()
    action = words[0].strip(";,") if words else ""
    if action not in _ACTIONS:
        # Without an action, the class of the status says whether the server tries again.
        action = {4: "delayed", 5: "failed"}.get(status[0] if status else 0, "")
    recipient = _read_address(group.get("original-recipient", ""))
    recipient = recipient or _read_address(group.get("final-recipient", ""))
    reply = _read_diagnostic(group.get("diagnostic-code", ""))
    code = find_code(reply)
    if code is None or (not code[2] and status is not None):
        code = status
    shown = None if code is None else ".".join(map(str, code))
    if action == "failed":
        if not reply and status is None and says_delayed(body):
            return MailReport("delayed", recipient, shown, reply)
        kind = classify_failure(status, reply)
        if kind in (None, "refused"):
            kind = classify_failure(status, body[:4000]) or kind
        return MailReport(kind or "refused", recipient, shown, reply or _shorten(body))
    if action == "delayed" or action == "delivered":
        return MailReport(action, recipient, shown, reply)
    return None


def _read_address(field: str) -> str:
    """Return the address of a field such as `rfc822; ada@example.com`; empty if there is none."""
    kind, separator, address = field.partition(";")
    address = (address if separator else kind).strip().strip("<>").strip()
    if kind.strip().lower() == "utf-8":
        address = _ESCAPED.sub(_unescape, address)
    return to_line(address[:MAX_ADDRESS]) if "@" in address[:MAX_ADDRESS] else ""


def _unescape(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    is_character = number <= _LAST_CHARACTER and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else match[0]


def _read_diagnostic(field: str) -> str:
    kind, separator, text = field.partition(";")
    is_typed = bool(separator) and len(kind.split()) == 1
    return _shorten(text if is_typed else field)


def _shorten(text: str) -> str:
    return to_line(text[: 4 * _MAX_REPLY])[:_MAX_REPLY]
