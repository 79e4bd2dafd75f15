"""Checks Hatchet: its token, whether it answers, its version and clock, and its workers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, cast

from ...clock import SystemClock
from ...config.hatchet_token import (
    NAMESPACE,
    HatchetToken,
    parse_token,
    read_client_settings,
    select_namespace,
)
from ...config.settings import Settings
from ...errors import ConfigError, HatchetUnavailable
from ..hatchet_api import HatchetApi, HatchetResponse
from ..output import format_count
from .check_result import CheckResult
from .hatchet_grpc import check_grpc

# Hogsend is not tested with older releases.
OLDEST_VERSION = (0, 104)
_WARN_BEFORE = timedelta(days=14)
# Further workers are assumed to be like these.
_MAX_WORKERS = 20
_MAX_CLOCK_SKEW = timedelta(seconds=5)
_HOW_TO_REPLACE = (
    "Create a token in Hatchet's dashboard under API tokens, or with `hogsend bootstrap` for the "
    "Hatchet of compose.yaml, and set HATCHET_CLIENT_TOKEN to it."
)


def check_hatchet(settings: Settings, installation_id: str | None) -> list[CheckResult]:
    """Check Hatchet.

    Args:
        settings: of the project.
        installation_id: the namespace of the workers is made from it, unless a setting has one;
            None until a worker has run on Hatchet.
    """
    environment = read_client_settings()
    try:
        token = parse_token(environment.get("HATCHET_CLIENT_TOKEN", ""))
    except ConfigError as error:
        return [CheckResult("Hatchet token", "failure", error.message, error.remedy)]
    api = HatchetApi(environment.get("HATCHET_CLIENT_SERVER_URL", token.server_url), token.text)
    grpc = check_grpc(environment, token)
    try:
        tenant = api.get(f"/api/v1/tenants/{token.tenant}")
    except HatchetUnavailable as error:
        return [_check_token(token, api.address, None), grpc, _unreachable(error)]
    results = [_check_token(token, api.address, tenant.status), grpc, _check_clock(tenant.at)]
    try:
        results += [_check_api(api), _check_version(api)]
        if tenant.status < 400:
            namespace = _normalize_namespace(select_namespace(environment, installation_id or ""))
            is_known = bool(installation_id or environment.get(NAMESPACE))
            results.append(_check_workers(api, token, settings, namespace if is_known else None))
    except HatchetUnavailable as error:
        # Hatchet stopped answering: further requests would wait as long.
        results.append(_unreachable(error))
    return results


def _unreachable(error: HatchetUnavailable) -> CheckResult:
    return CheckResult("Hatchet API", "failure", error.message, error.remedy)


def _normalize_namespace(namespace: str) -> str:
    """Return the prefix that Hatchet's SDK adds to the names of workflows."""
    return f"{namespace.removesuffix('_')}_".lower()


def _check_token(token: HatchetToken, address: str, status: int | None) -> CheckResult:
    """Check the token.

    Args:
        token: the token.
        address: the Hatchet that was asked.
        status: its answer to the token; None when it did not answer.
    """
    part, now = "Hatchet token", SystemClock().now()
    expires_at = token.expires_at
    if expires_at is not None and expires_at <= now:
        text = f"The token expired on {expires_at:%Y-%m-%d}."
        return CheckResult(part, "failure", text, _HOW_TO_REPLACE)
    if status in (401, 403):
        text = f"Hatchet at {address} refuses the token, which was created for {token.audience}."
        remedy = (
            "The token belongs to another Hatchet or another address, or Hatchet's keys have "
            f"changed. {_HOW_TO_REPLACE}"
        )
        return CheckResult(part, "failure", text, remedy)
    if token.audience != token.server_url:
        text = f"The token was created for {token.audience}, but names {token.server_url}."
        return CheckResult(part, "warning", text, _HOW_TO_REPLACE)
    if expires_at is not None and expires_at - now < _WARN_BEFORE:
        text = f"The token expires on {expires_at:%Y-%m-%d}."
        return CheckResult(part, "warning", text, _HOW_TO_REPLACE)
    validity = "does not expire" if expires_at is None else f"is valid until {expires_at:%Y-%m-%d}"
    return CheckResult(part, "ok", f"The token for {token.server_url} {validity}.")


