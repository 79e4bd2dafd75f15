"""Reads the events of Amazon SES, as notifications and as published events.

From the SES Developer Guide: Amazon SNS notification contents, Contents of event data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .api_provider import SEND_TAG
from .port import Feedback, FeedbackKind
from .webhook_reading import read_code, read_iso_time, read_send_id, read_text

# What a report about a mail is that is no complaint of a person.
_NO_COMPLAINT = frozenset(["not-spam", "auth-failure", "virus"])
_CLASSES = (
    *("bounceType", "bounceSubType", "complaintFeedbackType", "complaintSubType", "delayType"),
)
# The object that tells the details, and the list of recipients in it.
_PARTS: Mapping[str, tuple[str, str]] = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
}


def read_event(event: Mapping[str, Any]) -> Sequence[Feedback]:
    """Return the reports of an event, one for each recipient."""
    name = read_text(event.get("eventType") or event.get("notificationType"))
    if name not in _PARTS:
        return ()
    part, list_name = _PARTS[name]
    details, mail = event[part], event["mail"]
    all_tags: Mapping[str, Sequence[str]] = mail.get("tags") or {}
    tags = all_tags.get(SEND_TAG) or [""]
    reports: list[Feedback] = []
    for recipient in details[list_name]:
        fields: Mapping[str, Any] = (
            {"emailAddress": recipient} if isinstance(recipient, str) else recipient
        )
        kind = _classify(name, details, fields)
        if kind is None:
            continue
        reply = read_text(fields.get("diagnosticCode") or details.get("smtpResponse"))
        email = read_text(fields["emailAddress"])
        event_id = details.get("feedbackId") or f"{mail['messageId']}:{details['timestamp']}"
        reports.append(
            Feedback(
                kind=kind,
                at=read_iso_time(details["timestamp"]),
                email=email,
                send_id=read_send_id(tags[0]),
                provider_id=read_text(mail["messageId"]),
                event_id=read_text(f"{name}:{event_id}:{email}", 900),
                reply=reply or _describe(details),
                code=read_text(fields.get("status"), 20) or read_code(reply),
            )
        )
    return reports


def _classify(
    name: str, details: Mapping[str, Any], recipient: Mapping[str, Any]
) -> FeedbackKind | None:
    match name:
        case "Delivery":
            return "delivered"
        case "DeliveryDelay":
            return "delayed"
        case "Complaint":
            return None if details.get("complaintFeedbackType") in _NO_COMPLAINT else "complaint"
        case _:
            return _classify_bounce(details, recipient)


def _classify_bounce(
    details: Mapping[str, Any], recipient: Mapping[str, Any]
) -> FeedbackKind | None:
    """Classify a bounce; a report that the mail was not refused is no bounce (RFC 3464 §2.3.3)."""
    action = read_text(recipient.get("action")).lower()
    if action and action != "failed":
        return "delayed" if action == "delayed" else None
    return "hard_bounce" if details["bounceType"] == "Permanent" else "soft_bounce"


def _describe(details: Mapping[str, Any]) -> str:
    return read_text(" ".join(str(details[name]) for name in _CLASSES if details.get(name)))
