"""Mails and values for those who may read but not act: without links that act for a recipient.

The unsubscribe link of a mail unsubscribes, and the sign-in link of a transactional mail signs in,
no matter who follows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from ..store.read_models.events import EventLine

MASK = "…"
# The paths of Hogsend's signed tokens, also escaped inside another URL.
_TOKEN_PATH = re.compile(
    r"(?P<path>(?:/|%2F)(?:u|p|m|c|o|sign-in)(?:/|%2F))[A-Za-z0-9_~-]{16,}", re.IGNORECASE
)
# Parameters of URLs that other products put credentials into.
_PARAMETER = re.compile(
    r"(?P<name>(?:[?&;]|%3F|%26)(?:[\w.-]{0,20}(?:token|code|key|secret|password|otp|sig|signature|"
    r"auth|ticket|session|magic|invite)|t|k|s)(?:=|%3D))[^\s&;#\"'<>]+",
    re.IGNORECASE,
)


def mask_links(text: str) -> str:
    """Return a text in which the tokens in links are masked."""
    text = _TOKEN_PATH.sub(rf"\g<path>{MASK}", text)
    return _PARAMETER.sub(rf"\g<name>{MASK}", text)


def mask_values(value: Any) -> Any:
    """Return a JSON value in which the tokens in links are masked, in whatever text it holds."""
    if isinstance(value, str):
        return mask_links(value)
    if isinstance(value, list):
        return [mask_values(item) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {name: mask_values(item) for name, item in cast("Mapping[str, Any]", value).items()}
    return value


def mask_event(event: EventLine) -> EventLine:
    """Return an event in which the tokens in links, such as of a click, are masked."""
    return replace(event, properties=mask_values(event.properties))


def mask_mail(raw: bytes) -> bytes:
    """Return a mail in which the tokens in links are masked, in its headers and its texts.

    Its texts are encoded again, and attachments are left out: they can have any form.

    Args:
        raw: the whole message, RFC 5322.
    """
    mail = message_from_bytes(raw, policy=policy.default)
    masked = EmailMessage(policy.SMTPUTF8.clone(max_line_length=None))
    for name, value in mail.items():
        if not name.lower().startswith(("content-", "mime-version", "dkim-signature")):
            masked[name] = mask_links(" ".join(str(value).split()))
    plain, html = _decode(mail, "plain"), _decode(mail, "html")
    masked.set_content(mask_links(plain), cte="8bit")
    if html:
        masked.add_alternative(mask_links(html), subtype="html", cte="8bit")
    return masked.as_bytes()


def _decode(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    try:
        return "" if part is None else str(part.get_content())
    except (LookupError, ValueError, AttributeError):
        return ""
