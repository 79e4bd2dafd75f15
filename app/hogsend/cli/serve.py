"""`hogsend serve` and `hogsend worker`."""

from __future__ import annotations

import asyncio

import click

from ..config.secret import prepare_data
from ..config.settings import Settings
from ..errors import StartError
from ..process import log_setup
from ..store.db import is_sqlite
from ..store.migrations import bring_up_to_date, pending
from .instance import current_settings


@click.command()
@click.option("--with-worker", is_flag=True, help="Also play journeys and deliver mail.")
@click.option("--reload", is_flag=True, help="Load journeys and templates anew when they change.")
@click.option("--bind", metavar="HOST:PORT", help="Listen there, instead of at HOGSEND_BIND.")
def serve(with_worker: bool, reload: bool, bind: str | None) -> int:
    """Serve the API, the dashboard and the public pages.

    Makes the data folder and the database when they are missing, and prints one line that begins
    with "Hogsend is ready at" once it answers.
    """
    settings = ready_settings({"HOGSEND_BIND": bind} if bind else {})
    from ..process.server import run_server

    return run_server(settings, with_worker=with_worker, reload=reload)


@click.command()
def worker() -> int:
    """Run journeys and deliver mail without the web server.

    For Postgres, where as many as wanted may run, with or without a server beside them.
    """
    settings = current_settings()
    if is_sqlite(settings.database_url):
        raise StartError(
            "A worker of its own needs Postgres: a SQLite file has one writing process.",
            "Use `hogsend serve --with-worker`, or set HOGSEND_DATABASE_URL to a Postgres.",
        )
    from ..process.server import run_worker

    return run_worker(ready_settings({}))


def ready_settings(options: dict[str, str]) -> Settings:
    """Return the settings of a process that stays: data folder made, log set up, schema current.

    Args:
        options: values given on the command line, by the setting's name.

    Raises:
        ConfigError: a setting is wrong.
        StartError: the data folder or the database cannot be used.
    """
    settings = current_settings(options)
    settings = prepare_data(settings)
    log_setup.configure(settings)
    asyncio.run(_bring_schema_up_to_date(settings))
    return settings


async def _bring_schema_up_to_date(settings: Settings) -> None:
    url = settings.database_url
    if is_sqlite(url):
        await bring_up_to_date(url, backups=settings.data / "backups")
    elif missing := await pending(url):
        raise StartError(
            f"The Postgres schema lacks {len(missing)} migration(s) of this version.",
            "Run `hogsend migrate`, then start again.",
        )
