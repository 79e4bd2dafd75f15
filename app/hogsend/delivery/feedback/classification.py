"""Decides why a mail was not delivered, from a status code and the words of a server.

The enhanced code (RFC 3463) decides where it says something, but many servers give a code for
something else than it stands for, and their words tell. In doubt nobody is suppressed: only what
says that an address does not exist is `hard`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .report import ReportKind

Code = tuple[int, int, int]

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]\d)")
_DIGITS = re.compile(r"(?<![\d.#])([45]\d\d)(?=[ \-\t:;,]|$)(?![ \-]*bytes)")
_HARD = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})
_SENDER = frozenset({(1, 7), (1, 8)})
_FULL = (2, 2)
_TOO_LARGE = frozenset({(2, 3), (3, 4)})
_ROUTING, _CONTENT, _POLICY = 4, 6, 7
_UNKNOWN_DOMAIN = frozenset({(4, 310), (4, 312)})

_SAYS_FULL = (
    "quota",
    "mailbox full",
    "mailbox is full",
    "inbox full",
    "inbox is full",
    "mailbox has exceeded",
    "out of storage",
    "insufficient system storage",
    "not enough storage",
    "exceeded storage",
    "storage allocation",
    "mailfolder is full",
    "mailbox size limit",
    "postfach ist voll",
    "boîte pleine",
    "boite pleine",
    "buzón lleno",
    "ящик переполнен",
    "容量",
)
_SAYS_UNKNOWN = (
    "user unknown",
    "unknown user",
    "no such user",
    "user not found",
    "user doesn't exist",
    "user does not exist",
    "user doesn't have",
    "not a valid user",
    "recipient not found",
    "recipientnotfound",
    "recipnotfound",
    "recipient unknown",
    "unknown recipient",
    "invalid recipient",
    "no such recipient",
    "recipient does not exist",
    "no such mailbox",
    "no mailbox here",
    "mailbox not found",
    "mailbox unavailable",
    "mailbox does not exist",
    "mailbox doesn't exist",
    "mailbox is disabled",
    "mailbox disabled",
    "mailbox is inactive",
    "mailbox unknown",
    "unknown mailbox",
    "address does not exist",
    "address doesn't exist",
    "address not found",
    "address couldn't be found",
    "wasn't found at",
    "doesn't have a yahoo",
    "no such address",
    "unknown address",
    "invalid mailbox",
    "account does not exist",
    "account that you tried to reach does not exist",
    "account that you tried to reach is disabled",
    "account that you tried to reach is inactive",
    "account has been disabled",
    "account is disabled",
    "account disabled",
    "account inactive",
    "not listed in public name & address book",
    "not listed in domino directory",
    "unrouteable address",
    "recipient address rejected: access denied",
    "no longer valid",
    "no longer exists",
    "no existe",
    "inconnu",
    "unbekannt",
    "existiert nicht",
    "non esiste",
    "bestaat niet",
    "não existe",
    "не существует",
    "не найден",
    "bad destination mailbox",
)
_SAYS_NO_DOMAIN = (
    "domain name not found",
    "domain not found",
    "domain does not exist",
    "domain couldn't be found",
    "couldn't find any host named",
    "nxdomain",
    "host unknown",
    "unknown host",
    "bad destination host",
    "nullmx",
)
# The words that outweigh a code of policy: they are about the recipient and nothing else.
_SAYS_NO_SUCH_USER = (
    "no such user",
    "user unknown",
    "unknown user",
    "recipient not found",
    "recipnotfound",
    "user not found",
)
_SAYS_POLICY = (
    "relay",
    "spam",
    "block",
    "is listed",
    "listed at",
    "listed by",
    "listed on",
    "blacklisted",
    "blocklisted",
    "polic",
    "reputation",
    "prohibit",
    "denied",
    "not permitted",
    "not allowed",
    "authenticat",
    "unauthorized",
    "spf",
    "dkim",
    "dmarc",
    "rbl",
    "junk",
    "rejected by recipient",
    "restricted",
    "administratively",
    "bulk mail",
    "unsolicited",
)
_SAYS_CONTENT = (
    "too large",
    "too big",
    "size exceed",
    "exceeds size",
    "exceeds the maximum",
    "exceeded size",
    "message size",
    "size limit",
    "maximum size",
    "potential security issue",
    "virus",
    "malware",
    "infected",
    "attachment",
    "message content",
    "bare lf",
    "line too long",
    "8bitmime",
    "smtputf8",
)
_SAYS_EXPIRED = (
    "expired",
    "timed out",
    "timeout",
    "too long in queue",
    "queue too long",
    "retry time not reached",
    "retry timeout exceeded",
    "connection refused",
    "could not be reached",
    "greylist",
    "graylist",
    "try again later",
    "temporar",
    "deferred",
    "too many connections",
    "hop count",
    "loop",
    "network is unreachable",
    "no route to host",
    "lost connection",
    "not responding",
    "not connected",
)
_SAYS_DELAYED = (
    "has not yet been delivered",
    "has not been delivered yet",
    "could not be delivered yet",
    "will be retried",
    "will keep trying",
    "will retry",
    "still being retried",
    "still trying",
    "no action is required on your part",
    "do not need to resend",
    "don't need to resend",
    "no need to resend",
    "this is a warning message only",
    "this is only a warning",
    "delivery attempts will continue",
    "temporarily delayed",
    "will continue to try",
    "attempts to deliver the message will continue",
)


def find_code(text: str) -> Code | None:
    """Return the first enhanced status code of an error in a text; one that is not vague first."""
    codes = [(int(m[1]), int(m[2]), int(m[3])) for m in _ENHANCED.finditer(text[:8192])]
    codes = [code for code in codes if code[0] != 2]
    return next((code for code in codes if code[2]), codes[0] if codes else None)


def says_delayed(text: str) -> bool:
    """Return whether a text says that a mail is delivered later."""
    return _has(_flatten(text), _SAYS_DELAYED)


def classify_failure(status: Code | None, diagnostic: str) -> ReportKind | None:
    """Return why a mail has failed for good; None if neither code nor words say it.

    Args:
        status: the status of the report; None without one.
        diagnostic: the reply of the server, or the words of the report.
    """
    code = find_code(diagnostic)
    if code is None or (not code[2] and status is not None and status[2]):
        code = status or code
    detail = code[1:] if code and code[2] else None
    subject = code[1] if code else 0
    text = _flatten(diagnostic)
    if detail == _FULL or (subject not in (_CONTENT, _POLICY) and _says_full(text, detail)):
        return "soft"
    by_code = _classify_code(code, subject, detail, text)
    if by_code is not None:
        return by_code
    by_words = _classify_words(text)
    if by_words is not None:
        return by_words
    return _classify_digits(code, text)


def _says_full(text: str, detail: tuple[int, ...] | None) -> bool:
    # `552` is also the reply to a mail that is too large.
    return detail not in _HARD | _TOO_LARGE and _has(text, _SAYS_FULL)


def _classify_code(
    code: Code | None, subject: int, detail: tuple[int, ...] | None, text: str
) -> ReportKind | None:
    if subject == _POLICY or detail in _SENDER:
        return _classify_policy(detail, text)
    if detail in _TOO_LARGE or subject == _CONTENT:
        return "content"
    is_temporary = code is not None and code[0] == 4
    if is_temporary or (subject == _ROUTING and detail is not None):
        # The server has given up; a name that does not exist stays away.
        says = _SAYS_NO_DOMAIN if is_temporary else _SAYS_UNKNOWN + _SAYS_NO_DOMAIN
        return "hard" if detail in _UNKNOWN_DOMAIN or _has(text, says) else "soft"
    return "hard" if detail in _HARD else None


def _classify_policy(detail: tuple[int, ...] | None, text: str) -> ReportKind:
    if detail not in _SENDER and _has(text, _SAYS_NO_SUCH_USER):
        return "hard"
    return "content" if _has(text, ("security issue", "virus")) else "policy"


def _classify_words(text: str) -> ReportKind | None:
    is_unknown = _has(text, _SAYS_UNKNOWN + _SAYS_NO_DOMAIN)
    is_policy = _has(text, _SAYS_POLICY)
    if is_unknown and (not is_policy or _has(text, _SAYS_NO_SUCH_USER)):
        return "hard"
    if _has(text, _SAYS_CONTENT):
        return "content"
    if is_policy:
        return "policy"
    return "soft" if _has(text, _SAYS_EXPIRED) else None


def _classify_digits(code: Code | None, text: str) -> ReportKind | None:
    match = _DIGITS.search(text)
    if match is None:
        return "refused" if code is not None else None
    return "soft" if match[1][0] == "4" else "refused"


def _flatten(text: str) -> str:
    return " ".join(text[:8192].lower().replace("\u2019", "'").split())


def _has(text: str, phrases: Iterable[str]) -> bool:
    return any(phrase in text for phrase in phrases)
