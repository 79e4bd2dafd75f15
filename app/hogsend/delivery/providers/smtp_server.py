"""Which SMTP server mail is handed to, and how: the address in `HOGSEND_MAIL`, read."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ...errors import ConfigError

StartTls = Literal["auto", "require", "never"]

FORM = "Write it as smtp://user:password@host:port or smtps://user:password@host:port."
ESCAPES = "In a user or password, write # as %23, ? as %3F, / as %2F, @ as %40 and % as %25."
LARGEST_POOL = 100
PORT_RELAY, PORT_TLS, PORT_SUBMISSION = 25, 465, 587

# Where systems other than the one that OpenSSL was built on keep the authorities they trust.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server that takes mail, and how it is spoken to.

    Args:
        host: its name or address.
        port: its port.
        username: who signs in; None for nobody.
        password: their password.
        tls: whether the connection is encrypted from its first byte (`smtps://`).
        start_tls: whether it is encrypted by `STARTTLS`: when offered, always, or never.
        verify: whether the server's certificate must be valid and its own.
        pool: how many connections are open at once, at most.
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
        """Whether mail handed to it stays on this machine."""
        return is_loopback(self.host)

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"


def is_loopback(host: str) -> bool:
    """Say whether a host name or address means this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def parse_server(url: str) -> SmtpServer:
    """Read a server's address.

    `smtps://` encrypts from the first byte (port 465). `smtp://` uses `STARTTLS`: required when
    there is a password to protect on the way to another machine, otherwise when it is offered
    (port 587 with a user, else 25). After `?` may stand `starttls=require|never|auto`,
    `verify=0|1` (certificate checks: on, but off for this machine) and `pool=1…100` (16).

    Raises:
        ConfigError: the address cannot be read; its password is never repeated.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(
            "HOGSEND_MAIL has a host or port that cannot be read.", f"{FORM} {ESCAPES}"
        ) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise ConfigError("HOGSEND_MAIL is no address of an SMTP server.", FORM)
    tls = parts.scheme == "smtps"
    username = unquote(parts.username) if parts.username else None
    local = is_loopback(parts.hostname)
    options = _options(parts)
    default_port = PORT_TLS if tls else PORT_SUBMISSION if username else PORT_RELAY
    return SmtpServer(
        host=parts.hostname,
        port=port or default_port,
        username=username,
        password=unquote(parts.password or "") if username else None,
        tls=tls,
        start_tls=_start_tls(options.get("starttls"), tls=tls, secret=bool(username) and not local),
        verify=_verify(options.get("verify"), default=not local),
        pool=_pool(options.get("pool", "16")),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    # What is not known may be the rest of a password, so it is not repeated.
    if options.keys() - {"starttls", "verify", "pool"} or parts.fragment:
        raise ConfigError(
            "HOGSEND_MAIL has an option after the host that is not known.",
            f"Options of an SMTP server are starttls, verify and pool. {ESCAPES}",
        )
    return options


def _start_tls(said: str | None, *, tls: bool, secret: bool) -> StartTls:
    if tls:
        if said is not None:
            raise ConfigError(
                "HOGSEND_MAIL asks for STARTTLS on a connection that is encrypted already.",
                "Leave starttls out, or begin the address with smtp://.",
            )
        return "never"
    if said is None:
        return "require" if secret else "auto"
    if said == "auto" or said == "require" or said == "never":
        return said
    raise ConfigError(
        f"HOGSEND_MAIL says starttls={said}.", "It can be starttls=auto, require or never."
    )


def _verify(said: str | None, *, default: bool) -> bool:
    if said is None:
        return default
    if said in ("0", "1"):
        return said == "1"
    raise ConfigError(f"HOGSEND_MAIL says verify={said}.", "It can be verify=0 or verify=1.")


def _pool(said: str) -> int:
    if said.isascii() and said.isdigit() and 1 <= int(said) <= LARGEST_POOL:
        return int(said)
    raise ConfigError(f"HOGSEND_MAIL says pool={said}.", f"It can be 1 to {LARGEST_POOL}.")


def tls_context(server: SmtpServer) -> ssl.SSLContext:
    """Make what a connection is encrypted with and a certificate is checked against.

    Reading the authorities takes some 20 ms and a few megabytes, so they are read only where they
    count.
    """
    if not server.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    if not (known.cafile or known.capath):
        for file in filter(Path.is_file, map(Path, _AUTHORITIES)):
            context.load_verify_locations(file)
            break
    return context
