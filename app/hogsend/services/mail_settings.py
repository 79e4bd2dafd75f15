"""What the settings say about sending mail, without sending any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..clock import SystemClock
from ..config.mail_setting import INBOX, split_mail
from ..config.settings import Settings
from ..delivery.providers.select import API_PROVIDERS, build_api_provider, select_providers
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


@dataclass(frozen=True, slots=True)
class ProviderWebhook:
    """Where a provider with an HTTP API reports the outcomes of mails.

    Args:
        name: the provider's name in `HOGSEND_MAIL`.
        scheme: which provider it is, such as `resend`.
        url: the address that takes its reports.
        missing: the parameter of `HOGSEND_MAIL` without which reports are refused; None if it is
            set.
    """

    name: str
    scheme: str
    url: str
    missing: str | None


def list_webhooks(settings: Settings) -> Sequence[ProviderWebhook]:
    """Return the webhooks of the providers with an HTTP API.

    Raises:
        ConfigError: the address of a provider is not valid.
    """
    webhooks: list[ProviderWebhook] = []
    for part in split_mail(settings.mail):
        scheme = part.address.partition("://")[0]
        if scheme not in API_PROVIDERS:
            continue
        provider = build_api_provider(part.address, SystemClock())
        option, name = provider.webhook_option, part.name or provider.name
        webhooks.append(
            ProviderWebhook(
                name,
                scheme,
                f"{settings.base_url.rstrip('/')}/v1/webhooks/email/{name}",
                None if provider.url.options.get(option) else option,
            )
        )
    return webhooks


def _leaves_machine(address: str) -> bool:
    if address.startswith(("smtp://", "smtps://")):
        return not parse_server(address).is_local
    return address != INBOX
