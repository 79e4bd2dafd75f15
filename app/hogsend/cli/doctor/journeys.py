"""The author's folder."""

from __future__ import annotations

from ...config.settings import Settings
from .findings import CheckResult


def journeys(settings: Settings) -> list[CheckResult]:
    """Look whether journeys and mails can be used."""
    from ...delivery.templates import Templates
    from ...turns.folder_loader import load

    part = "journeys"
    if not settings.journeys.is_dir():
        text = f"There is no folder {settings.journeys}."
        return [CheckResult(part, "warning", text, "Run `hogsend init`, or set HOGSEND_JOURNEYS.")]
    registry = load(settings.journeys)
    templates = Templates.load(settings.journeys, list(registry.lists))
    broken = len(registry.broken) + len(templates.broken)
    if broken:
        text = f"{broken} file(s) cannot be used; the others work."
        return [CheckResult(part, "warning", text, "Run `hogsend journeys check`.")]
    text = f"{len(registry.journeys)} journeys, {len(templates.by_key)} mail templates."
    return [CheckResult(part, "ok", text)]
