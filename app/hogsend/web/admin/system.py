"""The system: what runs here, what is queued, and where things are."""

from __future__ import annotations

import platform
import shutil

from ... import __version__
from ...config.hatchet_token import dashboard
from ...store import meta, workers
from ...store.read_models import overview as queues
from ...store.read_models import system as screen
from ..auth import Answer
from ..pages import content, context, page
from .base import blueprint
from .overview import LATE


@blueprint.get("/system")
async def show_system() -> Answer:
    """Show version, engine, worker, database, queues, and the author's broken files."""
    current = context()
    settings, database, now = current.settings, current.database, current.clock.now()
    first, late, queued, oldest_mail, fence, runs, found = await database.read(
        queues.oldest_due(),
        queues.overdue(now - LATE),
        queues.queued(),
        queues.oldest_queued(),
        meta.value(meta.FENCE),
        screen.hatchet_runs(),
        workers.at_work(is_sqlite=database.is_sqlite),
    )
    name, size = await screen.described(database)
    return page(
        "admin/system.html",
        python=platform.python_version(),
        program=__version__,
        settings=settings,
        provider=settings.mail.partition(":")[0],
        engine=settings.engine,
        dashboard=dashboard() if settings.engine == "hatchet" else None,
        runs=runs,
        workers=found,
        first=first,
        late=late,
        queued=queued,
        oldest_mail=oldest_mail,
        fence=fence,
        database_name=name,
        size=size,
        free=shutil.disk_usage(settings.data).free if settings.data.exists() else 0,
        broken=content().broken,
        templates=len(content().templates.by_key),
    )
