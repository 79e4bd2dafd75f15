"""Classifies replies of SMTP servers (RFC 5321 §4.2, RFC 3463).

If the server gives an enhanced status code, that code decides, because the three digits alone do
not say whether the address, the content or the sender is at fault.
"""

from __future__ import annotations

import re
from typing import Literal

from .port import DeliveryError, ProviderStopped, Rejected, RejectionKind, TryLater

Enhanced = tuple[int, int, int]
ReplyKind = Literal["later", "soft_bounce", "hard_bounce", "policy", "content", "stopped"]

# Authentication is missing, too weak, wrong, or requires encryption (RFC 4954 §6).
_CREDENTIALS = frozenset({530, 534, 535, 538})
_NO_SUCH_MAILBOX = frozenset(
    {(5, 1, 1), (5, 1, 2), (5, 1, 3), (5, 1, 6), (5, 1, 10), (5, 2, 1)},
)
_MAILBOX_FULL = (4, 2, 2)
_SECURITY_OR_POLICY = 7
_ABOUT_ADDRESSES = frozenset({1, 2})

_ENHANCED = re.compile(r"\s*#?([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
_QUEUE_IDS = (
    re.compile(r"(?:\bqueued as |\bid=)([\w.@+-]{6,200})(?![\w.@+-])", re.IGNORECASE),
    re.compile(r"(?:2\.\d\.\d )?ok ([\w.@+-]{6,200})\s*\Z", re.IGNORECASE),
)


def parse_enhanced_code(code: int, text: str) -> Enhanced | None:
    """Parse the enhanced status code at the start of a reply's text.

    Args:
        code: the reply's three digits; an enhanced code of another class is ignored.
        text: the text after the digits.
    """
    match = _ENHANCED.match(text)
    if match is None:
        return None
    kind, subject, detail = (int(part) for part in match.groups())
    return (kind, subject, detail) if kind == code // 100 else None


def classify(code: int, enhanced: Enhanced | None = None, *, to_sender: bool = False) -> ReplyKind:
    """Classify a negative reply.

    Args:
        code: the reply's three digits.
        enhanced: the reply's enhanced status code, if any.
        to_sender: whether the reply is to `MAIL`, where a bad address is the sender's, not the
            recipient's.
    """
    if code in _CREDENTIALS:
        return "stopped"
    if not 500 <= code <= 599:
        full = enhanced == _MAILBOX_FULL or (code == 452 and enhanced is None)
        return "soft_bounce" if full and not to_sender else "later"
    if enhanced is None:
        return "content"
    if enhanced[1] == _SECURITY_OR_POLICY or (to_sender and enhanced[1] in _ABOUT_ADDRESSES):
        return "policy"
    return "hard_bounce" if enhanced in _NO_SUCH_MAILBOX else "content"


def build_error(code: int, text: str, *, to_sender: bool = False) -> DeliveryError:
    """Build the error for a negative reply.

    Args:
        code: the reply's three digits.
        text: the text after the digits, its lines joined by LF.
        to_sender: whether the reply is to `MAIL`.
    """
    reply = format_reply(code, text)
    reply_kind = classify(code, parse_enhanced_code(code, text), to_sender=to_sender)
    if reply_kind == "stopped":
        return ProviderStopped(reply)
    if reply_kind in ("later", "soft_bounce"):
        return TryLater(reply, soft_bounce=reply_kind == "soft_bounce")
    kind: RejectionKind = reply_kind
    return Rejected(reply, kind)


def format_reply(code: int, text: str) -> str:
    """Return a reply as one line that can be stored and shown.

    Bytes that are not UTF-8 arrive as lone surrogates. Databases reject lone surrogates and NUL.
    """
    line = " ".join(f"{code} {text}".replace("\0", " ").split())
    return line.encode("utf-8", "replace").decode("utf-8")[:1000]


def parse_queue_id(text: str) -> str | None:
    """Parse the server's id of an accepted mail, if the reply has one in a usual form.

    Postfix answers `queued as 4bD3`, Exim `OK id=1abc-23`, Amazon SES `Ok 0102018f`.
    """
    match = _QUEUE_IDS[0].search(text) or _QUEUE_IDS[1].match(text)
    return match.group(1) if match else None
