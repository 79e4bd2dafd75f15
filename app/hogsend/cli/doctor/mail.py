"""Checks the mail provider, whether sending is on hold, and the address in the links of mails."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from ...config.mail_setting import describe_mail
from ...config.settings import Settings
from ...services.actor import COMMAND_LINE
from ..instance import run_with_installation
from .check_result import CheckResult
from .machine import has_current_schema

# In seconds.
_TIMEOUT = 3.0


def check_mail(settings: Settings) -> list[CheckResult]:
    """Check that the provider can be used with the settings."""
    from ...services.mail_settings import check_provider

    check_provider(settings)
    if settings.mail == "inbox":
        text = "Mail is captured in the dashboard's inbox; nothing is sent."
        return [CheckResult("mail", "ok", text)]
    if settings.test_to:
        text = "Every message is redirected to HOGSEND_TEST_TO."
        return [
            CheckResult(
                "mail", "warning", text, "Unset HOGSEND_TEST_TO to send to the real recipients."
            )
        ]
    return [CheckResult("mail", "ok", f"Mail is sent through {describe_mail(settings.mail)}.")]


def check_webhooks(settings: Settings) -> list[CheckResult]:
    """Say where each provider with an HTTP API reports the outcomes of mails."""
    from ...services.mail_settings import list_webhooks

    part = "webhooks"
    return [
        CheckResult(part, "ok", f"{webhook.name} reports to {webhook.url}.")
        if webhook.missing is None
        else CheckResult(
            part,
            "warning",
            f"{webhook.name} cannot report bounces and complaints: {webhook.missing} is not set.",
            f"Add it to HOGSEND_MAIL, and {webhook.url} to the provider's webhooks: "
            f"docs/providers/{webhook.scheme}.md says how.",
        )
        for webhook in list_webhooks(settings)
    ]


def check_send_hold(settings: Settings) -> list[CheckResult]:
    """Check whether a restored copy keeps mail from being sent; no result when it does not."""
    from ...services.send_hold import RESUME, get_send_hold

    if not has_current_schema(settings):
        return []
    hold = run_with_installation(lambda installation: get_send_hold(installation, COMMAND_LINE))
    if hold.reason is None:
        return []
    text = (
        f"Sending is on hold because this database is a {hold.reason}. "
        f"Mails in the queue: {hold.queued:,}."
    )
    return [CheckResult("sending", "warning", text, RESUME)]


def check_public_address(settings: Settings) -> list[CheckResult]:
    """Check that recipients can reach the address that links in mails lead to."""
    from ...services.mail_settings import can_send_to_internet

    part, address = "public address", settings.base_url
    if not can_send_to_internet(settings):
        return [CheckResult(part, "ok", f"Links in mails lead to {address}.")]
    if not address.startswith("https://"):
        remedy = "Set HOGSEND_BASE_URL to the https address that recipients can reach."
        return [CheckResult(part, "warning", f"Links in mails lead to {address}.", remedy)]
    problem = _find_problem(address)
    if problem:
        remedy = (
            "Check the name in the DNS, the certificate, the reverse proxy, and that Hogsend runs. "
            "Some networks can reach their own address only from outside."
        )
        return [CheckResult(part, "warning", f"{address} {problem}.", remedy)]
    return [CheckResult(part, "ok", f"Hogsend answers at {address}.")]


def _find_problem(address: str) -> str:
    """Return why Hogsend cannot be reached at an https address; empty when it can."""
    parts = urlsplit(address)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except ssl.SSLError as error:
        return f"has no trusted certificate: {error.reason or error}"
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"answers with status {status}"
