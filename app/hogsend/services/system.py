"""The system: which program runs, on which database, with what in its queues."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .. import __version__
from ..domain.journey import BrokenFile
from ..store import corrupt_rows, lag, meta, workers
from ..store.read_models import overview as queues
from ..store.read_models import system as read_model
from ..store.read_models.counts import BoundedCount
from ..store.workers import WorkerInfo
from .actor import Actor, Permission
from .context import ServiceContext
from .health import LATE

__all__ = ["SystemReport", "WorkerInfo", "get_system_report", "show_corrupt_rows"]


@dataclass(frozen=True, slots=True)
class SystemReport:
    """What the system page shows.

    Args:
        version: of this program.
        python_version: of the interpreter.
        database: the kind and version of the database.
        database_size: in bytes.
        free_space: on the disk of the data folder, in bytes.
        send_hold: why sending is on hold, if it is.
        next_turn: when the first turn is, or was, due.
        overdue: how many turns have been due for longer than a minute.
        queued: how many mails wait to be sent.
        oldest_queued: when the first of them is, or was, due.
        hatchet_runs: how many enrollments run as Hatchet runs.
        workers: the workers on this database; empty where they cannot be seen.
        broken_files: the author's files that could not be used.
        templates: how many templates there are.
    """

    version: str
    python_version: str
    database: str
    database_size: int
    free_space: int
    send_hold: str | None
    next_turn: datetime | None
    overdue: BoundedCount
    queued: BoundedCount
    oldest_queued: datetime | None
    hatchet_runs: BoundedCount
    workers: Sequence[WorkerInfo]
    broken_files: Sequence[BrokenFile]
    templates: int


async def get_system_report(context: ServiceContext, actor: Actor) -> SystemReport:
    """Return what runs here and what waits.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    database, data_folder = context.database, context.settings.data
    next_turn, overdue, queued, oldest_queued, send_hold, runs, others = await database.read(
        queues.find_oldest_due(),
        queues.count_overdue(context.clock.now() - LATE),
        queues.count_queued(),
        lag.find_next_send(),
        meta.find_value(meta.SEND_HOLD),
        read_model.count_hatchet_runs(),
        workers.find_registered(is_sqlite=database.is_sqlite),
    )
    database_name, size = await read_model.describe(database)
    return SystemReport(
        version=__version__,
        python_version=platform.python_version(),
        database=database_name,
        database_size=size,
        free_space=shutil.disk_usage(data_folder).free if data_folder.exists() else 0,
        send_hold=send_hold,
        next_turn=next_turn,
        overdue=overdue,
        queued=queued,
        oldest_queued=oldest_queued,
        hatchet_runs=runs,
        workers=others,
        broken_files=context.content.broken,
        templates=len(context.content.templates.by_key),
    )


def show_corrupt_rows() -> None:
    """Let the present request read damaged rows as far as possible, instead of failing."""
    corrupt_rows.show_corrupt_rows()
