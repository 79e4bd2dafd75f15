"""Checks the author's folder."""

from __future__ import annotations

from ...config.settings import Settings
from ...domain.journey import count_files
from ..output import format_count
from .check_result import CheckResult


def check_journeys(settings: Settings) -> list[CheckResult]:
    """Check that journeys and mail templates can be loaded."""
    from ...services.journey_code import load_folder

    part = "journeys"
    if not settings.journeys.is_dir():
        text = f"There is no folder {settings.journeys}."
        return [CheckResult(part, "warning", text, "Run `hogsend init`, or set HOGSEND_JOURNEYS.")]
    folder = load_folder(settings.journeys)
    if folder.broken:
        text = (
            f"{format_count(count_files(folder.broken), 'file')} cannot be used; the others work."
        )
        return [CheckResult(part, "warning", text, "Run `hogsend journeys check`.")]
    journeys = format_count(len(folder.registry.journeys), "journey")
    templates = format_count(len(folder.templates.by_key), "mail template")
    return [CheckResult(part, "ok", f"{journeys} and {templates} can be used.")]
