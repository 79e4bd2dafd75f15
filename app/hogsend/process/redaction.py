"""Masks what must not be logged: addresses, keys, tokens, passwords and cookies.

Each pattern takes linear time (`tests/guards/test_patterns.py`): texts come from strangers, and
masking runs on the event loop.
"""

from __future__ import annotations

import re

from ..config.author_environment import mask_author_secrets

# Longer texts are cut before they are masked. The beginning has the message, the end of a traceback
# has its error.
MAX_LENGTH = 16 * 1024
MASK = "…"

# In `smtp://user:password@host`.
_CREDENTIALS = re.compile(r"://[^\s/@]+@")
# A header with its value, as a line or in the representation of a dict or a list of tuples.
_HEADER = re.compile(
    r"\b(?P<name>(?:proxy-)?authorization|(?:set-)?cookie|x-(?:api-key|csrf-token))"
    r"(?P<separator>(?:[\\\"']*+\s*+[:=]|[\\\"']++\s*+,)\s*+(?:b(?=[\"']))?\\?)"
    r"(?:\"(?:[^\"\\\r\n]|\\.)*+|'(?:[^'\\\r\n]|\\.)*+|[^\r\n]*+)",
    re.IGNORECASE,
)
# A parameter of a query or a field of a form: `token=…`, `"api_key": "…"`.
_PARAMETER = re.compile(
    r"(?P<name>(?:token|password|passwd|secret|api[_-]?key|signature|session|csrf)[\w-]{0,20}"
    r"(?:[\\\"']*+\s*+(?:=|%3D)\s*+|[\\\"']++\s*+:\s*+))[\\\"']*+[^\s&;,\"'<>\\]*+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<scheme>bearer|basic)\s++[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
# Our keys, and signed tokens in the form of JWT, such as Hatchet's.
_KEY = re.compile(r"\b(?:(?:hsk|pk)_[A-Za-z0-9_-]{8,}|eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9._-]*)")
_TOKEN_PATH = re.compile(
    r"(?P<path>(?:/|%2F)(?:u|p|m|c|o|sign-in)(?:/|%2F))[A-Za-z0-9._~-]{16,}", re.IGNORECASE
)
# An address, also with its `@` escaped once or several times. A match begins where a word does:
# otherwise each character of a long word would be a beginning.
_DELIMITERS = r"\s@<>\"'(),;:=\[\]{}…"
_AT = r"(?:@|%(?:25)*+40)"
_ADDRESS = re.compile(
    rf"(?<![^{_DELIMITERS}])(?:[^{_DELIMITERS}%]++|%(?!(?:25)*+40))++{_AT}"
    rf"[^{_DELIMITERS}&?#/]*[^{_DELIMITERS}&?#/.]"
)


def mask_secrets(text: str) -> str:
    """Return a text with the addresses, keys, tokens, passwords and cookies in it masked.

    So are the secrets that `.env` has for journeys. A text that is longer than `MAX_LENGTH` is
    shortened.
    """
    text = _shorten(mask_author_secrets(text))
    text = _CREDENTIALS.sub(f"://{MASK}@", text)
    text = _HEADER.sub(rf"\g<name>\g<separator>{MASK}", text)
    text = _SCHEME.sub(rf"\g<scheme> {MASK}", text)
    text = _PARAMETER.sub(rf"\g<name>{MASK}", text)
    text = _KEY.sub(MASK, text)
    text = _TOKEN_PATH.sub(rf"\g<path>{MASK}", text)
    return _ADDRESS.sub(MASK, text)


def _shorten(text: str) -> str:
    """Return the beginning of a long text and its last lines.

    A word or line that would be cut is left out: what is left of it might be half a secret, which
    no pattern recognises.
    """
    if len(text) <= MAX_LENGTH:
        return text
    half = MAX_LENGTH // 2
    words = text[:half].rsplit(None, 1)
    beginning = words[0] if len(words) == 2 else ""
    _, _, end = text[-half:].partition("\n")
    left_out = len(text) - len(beginning) - len(end)
    note = f"{MASK} ({left_out:,} characters left out)"
    return "\n".join(filter(None, [f"{beginning} {note}".strip(), end]))
