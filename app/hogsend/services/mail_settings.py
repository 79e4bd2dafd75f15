"""What the settings say about sending mail, without sending any."""

from __future__ import annotations

from ..clock import SystemClock
from ..config.settings import Settings
from ..delivery.providers.select import select_provider
from ..delivery.providers.smtp_server import parse_server
from ..store.change_feed import ChangeFeed
from ..store.db import Database


def check_provider(settings: Settings) -> None:
    """Check that the provider can be used with the settings; nothing is connected to.

    Raises:
        ConfigError: there is no such provider, or it lacks a sender or a public address.
    """
    select_provider(settings, Database(settings.database_url), SystemClock(), ChangeFeed())


def can_send_to_internet(settings: Settings) -> bool:
    """Return whether mail leaves this machine: not to the inbox, nor to a local mail server."""
    if settings.mail.startswith(("smtp://", "smtps://")):
        return not parse_server(settings.mail).is_local
    return settings.mail != "inbox"
