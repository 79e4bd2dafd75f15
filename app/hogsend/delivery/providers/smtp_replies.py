"""What a refusal by an SMTP server means for the mail (RFC 5321 §4.2, RFC 3463).

The enhanced status code decides where there is one, as the three digits alone do not say whether
the address, the content or the sender is at fault.
"""

from __future__ import annotations

import re
from typing import Literal

from .port import DeliveryError, ProviderStopped, Rejected, RejectionKind, TryLater

Enhanced = tuple[int, int, int]
Verdict = Literal["later", "soft_bounce", "hard_bounce", "policy", "content", "stopped"]

# Authentication is required, too weak, wrong, or wants encryption (RFC 4954 §6).
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


def enhanced_code(code: int, text: str) -> Enhanced | None:
    """Read the enhanced status code at the beginning of a reply's text.

    Args:
        code: the reply's three digits; an enhanced code of another class is not believed.
        text: what follows them.
    """
    match = _ENHANCED.match(text)
    if match is None:
        return None
    kind, subject, detail = (int(part) for part in match.groups())
    return (kind, subject, detail) if kind == code // 100 else None


def classify(code: int, enhanced: Enhanced | None = None, *, to_sender: bool = False) -> Verdict:
    """Say what a reply that is no acceptance means.

    Args:
        code: the reply's three digits.
        enhanced: its enhanced status code, if it has one.
        to_sender: whether it answers `MAIL`, where a bad address is our own and the recipient
            must not suffer for it.
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


def refusal(code: int, text: str, *, to_sender: bool = False) -> DeliveryError:
    """Return the error that a reply stands for, ready to be raised.

    Args:
        code: the reply's three digits.
        text: what follows them; lines joined by LF.
        to_sender: whether it answers `MAIL`.
    """
    reply = said(code, text)
    verdict = classify(code, enhanced_code(code, text), to_sender=to_sender)
    if verdict == "stopped":
        return ProviderStopped(reply)
    if verdict in ("later", "soft_bounce"):
        return TryLater(reply, soft_bounce=verdict == "soft_bounce")
    kind: RejectionKind = verdict
    return Rejected(reply, kind)


def said(code: int, text: str) -> str:
    """Return a reply as one line that can be kept and shown.

    Bytes that are no UTF-8 arrive as lone surrogates; databases take neither those nor NUL.
    """
    line = " ".join(f"{code} {text}".replace("\0", " ").split())
    return line.encode("utf-8", "replace").decode("utf-8")[:1000]


def queue_id(text: str) -> str | None:
    """Read what the server calls a mail it has accepted, if it says so in a usual way.

    Postfix says `queued as 4bD3`, Exim `OK id=1abc-23`, Amazon SES `Ok 0102018f`.
    """
    match = _QUEUE_IDS[0].search(text) or _QUEUE_IDS[1].match(text)
    return match.group(1) if match else None
