"""Reads the events of Amazon SES, as notifications and as published events.

From the SES Developer Guide: Amazon SNS notification contents, Contents of event data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from .api_provider import SEND_TAG
from .port import Feedback, FeedbackKind
from .smtp_replies import classify
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
# Events of mails that Amazon gave up by itself, and the object that tells the details.
_REJECTIONS: Mapping[str, str] = {"Reject": "reject", "Rendering Failure": "failure"}
# Bounces that are about the content.
_ABOUT_CONTENT = frozenset(["ContentRejected", "AttachmentRejected", "MessageTooLarge"])
# What a mail server says about the sender or the content of a mail.
_REFUSED_SENDER = frozenset(["policy", "content"])


def read_event(event: Mapping[str, Any]) -> Sequence[Feedback]:
    """Return the reports of an event, one for each recipient."""
    name = read_text(event.get("eventType") or event.get("notificationType"))
    if name in _REJECTIONS:
        return _read_rejection(name, event)
    if name not in _PARTS:
        return ()
    part, list_name = _PARTS[name]
    details, mail = event[part], event["mail"]
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
                send_id=_read_send(mail),
                provider_id=read_text(mail["messageId"]),
                event_id=read_text(f"{name}:{event_id}:{email}", 900),
                reply=reply or _describe(details),
                code=read_text(fields.get("status"), 20) or read_code(reply),
            )
        )
    return reports


def _read_rejection(name: str, event: Mapping[str, Any]) -> Sequence[Feedback]:
    """Return the report of a mail that Amazon accepted and did not send to anybody."""
    mail, details = event["mail"], event[_REJECTIONS[name]]
    provider_id = read_text(mail["messageId"])
    return [
        Feedback(
            kind="rejected",
            at=read_iso_time(mail["timestamp"]),
            # The mail is meant, with all of its recipients.
            email="",
            send_id=_read_send(mail),
            provider_id=provider_id,
            event_id=f"{name}:{provider_id}",
            reply=read_text(details.get("reason") or details.get("errorMessage")),
        )
    ]


def _read_send(mail: Mapping[str, Any]) -> UUID | None:
    """Return the id of the send that a mail is tagged with."""
    all_tags: Mapping[str, Sequence[str]] = mail.get("tags") or {}
    tags = all_tags.get(SEND_TAG) or [""]
    return read_send_id(tags[0])


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
    if details.get("bounceSubType") in _ABOUT_CONTENT or _is_about_sender(recipient):
        return "rejected"
    return "hard_bounce" if details["bounceType"] == "Permanent" else "soft_bounce"


def _is_about_sender(recipient: Mapping[str, Any]) -> bool:
    """Return whether the reply of the mail server refuses the sender or the content."""
    kind, _, diagnostic = read_text(recipient.get("diagnosticCode")).partition(";")
    digits, words = diagnostic.strip()[:3], diagnostic.strip()[4:]
    if kind.strip().lower() != "smtp" or not (digits.isascii() and digits.isdigit()):
        return False
    return classify(int(digits), words, "RCPT") in _REFUSED_SENDER


def _describe(details: Mapping[str, Any]) -> str:
    return read_text(" ".join(str(details[name]) for name in _CLASSES if details.get(name)))
