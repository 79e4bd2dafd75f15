"""Parsers of settings: each returns a text's value, or raises ValueError with the allowed form."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from ..domain.address import check_address, parse_mailbox
from ..domain.hosts import encode_host

Parser = Callable[[str], Any]

# Anyone who has a signed link can guess secrets offline, so a short secret is not safe.
MIN_SECRET_LENGTH = 32
# Replaces a number of days, and means no limit.
FOREVER = "forever"


def build_choice_parser(*allowed: str) -> Parser:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"Use one of: {', '.join(allowed)}.")
        return text.lower()

    return parse


def build_pattern_parser(pattern: str, advice: str) -> Parser:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(advice)
        return text

    return parse


def build_number_parser(low: float, high: float, advice: str, *, allow_zero: bool = True) -> Parser:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(advice) from None
        if not (low <= value <= high or (allow_zero and value == 0)):
            raise ValueError(advice)
        return value

    return parse


parse_database_url = build_pattern_parser(
    r"sqlite://(?!.*(:memory:|\?)).+|postgres(ql)?://.+",
    "Use sqlite://PATH or postgres://user:password@host:port/name.",
)
parse_api_key = build_pattern_parser(
    r"hsk_[A-Za-z0-9_-]{32,128}",
    "Use a key that `hogsend keys create` printed; it begins with hsk_.",
)
parse_time_limit = build_number_parser(
    1e-9, 600, "Use a number of seconds greater than 0, up to 600.", allow_zero=False
)
_parse_hour_count = build_number_parser(0, 876_000, "Use a number of hours from 0 to 876000.")


def parse_sender(text: str) -> str:
    try:
        _, address = parse_mailbox(text)
    except ValueError as error:
        raise ValueError(f"Write it as Name <address@example.com>: it {error}.") from None
    name, bracket, _ = text.rpartition("<")
    return f"{name}<{address}>" if bracket else address


def parse_address(text: str) -> str:
    try:
        return check_address(text, allow_dotless=True)
    except ValueError as error:
        raise ValueError(f"Use one email address: it {error}.") from None


def parse_hours(text: str) -> timedelta:
    return timedelta(hours=_parse_hour_count(text))


def parse_count(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise ValueError("Use a number from 1 to 999999999.")
    return int(text)


def parse_count_or_zero(text: str) -> int:
    return 0 if text == "0" else parse_count(text)


def parse_days(text: str) -> int | None:
    if text.lower() == FOREVER:
        return None
    if not re.fullmatch(r"\d{1,5}", text) or int(text) == 0:
        raise ValueError("Use a number of days from 1 to 99999, or forever.")
    return int(text)


def parse_boolean(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("Use 1 or 0.")
    return text.lower() in ("1", "true", "yes", "on")


def parse_event_names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not all(re.fullmatch(r"[^\s,]{1,200}", name) for name in names):
        raise ValueError("Use names of events without spaces, separated by commas.")
    return names


def parse_property_names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def parse_networks(text: str) -> tuple[str, ...]:
    advice = "Use IP addresses or networks, such as 127.0.0.1, 10.0.0.0/8, separated by commas."
    try:
        networks = [ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(advice) from None
    return tuple(map(str, networks))


def parse_secrets(text: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in text.split(","))
    if any(len(secret) < MIN_SECRET_LENGTH for secret in secrets):
        raise ValueError(
            f"Use {MIN_SECRET_LENGTH} random characters or more for each, such as the output of "
            "`openssl rand -base64 32`."
        )
    return secrets


def parse_bind(text: str) -> str:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^:\s/\[\]]+):(\d{1,5})", text)
    if match is None or int(match[2]) > 65535:
        raise ValueError("Write it as HOST:PORT, such as 127.0.0.1:3002 or [::]:3002.")
    host = match[1].strip("[]")
    return f"[{host}]:{int(match[2])}" if ":" in host else f"{host}:{int(match[2])}"


def parse_base_url(text: str) -> str:
    advice = "Use an address without a path, such as https://mail.example.com."
    try:
        parts = urlsplit(text)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise ValueError(advice) from None
    is_bare = not (parts.query or parts.fragment or "@" in parts.netloc or parts.path.strip("/"))
    if port == ":0" or not is_bare or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(advice)
    if re.search(r"[\s\"'<>\\]", text):
        raise ValueError(advice)
    try:
        host = encode_host(parts.hostname)
    except ValueError as error:
        raise ValueError(f"{advice} The host {error}.") from None
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def mask_credentials(text: str) -> str:
    """Return a value with its password or key replaced by `…`; the host stays readable."""
    scheme, separator, location = text.partition("://")
    if not separator:
        return text if text == "inbox" or ":" in text else f"{text[:8]}…"
    if scheme == "sqlite":
        return text
    credentials, separator, host = location.rpartition("@")
    if not separator:
        return f"{scheme}://…" if scheme in ("resend", "postmark") else text
    user = credentials.partition(":")[0]
    host, separator, query = host.partition("?")
    query = "&".join(map(_mask_parameter, query.split("&")))
    return f"{scheme}://{user}:…@{host}{separator}{query}"


def _mask_parameter(parameter: str) -> str:
    name, separator, _ = parameter.partition("=")
    is_secret = any(word in name.lower() for word in ("pass", "key", "token", "secret"))
    return f"{name}=…" if separator and is_secret else parameter
