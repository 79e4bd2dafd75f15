"""Parses a mail into what a page shows of it, and serves its HTML to a sandboxed frame."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape

from quart import Response

from ..pages import get_content

_HEAD = re.compile(r"<head(?:\s[^<>]*)?>", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b[^<>]*>", re.IGNORECASE)

# A mail has its own styles and images; scripts, forms and plugins never run, and it has no origin,
# so that it can reach neither the dashboard nor its cookie.
_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; "
    "font-src http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox"
)
# The conditions of style sheets that hold, or not, where colours are dark.
_DARK_CONDITIONS = (
    ("(prefers-color-scheme: dark)", "(min-width: 0)"),
    ("(prefers-color-scheme:dark)", "(min-width: 0)"),
    ("(prefers-color-scheme: light)", "(max-width: 0)"),
    ("(prefers-color-scheme:light)", "(max-width: 0)"),
)
_ALLOW_LINKS = " allow-popups allow-popups-to-escape-sandbox"


@dataclass(frozen=True, slots=True)
class MailParts:
    """The parts of a mail.

    Args:
        html: the HTML part; empty without one.
        text: the plain text part; empty without one.
        headers: names and values, in order.
        source: the whole message as text.
    """

    html: str
    text: str
    headers: Sequence[tuple[str, str]]
    source: str

    @property
    def page(self) -> str:
        """The mail as a page: its HTML, or its plain text if it has no HTML."""
        return self.html or f'<pre style="white-space:pre-wrap">{escape(self.text)}</pre>'


def parse_mail(raw: bytes) -> MailParts:
    """Parse a mail; parts that cannot be decoded are empty.

    Args:
        raw: the whole message, RFC 5322.
    """
    message = message_from_bytes(raw, policy=policy.default)
    return MailParts(
        html=_decode_part(message, "html"),
        text=_decode_part(message, "plain"),
        headers=[(name, str(value)) for name, value in message.items()],
        source=raw.decode("utf-8", "replace").replace("\r\n", "\n"),
    )


def _decode_part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError, AttributeError):
        return ""


def _drop_pixel(image: re.Match[str]) -> str:
    tag = image.group()
    return "" if "/o/" in tag and ".gif" in tag else tag


def _show_images(html: str) -> str:
    """Return a mail's HTML with the images that it carries, which are those of the templates."""
    for image in get_content().templates.files.find_images(html):
        data = base64.b64encode(image.content).decode("ascii")
        html = html.replace(f"cid:{image.content_id}", f"data:{image.content_type};base64,{data}")
    return html


def _darken(html: str) -> str:
    """Return a mail's HTML as a mail program shows it whose colours are dark."""
    for before, after in _DARK_CONDITIONS:
        html = html.replace(before, after)
    return html


def respond_with_mail(html: str, *, has_working_links: bool, is_dark: bool = False) -> Response:
    """Return a mail's HTML for a sandboxed frame.

    Args:
        html: the mail.
        has_working_links: whether links open in new tabs and the open is recorded, as in the
            recipient's mail client; neither is when an operator looks at a sent mail.
        is_dark: whether it is shown in dark colours, whatever the browser's are.
    """
    if is_dark:
        html = _darken(html)
    base = '<meta name="referrer" content="no-referrer"><base target="_blank">'
    html = _HEAD.sub(lambda match: match.group() + base, _show_images(html), count=1)
    if not has_working_links:
        html = _IMAGE.sub(_drop_pixel, html)
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY + (
        _ALLOW_LINKS if has_working_links else ""
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
