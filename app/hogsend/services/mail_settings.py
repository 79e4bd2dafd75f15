"""What the settings say about sending mail, without sending any."""

from __future__ import annotations

from ..clock import SystemClock
from ..config.mail_setting import INBOX, split_mail
from ..config.settings import Settings
from ..delivery.providers.select import select_providers
from ..delivery.providers.smtp_server import parse_server
from ..store.change_feed import ChangeFeed
from ..store.db import Database


def check_provider(settings: Settings) -> None:
    """Check that the providers can be used with the settings; nothing is connected to.

    Raises:
        ConfigError: there is no such provider, or one lacks a sender or a public address.
    """
    select_providers(settings, Database(settings.database_url), SystemClock(), ChangeFeed())


def can_send_to_internet(settings: Settings) -> bool:
    """Return whether mail leaves this machine: not to the inbox, nor to a local mail server."""
    return any(_leaves_machine(part.address) for part in split_mail(settings.mail))


def _leaves_machine(address: str) -> bool:
    if address.startswith(("smtp://", "smtps://")):
        return not parse_server(address).is_local
    return address != INBOX
