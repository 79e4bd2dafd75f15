"""Classifies replies of SMTP servers (RFC 5321 §4.2, RFC 3463).

The first digit says whether the same attempt may succeed later. What is at fault is decided by the
enhanced status code, and without a useful one by the command that the reply answers and the three
digits, because the same digits mean one thing of a recipient and another of the content.
"""

from __future__ import annotations

import re
from typing import Literal

from .port import DeliveryError, ProviderStopped, Rejected, RejectionKind, TryLater

Enhanced = tuple[int, int, int]
# The command that a reply answers; `content` is the final dot.
Command = Literal["MAIL", "RCPT", "DATA", "content"]
ReplyKind = Literal["later", "soft_bounce", "stopped"] | RejectionKind

# Authentication is missing, too weak, wrong, or requires encryption (RFC 4954 §6).
_CREDENTIALS = frozenset({530, 534, 535, 538})
# The subjects of enhanced codes (RFC 3463 §3).
_ADDRESSES, _MAILBOXES, _CONTENT, _POLICY = 1, 2, 6, 7
_NO_SUCH_MAILBOX = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})
_BAD_SENDER = frozenset({(1, 7), (1, 8)})
_MAILBOX_FULL = (2, 2)
_TOO_LARGE = frozenset({(2, 3), (3, 4)})
# The server gives the digits of an unknown mailbox for its policy as well, and only its words tell
# the two apart. In doubt nobody is suppressed.
_ABOUT_POLICY = re.compile(
    r"relay|spam|block|listed|polic|reputation|prohibit|denied|permitted|authenti"
    r"|\b(?:spf|dkim|dmarc|rbl|dnsbl|helo|rdns)\b",
    re.IGNORECASE,
)
_ABOUT_SIZE = re.compile(r"\bsize\b|\blarge\b|\bbig\b|\blong\b", re.IGNORECASE)
# Many servers say that a mailbox is full with the digits of an unknown one.
_ABOUT_QUOTA = re.compile(
    r"quota\b|\b(?:mail|in)box\b.{0,40}\bfull\b|\bfull (?:mail|in)box\b|\bstorage\b.{0,40}\bexceed"
    r"|\bexceed.{0,40}\bstorage\b",
    re.IGNORECASE,
)
# What servers say when mail comes too fast, and when they only want it a second time.
_ABOUT_RATE = (
    *("rate limit", "rate-limit", "ratelimit", "rate exceed", "sending rate", "receiving rate"),
    *("throttl", "too fast", "too quickly", "slow down", "slowing down", "too many connections"),
    *("too many messages", "too many mails", "too many emails", "unusual rate", "high volume"),
)
_GREYLISTING = ("greylist", "graylist", "grey list", "gray list", "grey-list", "gray-list")
_CLOSING = 421

_ENHANCED = re.compile(r"\s*[#(\[]{0,2}([245])\.(\d{1,3})\.(\d{1,3})(?!\w|\.\d)")
# qmail and its relatives write the code after the words: `over quota (#5.2.2)`.
_ENHANCED_AFTER_WORDS = re.compile(r"\(#([245])\.(\d{1,3})\.(\d{1,3})\)")
_QUEUE_IDS = (
    re.compile(r"(?:\bqueued as |\bid=)([\w.@+-]{6,200})(?![\w.@+-])", re.IGNORECASE),
    re.compile(r"(?:2\.\d\.\d )?ok ([\w.@+-]{6,200})\s*\Z", re.IGNORECASE),
)


