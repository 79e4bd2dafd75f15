"""The code in a journeys' folder: loaded, checked, and tried on the people in its journeys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..delivery.style_check import find_dropped_styles
from ..delivery.template_trial import find_unguarded
from ..delivery.templates import FOLDER, Templates
from ..domain.journey import BrokenFile
from ..turns.folder_check import diagnose_folder
from ..turns.folder_loader import load
from ..turns.plan import JourneyPlan, count_live, plan_journeys
from ..turns.registry import Registry
from ..turns.static_analysis.diagnostics import Diagnostic
from ..turns.turn_inputs import JourneyCode, TurnLimits
from .actor import Actor, Permission
from .installation import Installation

__all__ = [
    "Diagnostic",
    "FolderCheck",
    "FolderPlan",
    "JourneyFolder",
    "JourneyPlan",
    "check_folder",
    "load_folder",
    "plan_folder",
]

# Receives how many enrollments were tried so far, and how many there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class JourneyFolder:
    """What a journeys' folder holds, without what a server needs to send its mails.

    Args:
        path: the folder.
        registry: its journeys and lists.
        templates: its mail templates.
    """

    path: Path
    registry: Registry
    templates: Templates

    @property
    def broken(self) -> Sequence[BrokenFile]:
        """Every file that could not be used."""
        return (*self.registry.broken, *self.templates.broken)

    @property
    def template_keys(self) -> set[str]:
        """The keys of all templates, those with a broken file included."""
        broken = {Path(broken.file).stem for broken in self.templates.broken}
        return {*self.templates.by_key, *broken}


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """The outcome of checking a folder.

    Args:
        folder: what was checked.
        findings: its problems, by file and line.
    """

    folder: JourneyFolder
    findings: Sequence[Diagnostic]


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What would happen to people if a folder's code were used.

    Args:
        folder: the code that was tried.
        plans: a plan for each journey that has people in it.
    """

    folder: JourneyFolder
    plans: Sequence[JourneyPlan]

    @property
    def people(self) -> int:
        """How many people are in journeys."""
        return sum(plan.people for plan in self.plans)

    @property
    def endangered(self) -> int:
        """How many people continue now, and would drift, fail or be parked."""
        return sum(plan.endangered for plan in self.plans)


def load_folder(path: Path) -> JourneyFolder:
    """Load a journeys' folder; what is broken is reported in the result, never raised."""
    registry = load(path)
    return JourneyFolder(path, registry, Templates.load(path, list(registry.lists)))


def check_folder(path: Path, actor: Actor) -> FolderCheck:
    """Check every journey, list and template of a folder, without running anything.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    folder = load_folder(path)
    findings = [
        Diagnostic(broken.file, broken.line, broken.problem, broken.remedy)
        for broken in folder.broken
    ]
    findings += [
        Diagnostic(dropped.file, dropped.line, dropped.problem, dropped.remedy, "warning")
        for dropped in find_dropped_styles(path / FOLDER)
    ]
    findings += diagnose_folder(path, folder.registry, folder.template_keys)
    findings += [
        Diagnostic(use.file, use.line, use.problem, use.remedy, "warning")
        for key in folder.templates.keys()  # noqa: SIM118 (sorted, and not a mapping)
        for use in find_unguarded(folder.templates.get(key))
    ]
    return FolderCheck(folder, findings)


async def plan_folder(
    installation: Installation, actor: Actor, path: Path, on_progress: Progress
) -> FolderPlan:
    """Replay the journals of everyone in a journey with a folder's code; nothing is written.

    Args:
        installation: whose people.
        actor: who asks.
        path: the folder.
        on_progress: receives how many enrollments were tried so far, and how many there are.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    folder = load_folder(path)
    templates = folder.templates.by_key.values()
    code = JourneyCode(folder.registry, {template.key: template.list_id for template in templates})
    settings = installation.settings
    people_by_journey = await count_live(installation.database)
    total = sum(people_by_journey.values())
    on_progress(0, total)
    plans = await plan_journeys(
        installation.database,
        installation.clock,
        code,
        sorted(people_by_journey),
        limits=TurnLimits(timedelta(seconds=settings.turn_time_limit), settings.turn_step_limit),
        on_progress=lambda replayed: on_progress(replayed, total),
    )
    return FolderPlan(folder, [journey_plan for journey_plan in plans if journey_plan.people])
