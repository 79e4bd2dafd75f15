"""Write migrations out of the models, for SQLite and for Postgres.

    make migration NAME=add_tags      the difference between the last migration and the models
    make migrations-fresh             one first migration instead of all: only before a release

Each is made in a database of its own that has had the migrations so far. Read what was written:
aerich compares columns and indexes, moving data between them is written by hand.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from aerich import Command
from aerich.models import Aerich
from aerich.utils import get_models_describe
from tortoise.context import TortoiseContext

from hogsend.store.migrations import APP, apply_pending, build_migration_config, find_folder
from tests.postgres import running_postgres


async def write(url: str, name: str | None, folder: Path | None = None) -> str | None:
    """Write one database's migration.

    Args:
        url: an empty database.
        name: what changes, in a few words joined by `_`; None writes the first migration.
        folder: where the migrations are; in the repository unless given.

    Returns:
        The new file's name, or None when the models have not changed.
    """
    folder = folder or find_folder(url)
    if name is not None:
        await apply_pending(url, backups=None)
    async with TortoiseContext(), Command(build_migration_config(url), APP, str(folder)) as command:
        if name is None:
            for file in (folder / APP).glob("[0-9]*_*.py"):
                file.unlink()
            await command.init_db(safe=False)
            return next((folder / APP).glob("0_*.py")).name
        await follow_renamed_classes()
        await command.init()
        return await command.migrate(name, no_input=True) or None


async def follow_renamed_classes() -> None:
    """Give the models of the last migration the present names of their classes.

    Aerich takes a model whose class and docstring have changed for another model: the migration
    would create its table, which exists, and then drop it with everything in it.
    """
    models: dict[str, dict[str, Any]] = get_models_describe(APP)
    present = {model["table"]: name for name, model in models.items()}
    last: Any = await Aerich.filter(app=APP).order_by("-id").first()
    last.content = {
        present.get(model["table"], name): {**model, "name": present.get(model["table"], name)}
        for name, model in last.content.items()
    }
    await last.save()


def write_apart(url: str, name: str | None) -> str | None:
    """Write one database's migration, in a process that has not written one before."""
    return asyncio.run(write(url, name))


def main(arguments: list[str]) -> None:
    name = arguments[0] if arguments else None
    # Aerich keeps the statements of one database and would repeat them for the next.
    apart = ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)
    with tempfile.TemporaryDirectory() as folder, running_postgres() as postgres, apart:
        for url in (f"sqlite://{folder}/models.db", postgres):
            written = apart.submit(write_apart, url, name).result()
            print(f"{find_folder(url).name}: {written or 'the models have not changed'}")


if __name__ == "__main__":
    main(sys.argv[1:])
