"""The provider, and the address in the links of its mails."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from ...clock import SystemClock
from ...config.settings import Settings
from ...store.change_feed import ChangeFeed
from ...store.db import Database
from .findings import CheckResult

_PATIENCE = 3.0


def mail(settings: Settings) -> list[CheckResult]:
    """Look whether the provider may be used as things are set."""
    from ...delivery.providers.select import provider_for

    provider_for(settings, Database(settings.database_url), SystemClock(), ChangeFeed())
    if settings.mail == "inbox":
        return [CheckResult("mail", "ok", "Captured in the dashboard's inbox; nothing leaves.")]
    if settings.test_to:
        text = "Every message goes to HOGSEND_TEST_TO."
        return [
            CheckResult("mail", "warning", text, "Unset it when real people are to get theirs.")
        ]
    return [CheckResult("mail", "ok", f"Sent through {settings.mail.partition(':')[0]}.")]


def leaves(settings: Settings) -> bool:
    """Say whether mail leaves this machine."""
    from ...delivery.providers.smtp_server import parse_server

    if settings.mail.startswith(("smtp://", "smtps://")):
        return not parse_server(settings.mail).is_local
    return settings.mail != "inbox"


def public_address(settings: Settings) -> list[CheckResult]:
    """Look whether recipients reach what links in mails lead to."""
    part, address = "public address", settings.base_url
    if not leaves(settings):
        return [CheckResult(part, "ok", f"{address} is what links in mails lead to.")]
    if not address.startswith("https://"):
        remedy = "Set HOGSEND_BASE_URL to the https address that recipients reach."
        return [CheckResult(part, "warning", f"{address} is what links in mails lead to.", remedy)]
    problem = _problem(address)
    if problem:
        remedy = (
            "Look to the name, the certificate, the reverse proxy and whether Hogsend runs; some "
            "networks reach their own address only from outside."
        )
        return [CheckResult(part, "warning", f"{address} {problem}.", remedy)]
    return [CheckResult(part, "ok", f"Hogsend answers at {address}.")]


def _problem(address: str) -> str:
    """Say why Hogsend is not seen at an https address; empty when it is."""
    parts = urlsplit(address)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except ssl.SSLError as error:
        return f"has no certificate that can be trusted: {error.reason or error}"
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"answers with status {status}"
