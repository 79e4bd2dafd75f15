"""`hogsend serve` and `hogsend worker`."""

from __future__ import annotations

import asyncio

import click

from ..config.secret import prepare_data
from ..config.settings import Settings
from ..errors import StartError
from ..process import log_setup
from ..services.actor import SYSTEM
from ..services.installation import find_database_file
from ..services.schema import prepare_schema
from .instance import load_current_settings


@click.command()
@click.option("--with-worker", is_flag=True, help="Also run journeys and deliver mail.")
@click.option("--reload", is_flag=True, help="Reload journeys and templates when they change.")
@click.option("--bind", metavar="HOST:PORT", help="Listen there instead of at HOGSEND_BIND.")
def serve(with_worker: bool, reload: bool, bind: str | None) -> int:
    """Serve the API, the dashboard and the public pages.

    Creates the data folder and the database if they are missing. Prints one line that begins with
    "Hogsend is ready at" once it answers requests.
    """
    settings = _prepare({"HOGSEND_BIND": bind} if bind else {})
    from ..process.server import run_server

    return run_server(settings, with_worker=with_worker, reload=reload)


@click.command()
def worker() -> int:
    """Run journeys and deliver mail without the web server.

    Needs Postgres, where any number of workers can run, with or without a server beside them.
    """
    if find_database_file(load_current_settings()) is not None:
        raise StartError(
            "`hogsend worker` needs Postgres: only one process can work on a SQLite file.",
            "Use `hogsend serve --with-worker`, or set HOGSEND_DATABASE_URL to a Postgres.",
        )
    settings = _prepare({})
    from ..process.server import run_worker

    return run_worker(settings)


def _prepare(options: dict[str, str]) -> Settings:
    """Prepare the data folder, the log and the schema for a process that keeps running.

    Args:
        options: values given on the command line, by the setting's name.

    Returns:
        The settings, with secrets.

    Raises:
        ConfigError: a setting is wrong.
        StartError: the data folder or the database cannot be used.
    """
    settings = prepare_data(load_current_settings(options))
    log_setup.configure(settings)
    asyncio.run(prepare_schema(settings, SYSTEM))
    return settings