def parse_enhanced_code(code: int, text: str) -> Enhanced | None:
    """Parse the enhanced status code at the start of a reply's text, or in `(#…)` after the words.

    Args:
        code: the reply's three digits; their class replaces the class of the enhanced code.
        text: the text after the digits.
    """
    match = _ENHANCED.match(text) or _ENHANCED_AFTER_WORDS.search(text)
    return (code // 100, int(match[2]), int(match[3])) if match else None


def classify(code: int, text: str, command: Command) -> ReplyKind:
    """Classify a negative reply.

    Args:
        code: the reply's three digits.
        text: the text after the digits.
        command: the command that the reply answers. In a reply to `MAIL` a bad address or a full
            mailbox is the sender's, not the recipient's.
    """
    enhanced = parse_enhanced_code(code, text)
    detail = enhanced[1:] if enhanced and enhanced[2] else None
    subject = enhanced[1] if enhanced else 0
    if code in _CREDENTIALS and subject not in (_ADDRESSES, _MAILBOXES):
        return "stopped"
    if command != "MAIL" and (
        detail == _MAILBOX_FULL or (not detail and _is_full(code, text, command, subject))
    ):
        return "soft_bounce"
    if not 500 <= code <= 599:
        return "later"
    return _classify_subject(subject, detail, command) or _classify_digits(code, text, command)


def is_throttled(code: int, text: str) -> bool:
    """Return whether a temporary reply asks for less mail.

    Greylisting asks for a later attempt only, and less mail would not help.

    Args:
        code: the reply's three digits.
        text: the text after the digits.
    """
    words = text.lower()
    if not 400 <= code <= 499 or any(word in words for word in _GREYLISTING):
        return False
    enhanced = parse_enhanced_code(code, text)
    is_policy = enhanced is not None and enhanced[1] == _POLICY
    return (
        code == _CLOSING
        or (code in (450, 451) and is_policy)
        or any(word in words for word in _ABOUT_RATE)
    )


def _is_full(code: int, text: str, command: Command, subject: int) -> bool:
    """Return whether a reply without a useful enhanced code says that the mailbox is full."""
    if subject in (0, _MAILBOXES):
        if code == 452:
            return True
        # After the content, 552 is also the reply to a mail that is too large (RFC 1870 §6.3).
        if code == 552 and (command == "RCPT" or not _ABOUT_SIZE.search(text)):
            return True
    is_permanent = 500 <= code <= 599 and subject not in (_CONTENT, _POLICY)
    return is_permanent and _ABOUT_QUOTA.search(text) is not None


def _classify_subject(
    subject: int, detail: tuple[int, ...] | None, command: Command
) -> RejectionKind | None:
    """Classify a permanent refusal by its enhanced code; None if the code says nothing useful."""
    if subject == _POLICY or detail in _BAD_SENDER:
        return "policy"
    if command == "MAIL" and subject in (_ADDRESSES, _MAILBOXES) and detail not in _TOO_LARGE:
        return "policy"
    if detail in _NO_SUCH_MAILBOX:
        return "hard_bounce"
    if subject == _CONTENT or detail in _TOO_LARGE:
        return "content"
    # A detail of 0 means that something else is wrong, as do codes that this table does not have.
    return "refused" if detail else None


def _classify_digits(code: int, text: str, command: Command) -> RejectionKind:
    """Classify a permanent refusal by its command and three digits (RFC 5321 §4.3.2)."""
    match command, code:
        case "RCPT", 550 | 551 | 553 | 556:
            return "policy" if _ABOUT_POLICY.search(text) else "hard_bounce"
        case ("MAIL", 550 | 551 | 553 | 554) | ("RCPT", 554) | ("DATA" | "content", 550):
            return "policy"
        case ("MAIL", 552) | ("DATA" | "content", 552) | ("content", 554):
            return "content"
        case _:
            return "refused"


def build_error(code: int, text: str, command: Command) -> DeliveryError:
    """Build the error for a negative reply.

    Args:
        code: the reply's three digits.
        text: the text after the digits, its lines joined by LF.
        command: the command that the reply answers.
    """
    reply = format_reply(code, text)
    reply_kind = classify(code, text, command)
    match reply_kind:
        case "stopped":
            return ProviderStopped(reply)
        case "later" | "soft_bounce":
            is_full = reply_kind == "soft_bounce"
            throttled = not is_full and is_throttled(code, text)
            return TryLater(reply, soft_bounce=is_full, throttled=throttled)
        case _:
            return Rejected(reply, reply_kind)


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
