"""Checks the engine: whether workers run, and whether work waits too long for one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ...config.settings import Settings
from ...services.actor import COMMAND_LINE
from ..instance import run_with_installation
from .check_result import CheckResult
from .machine import has_current_schema

if TYPE_CHECKING:
    from ...services.worker_report import WorkerReport

# Work that has been due for longer than this is late.
_LATE = timedelta(minutes=1)
_START_WORKER = "Start `hogsend serve --with-worker`, or `hogsend worker`."


def check_engine(settings: Settings) -> list[CheckResult]:
    """Check the engine that is configured, its workers, and enrollments that are late."""
    results = [CheckResult("engine", "ok", _describe_choice(settings))]
    report = _read_report(settings)
    if report is not None:
        results += [*_check_workers(settings.engine, report), _check_wakes(report)]
    if settings.engine == "hatchet":
        from .hatchet import check_hatchet

        results += check_hatchet(settings, report.installation_id if report else None)
    return results


def _describe_choice(settings: Settings) -> str:
    if settings.origins["HOGSEND_ENGINE"] != "default":
        return f"The engine is {settings.engine}, set by HOGSEND_ENGINE."
    if settings.engine == "hatchet":
        return "The engine is hatchet, because HATCHET_CLIENT_TOKEN is set."
    return "The engine is embedded."


def _read_report(settings: Settings) -> WorkerReport | None:
    """Read the database; None when there is none, or one with another schema."""
    from ...services.worker_report import read_worker_report

    if not has_current_schema(settings):
        return None
    return run_with_installation(
        lambda installation: read_worker_report(installation, COMMAND_LINE)
    )


def _check_workers(engine: str, report: WorkerReport) -> list[CheckResult]:
    workers = report.workers
    if workers is None:
        return []
    other = next((worker for worker in workers if worker.engine not in ("", engine)), None)
    if other is not None:
        text = f"{other.name} runs journeys on the {other.engine} engine, not on {engine}."
        remedy = "Start all workers with the same settings."
        return [CheckResult("workers", "warning", text, remedy)]
    if workers:
        names = ", ".join(worker.name for worker in workers)
        running = "worker is running" if len(workers) == 1 else "workers are running"
        return [CheckResult("workers", "ok", f"{len(workers)} {running}: {names}.")]
    if report.overdue is not None and report.overdue > _LATE:
        return [CheckResult("workers", "warning", "No worker is running.", _START_WORKER)]
    return [CheckResult("workers", "ok", "No worker is running, and none is needed right now.")]


def _check_wakes(report: WorkerReport) -> CheckResult:
    if report.overdue is None:
        return CheckResult("wakes", "ok", "No enrollment is due.")
    seconds = int(report.overdue.total_seconds())
    text = f"The oldest enrollment has been due for {timedelta(seconds=seconds)}."
    if report.overdue <= _LATE:
        return CheckResult("wakes", "ok", text)
    remedy = "Check that a worker runs, and read its log. The Journeys page shows who is waiting."
    return CheckResult("wakes", "warning", text, remedy)
