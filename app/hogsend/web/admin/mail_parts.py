"""A mail taken apart for a screen: what a mail client would show, and what it would not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from quart import Response

_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
_PIXEL = re.compile(r"<img\b[^>]*\bsrc=[\"'][^\"']*/o/[^\"']+\.gif[\"'][^>]*>", re.IGNORECASE)

# Its styles and pictures are the mail's own; scripts, forms and plugins never run, and it has no
# origin, so that it reaches neither the dashboard nor its cookie.
_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; "
    "font-src http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox"
)
OPENS_LINKS = " allow-popups allow-popups-to-escape-sandbox"


@dataclass(frozen=True, slots=True)
class MailParts:
    """A mail taken apart.

    Args:
        html: the HTML part, if there is one.
        text: the plain part, if there is one.
        headers: names and values, in order.
        source: everything, as it went over the wire.
    """

    html: str
    text: str
    headers: Sequence[tuple[str, str]]
    source: str


def take_apart(raw: bytes) -> MailParts:
    """Take a mail apart; parts that cannot be read are empty.

    Args:
        raw: the whole message, RFC 5322.
    """
    message = message_from_bytes(raw, policy=policy.default)
    return MailParts(
        html=_part(message, "html"),
        text=_part(message, "plain"),
        headers=[(name, str(value)) for name, value in message.items()],
        source=raw.decode("utf-8", "replace").replace("\r\n", "\n"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    if found is None:
        return ""
    try:
        return str(found.get_content())
    except (LookupError, ValueError, AttributeError):
        return ""


def framed(html: str, *, links_work: bool) -> Response:
    """Answer with a mail's HTML for a sandboxed frame.

    Args:
        html: the mail.
        links_work: whether its links open, each in a tab of its own, and its opening counts, as
            in the recipient's client. Where an operator only looks, neither.
    """
    base = '<meta name="referrer" content="no-referrer"><base target="_blank">'
    html = _HEAD.sub(lambda match: match.group() + base, html, count=1)
    if not links_work:
        html = _PIXEL.sub("", html)
    answer = Response(html, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY + (OPENS_LINKS if links_work else "")
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
