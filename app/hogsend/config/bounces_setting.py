"""`HOGSEND_BOUNCES`: where the mails that came back are received, or read."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

Scheme = Literal["lmtp", "smtp", "imap", "imaps"]
HELP = (
    "Where bounces come in: `lmtp://127.0.0.1:2424` or `smtp://0.0.0.0:2525` listens for them, "
    "`imaps://user:password@host/INBOX` reads a mailbox. Needs `HOGSEND_RETURN_PATH`."
)
_ADVICE = (
    "Use lmtp://127.0.0.1:2424 or smtp://0.0.0.0:2525 to listen, or "
    "imaps://user:password@host/INBOX to read a mailbox."
)
_IMAP_PORTS = {"imap": 143, "imaps": 993}


@dataclass(frozen=True, slots=True)
class BounceSource:
    """The parts of the setting.

    Args:
        scheme: `lmtp` and `smtp` listen; `imap` and `imaps` read a mailbox.
        host: the address to listen on, or the server of the mailbox.
        port: its port.
        user: the name to log in with.
        password: the password.
        folder: the folder of the mailbox.
    """

    scheme: Scheme
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = "INBOX"

    @property
    def is_mailbox(self) -> bool:
        """Whether a mailbox is read."""
        return self.scheme in _IMAP_PORTS

    def __str__(self) -> str:
        """Return the setting for people to read, without the password."""
        where = f"{self.host}:{self.port}"
        if self.is_mailbox:
            return f"{self.scheme}://{self.user}:…@{where}/{self.folder}"
        return f"{self.scheme}://{where}"


def parse_bounces(text: str) -> BounceSource:
    """Parse the setting.

    Raises:
        ValueError: it is not one of the forms, or would send a password unencrypted to another
            machine.
    """
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise ValueError(_ADVICE) from None
    if host is None or url.scheme not in ("lmtp", "smtp", *_IMAP_PORTS) or url.query:
        raise ValueError(_ADVICE)
    scheme = cast("Scheme", url.scheme)
    folder = unquote(url.path.strip("/"))
    if scheme not in _IMAP_PORTS:
        if port is None or folder or url.username is not None:
            raise ValueError(_ADVICE)
        return BounceSource(scheme, host, port)
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if not user or not password or not (user + password + folder).isprintable():
        raise ValueError(_ADVICE)
    if scheme == "imap" and not _is_loopback(host):
        raise ValueError("imap:// sends the password unencrypted. Use imaps://.")
    return BounceSource(
        scheme, host, port or _IMAP_PORTS[scheme], user, password, folder or "INBOX"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
