"""Which provider `HOGSEND_MAIL` names, and whether it may be used as things are set."""

from __future__ import annotations

import importlib
import inspect
import sys
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...clock import Clock
from ...config.settings import Settings
from ...errors import ConfigError
from ...store.change_feed import ChangeFeed
from ...store.db import Database
from .inbox import InboxProvider
from .port import Provider
from .smtp import SmtpProvider
from .smtp_server import is_loopback, parse_server

CHOICES = "Use inbox, smtp://…, smtps://… or module:Class."
LATER = frozenset({"resend", "postmark"})


def provider_for(
    settings: Settings, database: Database, clock: Clock, changes: ChangeFeed
) -> Provider:
    """Make the provider that the settings name. Nothing is connected to yet.

    Args:
        settings: of these, `mail`, `sender`, `base_url`, `allow_local_links` and `journeys`.
        database: where the inbox is.
        clock: for the inbox.
        changes: for the inbox.

    Raises:
        ConfigError: there is no such provider, or it would send beyond this machine while the
            sender is not set or links lead nowhere outside.
    """
    mail = settings.mail
    scheme = mail.partition(":")[0]
    if mail == "inbox":
        return InboxProvider(database, clock, changes)
    if scheme in ("smtp", "smtps"):
        server = parse_server(mail)
        if not server.is_local:
            require_outside(settings)
        return SmtpProvider(server, greeting=greeting_of(settings.base_url))
    if scheme in LATER:
        raise ConfigError(
            f"HOGSEND_MAIL names {scheme}, which is not in this version.",
            f"{scheme.capitalize()} also takes mail over SMTP: use smtp://user:password@host:587.",
        )
    module, _, name = mail.partition(":")
    if "/" in mail or not name.isidentifier() or not all(map(str.isidentifier, module.split("."))):
        raise ConfigError("HOGSEND_MAIL names no provider that is known.", CHOICES)
    require_outside(settings)
    return _own_provider(settings.journeys, module, name)


def require_outside(settings: Settings) -> None:
    """Check that mail may leave this machine.

    Raises:
        ConfigError: the sender is a local address, or links in mail would lead to this machine
            or travel unencrypted, and `HOGSEND_ALLOW_LOCAL_LINKS` does not allow that.
    """
    domain = parseaddr(settings.sender)[1].rpartition("@")[2]
    if not domain or is_loopback(domain):
        raise ConfigError(
            "HOGSEND_FROM is not set, and HOGSEND_MAIL sends beyond this machine.",
            'Set it to an address of yours, such as HOGSEND_FROM="Example <hello@example.com>".',
        )
    if settings.allow_local_links:
        return
    base = urlsplit(settings.base_url)
    local = not base.hostname or is_loopback(base.hostname)
    if local or base.scheme != "https":
        why = "leads to this machine only" if local else "is not encrypted"
        raise ConfigError(
            f"HOGSEND_BASE_URL is {settings.base_url}, which {why}, and HOGSEND_MAIL sends beyond "
            "this machine: links and unsubscribing in those mails would not work.",
            "Set HOGSEND_BASE_URL to the https address that recipients reach, or set "
            "HOGSEND_ALLOW_LOCAL_LINKS=1 to send anyway.",
        )


def greeting_of(base_url: str) -> str:
    """Return what this machine calls itself to SMTP servers (RFC 5321 §4.1.3).

    That is the domain in its public address, or an address literal: a bare machine name is what
    many servers refuse.
    """
    host = urlsplit(base_url).hostname or "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        is_public = "." in host.strip(".") and host.isascii() and not is_loopback(host)
        return host.strip(".") if is_public else "[127.0.0.1]"
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _own_provider(folder: Path, module: str, name: str) -> Provider:
    """Import the author's provider, from the journeys' folder or wherever Python finds it."""
    if str(folder) not in sys.path:
        # At the end, so that a file there never hides a module of Python or of ours.
        sys.path.append(str(folder))
    where = f"HOGSEND_MAIL names {module}:{name}"
    try:
        made: Any = getattr(importlib.import_module(module), name)()
    except Exception as error:
        raise ConfigError(
            f"{where}, which cannot be used: {type(error).__name__}: {error}.",
            f"It must be a class that takes no arguments, in {folder} or installed.",
        ) from error
    if not isinstance(made, Provider) or not inspect.iscoroutinefunction(made.deliver):
        raise ConfigError(
            f"{where}, which is no provider.",
            "It needs name, remembers_sends, and async deliver(message, handing_over) and close().",
        )
    return made
