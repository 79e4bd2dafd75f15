"""Hatchet: its token, whether it is there, its version and clock, and who works for us there."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from ...clock import SystemClock
from ...config.hatchet_token import HatchetToken, client_settings, read_token
from ...config.settings import Settings
from ...errors import ConfigError, HatchetUnavailable
from ..hatchet_api import PATIENCE, HatchetApi
from .findings import CheckResult

# Older ones are not what Hogsend is tested with.
OLDEST_ENGINE = (0, 104)
_SOON = timedelta(days=14)
# Of more workers the rest is taken to be alike.
_MOST_WORKERS = 20
_CLOCKS_APART = timedelta(seconds=5)
_PLAIN_STRATEGY = "none"
_TLS_STRATEGY = "tls"
_STRATEGIES = (_PLAIN_STRATEGY, _TLS_STRATEGY, "mtls")
# What a client of HTTP/2 begins with, and the kind of frame that it is answered with (RFC 9113).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_FRAME = 4
_MAKE_ANOTHER = (
    "Make one in its dashboard under API tokens, or with `hogsend bootstrap` for the Hatchet of "
    "compose.yaml, and put it into HATCHET_CLIENT_TOKEN."
)


def hatchet(settings: Settings) -> list[CheckResult]:
    """Look at Hatchet."""
    given = client_settings()
    try:
        token = read_token(given.get("HATCHET_CLIENT_TOKEN", ""))
    except ConfigError as error:
        return [CheckResult("Hatchet token", "failure", error.message, error.remedy)]
    api = HatchetApi(given.get("HATCHET_CLIENT_SERVER_URL", token.server_url), token.text)
    findings = [_grpc(given, token)]
    try:
        accepted = api.get(f"/api/v1/tenants/{token.tenant}")
        findings = [_token(token, api.address, accepted.status), *findings, _ready(api)]
        findings += [_version(api), _clock(accepted.at)]
        if accepted.status < 400:
            findings += _workers(api, token, settings)
    except HatchetUnavailable as error:
        away = CheckResult("Hatchet API", "failure", error.message, error.remedy)
        findings = [_token(token, api.address, None), *findings, away]
    return findings


def _token(token: HatchetToken, address: str, status: int | None) -> CheckResult:
    part, now = "Hatchet token", SystemClock().now()
    ends = token.expires_at
    if ends is not None and ends <= now:
        return CheckResult(part, "failure", f"It expired on {ends:%Y-%m-%d}.", _MAKE_ANOTHER)
    if status in (401, 403):
        text = f"Hatchet at {address} refuses it; it was made for {token.audience}."
        remedy = f"Another Hatchet, another address or new keys of the same one. {_MAKE_ANOTHER}"
        return CheckResult(part, "failure", text, remedy)
    if token.audience != token.server_url:
        text = f"It is meant for {token.audience} and names {token.server_url}."
        return CheckResult(part, "warning", text, _MAKE_ANOTHER)
    if ends is not None and ends - now < _SOON:
        return CheckResult(part, "warning", f"It expires on {ends:%Y-%m-%d}.", _MAKE_ANOTHER)
    until = "for good" if ends is None else f"until {ends:%Y-%m-%d}"
    return CheckResult(part, "ok", f"For {token.server_url}, {until}.")


def _ready(api: HatchetApi) -> CheckResult:
    part = "Hatchet API"
    if api.get("/api/ready").status < 400:
        return CheckResult(part, "ok", f"Hatchet is ready at {api.address}.")
    remedy = "See what Hatchet logs (`docker compose logs hatchet`), and whether its database runs."
    return CheckResult(part, "failure", f"Hatchet at {api.address} is not ready.", remedy)


def _version(api: HatchetApi) -> CheckResult:
    part, body = "Hatchet version", api.get("/api/v1/version").body
    facts = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    version = str(facts.get("version", ""))
    numbers = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", version)
    oldest = ".".join(map(str, OLDEST_ENGINE))
    if numbers is None:
        text = f"It reports {version or 'nothing'}, which is no release, and counts as an old one."
        return CheckResult(part, "warning", text, "Run a released version.")
    if (int(numbers[1]), int(numbers[2])) < OLDEST_ENGINE:
        text = f"It is {version}; Hogsend is tested with {oldest} and later."
        return CheckResult(part, "warning", text, "Update Hatchet.")
    return CheckResult(part, "ok", version)


def _clock(shown: datetime | None) -> CheckResult:
    part = "Hatchet clock"
    if shown is None:
        return CheckResult(part, "ok", "It does not say.")
    # It says seconds without their parts: on average half of one is missing.
    apart = abs(shown + timedelta(seconds=0.5) - SystemClock().now())
    text = f"{apart.total_seconds():.0f} seconds from this machine's."
    if apart > _CLOCKS_APART:
        remedy = "Let both machines take their time from the network."
        return CheckResult(part, "warning", text, remedy)
    return CheckResult(part, "ok", text)


def _workers(api: HatchetApi, token: HatchetToken, settings: Settings) -> list[CheckResult]:
    from ...turns.folder_loader import load

    part, remedy = "Hatchet workers", "Start `hogsend serve --with-worker`, or `hogsend worker`."
    body = api.get(f"/api/v1/tenants/{token.tenant}/worker?statuses=ACTIVE").body
    facts = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    rows: list[dict[str, Any]] = facts.get("rows") or []
    if not rows:
        return [
            CheckResult(part, "warning", "None is registered, so nobody plays journeys.", remedy)
        ]
    known = {name for row in rows[:_MOST_WORKERS] for name in _plays(api, row)}
    if not settings.journeys.is_dir() or not known:
        return [CheckResult(part, "ok", f"{len(rows)} are registered.")]
    # A namespace, where there is one, comes before the name.
    missing = [
        journey
        for journey in sorted(load(settings.journeys).journeys)
        if not any(name.endswith(f"journey-{journey}") for name in known)
    ]
    if missing:
        text = f"{len(rows)} are registered, none of them for {', '.join(missing)}."
        return [CheckResult(part, "warning", text, "Start the workers anew with these journeys.")]
    return [CheckResult(part, "ok", f"{len(rows)} are registered, for every journey.")]


def _plays(api: HatchetApi, row: dict[str, Any]) -> set[str]:
    """Return the names of what a worker is registered for, which the list of workers leaves out."""
    body = api.get(f"/api/v1/workers/{row['metadata']['id']}").body
    facts = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    flows: list[dict[str, Any]] = facts.get("registeredWorkflows") or []
    return {str(flow.get("name")) for flow in flows}


def _grpc(given: Mapping[str, str], token: HatchetToken) -> CheckResult:
    """Look whether workers can connect, in the way that the settings say."""
    part = "Hatchet gRPC"
    address = given.get("HATCHET_CLIENT_HOST_PORT", token.host_port)
    strategy = given.get("HATCHET_CLIENT_TLS_STRATEGY", _TLS_STRATEGY).lower()
    if strategy not in _STRATEGIES:
        text = f"HATCHET_CLIENT_TLS_STRATEGY is {strategy}, which the SDK does not know."
        return CheckResult(
            part, "failure", text, f"Use one of {', '.join(_STRATEGIES)}, or unset it."
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        text = f"{address} is no HOST:PORT."
        return CheckResult(part, "failure", text, "Correct HATCHET_CLIENT_HOST_PORT.")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as connection:
            if strategy == _PLAIN_STRATEGY:
                return _spoken_plainly(connection, address)
            if strategy == _TLS_STRATEGY:
                _speak_tls(connection, host, given)
        text, remedy = f"{address} answers, over {strategy.upper()}.", ""
    except ssl.SSLCertVerificationError as error:
        text = f"The certificate of {address} cannot be trusted: {error.verify_message}."
        remedy = "Set HATCHET_CLIENT_TLS_ROOT_CA_FILE or HATCHET_CLIENT_TLS_SERVER_NAME."
    except (ssl.SSLError, ConnectionResetError):
        text = f"{address} does not speak TLS."
        remedy = "Set HATCHET_CLIENT_TLS_STRATEGY=none if it is a Hatchet of yours."
    except (OSError, ValueError, OverflowError) as error:
        text = f"{address} cannot be reached: {error or type(error).__name__}."
        remedy = "Start Hatchet, or set HATCHET_CLIENT_HOST_PORT to where workers reach it."
    return CheckResult(part, "failure" if remedy else "ok", text, remedy)


def _spoken_plainly(connection: socket.socket, address: str) -> CheckResult:
    connection.sendall(_PREFACE)
    head = connection.recv(9)
    if len(head) >= 4 and head[3] == _SETTINGS_FRAME:
        return CheckResult("Hatchet gRPC", "ok", f"{address} answers, unencrypted.")
    text = f"{address} does not speak unencrypted gRPC."
    remedy = "Unset HATCHET_CLIENT_TLS_STRATEGY if it speaks TLS, or correct the address."
    return CheckResult("Hatchet gRPC", "failure", text, remedy)


def _speak_tls(connection: socket.socket, host: str, given: Mapping[str, str]) -> None:
    context = ssl.create_default_context(cafile=given.get("HATCHET_CLIENT_TLS_ROOT_CA_FILE"))
    context.set_alpn_protocols(["h2"])
    name = given.get("HATCHET_CLIENT_TLS_SERVER_NAME", host)
    context.wrap_socket(connection, server_hostname=name).close()
