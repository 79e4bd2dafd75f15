"""Creates the provider that `HOGSEND_MAIL` names, if the other settings allow that provider."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...clock import Clock
from ...config.mail_setting import split_mail
from ...config.secret import load_stored_secret
from ...config.settings import Settings
from ...errors import ConfigError
from ...store.change_feed import ChangeFeed
from ...store.db import Database
from ..dkim.signer import DkimSigner
from ..feedback.return_path import ReturnPath
from .inbox import InboxProvider
from .port import Provider
from .provider_set import ProviderSet
from .smtp import SmtpProvider
from .smtp_server import SmtpServer, is_loopback, parse_server

if TYPE_CHECKING:
    from .api_provider import ApiProvider

CHOICES = "Use inbox, smtp://…, smtps://…, module:Class, or a provider such as resend://…."
# The class of each provider with an HTTP API, in the module of that name. They are imported when
# they are named, because that takes a quarter of a second.
API_PROVIDERS: Mapping[str, str] = {
    "brevo": "Brevo",
    "mailgun": "Mailgun",
    "postmark": "Postmark",
    "resend": "Resend",
    "sendgrid": "Sendgrid",
    "ses": "Ses",
}


def select_providers(
    settings: Settings, database: Database, clock: Clock, changes: ChangeFeed
) -> ProviderSet:
    """Create the providers that the settings name, without connecting to anything.

    Args:
        settings: `mail`, `sender`, `base_url`, `allow_local_links` and `journeys` are read.
        database: holds the inbox.
        clock: the clock of the inbox.
        changes: notified when the inbox changes.

    Raises:
        ConfigError: there is no such provider, two have one name, or a provider sends beyond this
            machine while the sender or the public address is not set.
    """
    providers: dict[str, Provider] = {}
    for part in split_mail(settings.mail):
        provider = _create_provider(settings, part.address, database, clock, changes)
        name = part.name or provider.name
        if name in providers:
            raise ConfigError(
                f"HOGSEND_MAIL names two providers {name}.",
                "Give them names of their own, such as first=smtp://… second=smtp://….",
            )
        providers[name] = provider
    return ProviderSet(providers)


def _create_provider(
    settings: Settings, mail: str, database: Database, clock: Clock, changes: ChangeFeed
) -> Provider:
    scheme = mail.partition(":")[0]
    if mail == "inbox":
        return InboxProvider(database, clock, changes)
    if scheme in ("smtp", "smtps"):
        server = parse_server(mail)
        if not server.is_local:
            require_public_settings(settings)
        return _build_smtp_provider(
            server,
            settings,
            DkimSigner(database, clock, changes, load_stored_secret(settings).secrets),
        )
    if scheme in API_PROVIDERS:
        api_provider = build_api_provider(mail, clock)
        if not api_provider.url.is_local:
            require_public_settings(settings)
        return api_provider
    module, _, name = mail.partition(":")
    if "/" in mail or not name.isidentifier() or not all(map(str.isidentifier, module.split("."))):
        raise ConfigError("HOGSEND_MAIL does not name a known provider.", CHOICES)
    require_public_settings(settings)
    return _import_provider(settings.journeys, module, name)


def _build_smtp_provider(
    server: SmtpServer, settings: Settings, signer: DkimSigner
) -> SmtpProvider:
    """Create the provider of an SMTP server, which signs mails and gives each a return path."""
    return_path = (
        ReturnPath(settings.return_path, load_stored_secret(settings).secrets)
        if settings.return_path is not None
        else None
    )
    return SmtpProvider(
        server,
        greeting=choose_greeting(settings.base_url),
        sign=signer.sign,
        build_return_path=None if return_path is None else return_path.build,
    )


def build_api_provider(mail: str, clock: Clock) -> ApiProvider:
    """Create a provider with an HTTP API.

    Args:
        mail: its address, such as `resend://KEY`.
        clock: its clock.

    Raises:
        ConfigError: the address is invalid.
    """
    scheme = mail.partition(":")[0]
    module = importlib.import_module(f".{scheme}", __package__)
    build: Callable[[str, Clock], ApiProvider] = getattr(module, API_PROVIDERS[scheme])
    return build(mail, clock)


def require_public_settings(settings: Settings) -> None:
    """Check the settings that are required for mail beyond this machine.

    Raises:
        ConfigError: the sender is a local address; or the links in mails would lead to this machine
            or be unencrypted, which `HOGSEND_ALLOW_LOCAL_LINKS` does not allow.
    """
    domain = parseaddr(settings.sender)[1].rpartition("@")[2]
    if not domain or is_loopback(domain):
        raise ConfigError(
            "HOGSEND_FROM is not set, but HOGSEND_MAIL sends beyond this machine.",
            'Set it to your address, such as HOGSEND_FROM="Example <hello@example.com>".',
        )
    if settings.allow_local_links:
        return
    base = urlsplit(settings.base_url)
    is_local = not base.hostname or is_loopback(base.hostname)
    if is_local or base.scheme != "https":
        problem = "only this machine can reach" if is_local else "is not encrypted"
        raise ConfigError(
            f"HOGSEND_BASE_URL is {settings.base_url}, which {problem}, but HOGSEND_MAIL sends "
            "beyond this machine: links and unsubscribing in those mails would not work.",
            "Set HOGSEND_BASE_URL to an https address that recipients can reach, or set "
            "HOGSEND_ALLOW_LOCAL_LINKS=1 to send anyway.",
        )


def choose_greeting(base_url: str) -> str:
    """Return the name of this machine for `EHLO` (RFC 5321 §4.1.3).

    Many servers refuse a bare machine name, so the name is the domain of the public address or an
    address literal.
    """
    host = urlsplit(base_url).hostname or "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        is_public = "." in host.strip(".") and host.isascii() and not is_loopback(host)
        return host.strip(".") if is_public else "[127.0.0.1]"
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _import_provider(folder: Path, module: str, name: str) -> Provider:
    """Import the author's provider from the journeys' folder or an installed package."""
    if str(folder) not in sys.path:
        # At the end of the path, so that a file there never hides a module of Python or Hogsend.
        sys.path.append(str(folder))
    setting = f"HOGSEND_MAIL names {module}:{name}"
    try:
        provider: Any = getattr(importlib.import_module(module), name)()
    except Exception as error:
        raise ConfigError(
            f"{setting}, which cannot be used: {type(error).__name__}: {error}.",
            f"It must be a class without arguments, in {folder} or in an installed package.",
        ) from error
    if hasattr(provider, "remembers_sends"):
        raise ConfigError(
            f"{setting}, which has remembers_sends: it was written for an earlier version.",
            "Replace it by idempotency_window, and see the changelog for what else has changed.",
        )
    if not isinstance(provider, Provider) or not isinstance(getattr(provider, "name", None), str):
        raise ConfigError(
            f"{setting}, which is not a provider.",
            "It must inherit from hogsend.delivery.providers.port.Provider and have a name and "
            "async deliver(message, before_handoff). See docs/sending-mail.md.",
        )
    return provider
