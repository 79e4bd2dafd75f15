"""Parses mails of strangers: any bytes, in bounded time and memory."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from typing import Any, cast

# Reports begin with what they say; a returned mail that follows may be cut.
MAX_MAIL_BYTES = 256 * 1024
_MAX_PARTS = 100
_MAX_HEADER = 2000
_MAX_TEXT = 64 * 1024
_TAG = re.compile(r"<[^<>]*>")


def parse_mail(raw: bytes) -> Message | None:
    """Parse a mail, of which only the first `MAX_MAIL_BYTES` count.

    Returns:
        The mail; None for one that cannot be parsed, such as with a thousand parts in one another.
    """
    try:
        return message_from_bytes(raw[:MAX_MAIL_BYTES])
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError):
        # The parser of the standard library fails in many ways on what is not a mail.
        return None


def list_parts(mail: Message) -> Iterator[Message]:
    """Yield a mail and its parts in order, without those of a mail that is returned in it."""
    stack = [mail]
    for _ in range(_MAX_PARTS):
        if not stack:
            return
        part = stack.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            stack.extend(reversed(list_children(part)))


def list_children(part: Message) -> list[Message]:
    """Return the parts of a part."""
    payload: Any = part.get_payload()
    if not isinstance(payload, list):
        return []
    children = cast("list[object]", payload)
    return [child for child in children if isinstance(child, Message)]


def read_header(mail: Message, name: str) -> str:
    """Return a header's text, decoded and on one line; empty without such a header."""
    value = mail.get(name)
    if value is None:
        return ""
    text = str(value)[:_MAX_HEADER]
    try:
        if "=?" in text:
            words = decode_header(text)
            text = "".join(
                word if isinstance(word, str) else decode_text(word, charset)
                for word, charset in words
            )
    except (ValueError, LookupError, MessageError):
        pass
    return to_line(text)


def to_line(text: str) -> str:
    """Return a text on one line, without the NUL and lone surrogates that databases reject."""
    line = " ".join(text.replace("\0", " ").split())
    return line.encode("utf-8", "replace").decode()


def decode_text(content: bytes, charset: str | None) -> str:
    """Decode bytes, whatever the charset is called."""
    try:
        return content.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError, UnicodeError):
        return content.decode("latin-1")


def read_text(part: Message) -> str:
    """Return the text of a part, which is no multipart, without HTML's tags."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    text = decode_text(content[:_MAX_TEXT], part.get_content_charset())
    if part.get_content_subtype() == "html":
        text = html.unescape(_TAG.sub(" ", text))
    return text


def read_body(mail: Message) -> str:
    """Return the words that a mail begins with: its first text, or HTML where it has none."""
    markup = ""
    for part in list_parts(mail):
        content_type = part.get_content_type()
        if content_type == "text/plain" and (text := read_text(part)).strip():
            return text
        if content_type == "text/html" and not markup:
            markup = read_text(part)
    return markup


def read_fields_text(part: Message) -> str:
    """Return the text of a part that has fields like headers, such as of a delivery report."""
    text = "\n\n".join(map(_to_text, list_children(part))) or _to_text(part)
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() != "base64":
        return text[:_MAX_TEXT]
    try:
        # The parser takes what is encoded for headers.
        return decode_text(base64.b64decode("".join(text.split())), "utf-8")[:_MAX_TEXT]
    except ValueError:
        return text[:_MAX_TEXT]


def _to_text(part: Message) -> str:
    """Return the headers of a part and what follows them, as far as it is text."""
    lines = [f"{name}: {value}" for name, value in part.items()]
    payload = part.get_payload()
    return "\n".join(lines) + ("\n\n" + payload if isinstance(payload, str) else "")


def parse_fields(text: str) -> list[dict[str, str]]:
    """Parse groups of fields that empty lines separate; names are in lower case."""
    groups: list[dict[str, str]] = [{}]
    name = ""
    for line in text.splitlines():
        if not line.strip():
            name = ""
            if groups[-1]:
                groups.append({})
        elif line[0] in " \t" and name:
            groups[-1][name] += " " + line.strip()
        else:
            name, colon, value = line.partition(":")
            name = name.strip().lower()
            if colon and name:
                groups[-1].setdefault(name, value.strip())
            else:
                name = ""
    return [group for group in groups if group]