def _check_api(api: HatchetApi) -> CheckResult:
    part = "Hatchet API"
    if api.get("/api/ready").status < 400:
        return CheckResult(part, "ok", f"Hatchet is ready at {api.address}.")
    remedy = "Read Hatchet's log (`docker compose logs hatchet`), and check that its database runs."
    return CheckResult(part, "failure", f"Hatchet at {api.address} is not ready.", remedy)


def _check_version(api: HatchetApi) -> CheckResult:
    part = "Hatchet version"
    version = str(_read_fields(api.get("/api/v1/version")).get("version", ""))
    numbers = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", version)
    oldest = ".".join(map(str, OLDEST_VERSION))
    if numbers is None:
        text = f"Hatchet reports {version or 'no version'}, which is not a release."
        return CheckResult(part, "warning", text, "Run a released version.")
    if (int(numbers[1]), int(numbers[2])) < OLDEST_VERSION:
        text = f"Hatchet is {version}. Hogsend is tested with {oldest} and later."
        return CheckResult(part, "warning", text, "Update Hatchet.")
    return CheckResult(part, "ok", f"Hatchet {version}.")


def _check_clock(now_at_hatchet: datetime | None) -> CheckResult:
    part = "Hatchet clock"
    if now_at_hatchet is None:
        return CheckResult(part, "ok", "Hatchet does not report its clock.")
    # Hatchet reports whole seconds: on average half a second is missing.
    difference = abs(now_at_hatchet + timedelta(seconds=0.5) - SystemClock().now())
    seconds = f"{difference.total_seconds():.0f}"
    text = f"Hatchet's clock and this machine's are {seconds} seconds apart."
    if difference > _MAX_CLOCK_SKEW:
        return CheckResult(part, "warning", text, "Turn on time synchronisation on both machines.")
    return CheckResult(part, "ok", text)


def _check_workers(
    api: HatchetApi, token: HatchetToken, settings: Settings, namespace: str | None
) -> CheckResult:
    """Check that workers of this installation are registered, with every journey.

    Args:
        api: Hatchet's API.
        token: names the tenant, whose other workers are ignored.
        settings: of the project.
        namespace: the prefix of the names of our workers; None when none of them has ever run.
    """
    from ...services.journey_context import load_journeys

    part = "Hatchet workers"
    response = api.get(f"/api/v1/tenants/{token.tenant}/worker?statuses=ACTIVE")
    if response.status >= 400:
        text = f"Hatchet did not list its workers (HTTP {response.status})."
        remedy = "Read Hatchet's log (`docker compose logs hatchet`), then check again."
        return CheckResult(part, "warning", text, remedy)
    listed: list[dict[str, Any]] = _read_fields(response).get("rows") or []
    rows = [row for row in listed if namespace and str(row.get("name", "")).startswith(namespace)]
    if namespace is None or not rows:
        text = "No worker of this installation is registered at Hatchet, so no journey runs."
        remedy = "Start `hogsend serve --with-worker`, or `hogsend worker`."
        return CheckResult(part, "warning", text, remedy)
    workflows = {name for row in rows[:_MAX_WORKERS] for name in _list_workflows(api, row)}
    workers = format_count(len(rows), "worker")
    if not settings.journeys.is_dir() or not workflows:
        return CheckResult(part, "ok", f"Hatchet has {workers}.")
    missing = [
        journey_id
        for journey_id in sorted(load_journeys(settings).journeys)
        if f"{namespace}journey-{journey_id}" not in workflows
    ]
    if missing:
        text = f"Hatchet has {workers}, but none for {', '.join(missing)}."
        return CheckResult(part, "warning", text, "Restart the workers with these journeys.")
    return CheckResult(part, "ok", f"Hatchet has {workers}, with every journey.")


def _list_workflows(api: HatchetApi, row: dict[str, Any]) -> set[str]:
    """Return the names of a worker's workflows, which the list of workers leaves out."""
    metadata: dict[str, Any] = row.get("metadata") or {}
    worker_id = metadata.get("id", "")
    response = api.get(f"/api/v1/workers/{worker_id}")
    workflows: list[dict[str, Any]] = _read_fields(response).get("registeredWorkflows") or []
    return {str(workflow.get("name")) for workflow in workflows}


def _read_fields(response: HatchetResponse) -> dict[str, Any]:
    """Return the fields of a JSON object; none when the body is anything else."""
    body = response.body
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}
