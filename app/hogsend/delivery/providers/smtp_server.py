"""Parses the address of an SMTP server in `HOGSEND_MAIL`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ...domain.hosts import encode_host
from ...errors import ConfigError
from .tls import create_verifying_context

StartTls = Literal["auto", "require", "never"]

FORM = "Write it as smtp://user:password@host:port or smtps://user:password@host:port."
ESCAPES = "In a user or password, write # as %23, ? as %3F, / as %2F, @ as %40 and % as %25."
MAX_POOL_SIZE = 100
PORT_RELAY, PORT_TLS, PORT_SUBMISSION = 25, 465, 587


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """An SMTP server and how to connect to it.

    Args:
        host: the name or address.
        port: the TCP port.
        username: the user; None to send without signing in.
        password: the user's password.
        tls: whether to encrypt from the first byte (`smtps://`).
        start_tls: whether to encrypt with `STARTTLS`: `auto` when the server offers it, `require`
            always, `never` not at all.
        verify: whether to check the server's certificate.
        pool: the maximum number of open connections.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    start_tls: StartTls = "auto"
    verify: bool = True
    pool: int = 16

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.host)

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def parse_server(url: str) -> SmtpServer:
    """Parse the URL of a server.

    `smtps://` encrypts from the first byte (port 465). `smtp://` uses `STARTTLS` (port 587 with a
    user, else 25): always when a password goes to another machine, otherwise when the server offers
    encryption. The options after `?` are `starttls=require|never|auto`, `verify=0|1` (certificate
    checks; by default on, and off for a server on this machine) and `pool=1…100` (by default 16).

    Raises:
        ConfigError: the URL is invalid; the message never contains the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(
            "HOGSEND_MAIL has an invalid host or port.", f"{FORM} {ESCAPES}"
        ) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise ConfigError("HOGSEND_MAIL is not the address of an SMTP server.", FORM)
    try:
        host = encode_host(parts.hostname)
    except ValueError as error:
        raise ConfigError(f"HOGSEND_MAIL has an invalid host: {error}", FORM) from None
    tls = parts.scheme == "smtps"
    username = unquote(parts.username) if parts.username else None
    is_local = is_loopback(host)
    options = _parse_options(parts)
    default_port = PORT_TLS if tls else PORT_SUBMISSION if username else PORT_RELAY
    return SmtpServer(
        host=host,
        port=port or default_port,
        username=username,
        password=unquote(parts.password or "") if username else None,
        tls=tls,
        start_tls=_parse_start_tls(
            options.get("starttls"), tls=tls, has_secret=bool(username) and not is_local
        ),
        verify=_parse_verify(options.get("verify"), default=not is_local),
        pool=_parse_pool(options.get("pool", "16")),
    )


def _parse_options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    # The unknown part may belong to a password, so the message does not quote it.
    if options.keys() - {"starttls", "verify", "pool"} or parts.fragment:
        raise ConfigError(
            "HOGSEND_MAIL has an unknown option after the host.",
            f"The options are starttls, verify and pool. {ESCAPES}",
        )
    return options


def _parse_start_tls(option: str | None, *, tls: bool, has_secret: bool) -> StartTls:
    if tls:
        if option is not None:
            raise ConfigError(
                "HOGSEND_MAIL has starttls, but smtps:// encrypts the connection already.",
                "Remove starttls, or begin the address with smtp://.",
            )
        return "never"
    if option is None:
        return "require" if has_secret else "auto"
    if option == "auto" or option == "require" or option == "never":
        return option
    raise ConfigError(
        f"HOGSEND_MAIL has starttls={option}.", "Use starttls=auto, require or never."
    )


def _parse_verify(option: str | None, *, default: bool) -> bool:
    if option is None:
        return default
    if option in ("0", "1"):
        return option == "1"
    raise ConfigError(f"HOGSEND_MAIL has verify={option}.", "Use verify=0 or verify=1.")


def _parse_pool(option: str) -> int:
    if option.isascii() and option.isdigit() and 1 <= int(option) <= MAX_POOL_SIZE:
        return int(option)
    raise ConfigError(
        f"HOGSEND_MAIL has pool={option}.", f"Use a number from 1 to {MAX_POOL_SIZE}."
    )


def create_tls_context(server: SmtpServer) -> ssl.SSLContext:
    """Create the TLS context for a server.

    Certificate authorities are loaded only to verify, because they take about 20 ms and a few
    megabytes.
    """
    if not server.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return create_verifying_context()
