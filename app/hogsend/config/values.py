"""What the text of a setting may be, what it means, and how it is shown.

A function that makes a value out of a text raises ValueError with a sentence that says what is
allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from ..compat.dotenv import MalformedLine, parse_env_file
from ..errors import ConfigError

# A signature can be attacked away from the server, so a guessable secret is none.
SHORTEST_SECRET = 32


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"Use one of: {', '.join(allowed)}.")
        return text.lower()

    return parse


def event_names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    if any(len(name) > 200 or not re.fullmatch(r"[^\s,]+", name) for name in names):
        raise ValueError("Use names of events without spaces, with commas in between.")
    return names


def yes_or_no(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("Use 1 or 0.")


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 600:
        raise ValueError("Use a number of seconds from 0 to 600.")
    return number


def rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (number == 0 or 0.01 <= number <= 100_000):
        raise ValueError("Use a number from 0.01 to 100000, or 0 for no limit.")
    return number


def count(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise ValueError("Use a number from 1 to 999999999.")
    return int(text)


def hours(text: str) -> timedelta:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 876_000:
        raise ValueError("Use a number of hours from 0 to 876000.")
    return timedelta(hours=number)


def time_limit(text: str) -> float:
    number = seconds(text)
    if number == 0:
        raise ValueError("Use a number of seconds greater than 0, up to 600.")
    return number


# In place of a number of days.
FOREVER = "forever"


def days(text: str) -> int | None:
    """Return a number of days; None is forever."""
    if text.lower() == FOREVER:
        return None
    if not re.fullmatch(r"\d{1,5}", text) or int(text) == 0:
        raise ValueError("Use a number of days from 1 to 99999, or forever.")
    return int(text)


def bind(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^:\s/\[\]]+):(\d{1,5})", text)
    if match is None or int(match[2]) > 65535:
        raise ValueError("Write it as HOST:PORT, such as 127.0.0.1:3002 or [::]:3002.")
    return match[1].strip("[]"), int(match[2])


def base_url(text: str) -> str:
    problem = "Use an address without a path, such as https://mail.example.com."
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(problem) from None
    plain = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError(problem)
    if not port_is_fine or re.search(r"[\s\"'<>\\]", text):
        raise ValueError(problem)
    return text.rstrip("/")


def database_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite" and rest and ":memory:" not in rest and "?" not in rest:
        return text
    if scheme in ("postgres", "postgresql") and rest:
        return text
    raise ValueError("Use sqlite://PATH or postgres://user:password@host:port/name.")


def secrets(text: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in text.split(","))
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ValueError(
            f"Use {SHORTEST_SECRET} random characters or more for each, "
            "such as `openssl rand -base64 32` makes."
        )
    return secrets


def mail(text: str) -> str:
    forms = (
        r"inbox",
        r"smtps?://[^\s/]+.*",
        r"(?:resend|postmark)://\S+",
        r"[A-Za-z_][\w.]*:[A-Za-z_]\w*",
    )
    if not any(re.fullmatch(form, text) for form in forms):
        raise ValueError(
            "Use inbox, smtp://user:password@host:port, smtps://user:password@host:port, "
            "resend://KEY, postmark://TOKEN or module:Class."
        )
    return text


ADDRESS = r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+"


def sender(text: str) -> str:
    if not re.fullmatch(rf"(?:[^<>\x00-\x1f]* <{ADDRESS}>|{ADDRESS})", text):
        raise ValueError("Write it as Name <address@example.com>.")
    return text


def address(text: str) -> str:
    if not re.fullmatch(ADDRESS, text):
        raise ValueError("Use one email address, such as me@example.com.")
    return text


def api_key(text: str) -> str:
    if not re.fullmatch(r"hsk_[A-Za-z0-9_-]{32,128}", text):
        raise ValueError("Use a key that `hogsend keys create` printed; it begins with hsk_.")
    return text


def masked(text: str) -> str:
    """Return a value without the password or key in it; the rest of an address stays readable."""
    scheme, found, rest = text.partition("://")
    if not found:
        return text if text == "inbox" or ":" in text else f"{text[:8]}…"
    if scheme == "sqlite":
        return text
    credentials, found, place = rest.rpartition("@")
    if not found:
        return f"{scheme}://…" if scheme in ("resend", "postmark") else text
    user = credentials.partition(":")[0]
    place = re.sub(r"(?i)\b(\w*(?:pass|key|token|secret)\w*=)[^&]*", r"\1…", place)
    return f"{scheme}://{user}:…@{place}"


def of_env_file(path: Path) -> dict[str, str]:
    """Return the names and values of a `.env` file; none when there is no file.

    A `$` in a value is only a `$`.

    Raises:
        ConfigError: the file cannot be read, or a line is not `NAME=value`.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Mend it or remove it.") from None
    try:
        return parse_env_file(text)
    except MalformedLine as error:
        raise ConfigError(
            f"{path} has a line that is not NAME=value: {error}", "Mend it."
        ) from None
