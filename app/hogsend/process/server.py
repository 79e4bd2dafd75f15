"""The server process: a socket, Hypercorn, signals, and the output when it is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from hypercorn.config import Config

from ..compat.hypercorn import serve as serve_asgi
from ..config.settings import Settings, local_address
from ..errors import StartError
from ..store import keys, operators
from ..web.app import create_app
from .event_loop import exit_with, run, tune_interpreter
from .reload import reload_when_edited
from .runtime import Runtime, open_runtime

log = logging.getLogger("hogsend")

LARGEST_HEAD = 64 * 1024
MOST_FILES = 65_536
# The binary's first process passes on what its group gets too: one Ctrl-C is then heard twice.
SAME_SIGNAL = 0.5
FIRST_RUN_FILE = "first-run.txt"
_KEY_LINE = "Ingest key"


async def serve(settings: Settings, *, with_worker: bool, reload: bool) -> int:
    """Serve until a signal; return the exit status.

    Raises:
        StartError: the address is taken, or another worker holds the data folder.
        ConfigError: settings do not fit together.
    """
    tune_interpreter()
    _allow_many_connections()
    stopping = asyncio.Event()
    _stop_on_signals(stopping.set)
    with _listening(settings) as listener:
        async with open_runtime(settings, with_worker=with_worker) as runtime:
            app = create_app(runtime)
            site = asyncio.create_task(serve_asgi(app, _config(listener), stop=stopping.wait))
            reloading = asyncio.create_task(reload_when_edited(runtime)) if reload else None
            await _announce(runtime, listener)
            await runtime.plan_changes()
            stopped = asyncio.create_task(stopping.wait())
            await asyncio.wait([site, stopped], return_when=asyncio.FIRST_COMPLETED)
            # Open event streams end themselves when they hear of nothing any more.
            runtime.change_feed.close()
            if reloading is not None:
                reloading.cancel()
            # Side by side, so that slow requests take nothing off a hand-over's time.
            await asyncio.gather(site, runtime.stop_work())
    return 0


async def work(settings: Settings) -> int:
    """Play journeys and deliver mail until a signal; return the exit status."""
    tune_interpreter()
    stopping = asyncio.Event()
    _stop_on_signals(stopping.set)
    async with open_runtime(settings, with_worker=True) as runtime:
        print("Hogsend works: it plays journeys and delivers mail.", flush=True)
        await runtime.plan_changes()
        await stopping.wait()
    return 0


def _allow_many_connections() -> None:
    """Raise the soft limit of open files to the hard one: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST_FILES), hard))


@contextmanager
def _listening(settings: Settings) -> Generator[socket.socket]:
    """Bind the address before anything else, so that a taken port costs nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartError(
            f"Cannot listen on {settings.bind}: {error.strerror or error}.",
            "Stop what uses the port, or choose another with HOGSEND_BIND or --bind.",
        ) from None
    listener.listen(1024)
    listener.setblocking(False)
    try:
        yield listener
    finally:
        # Hypercorn has closed it when it came to serve.
        with suppress(OSError):
            listener.close()


def _config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hogsend.http")
    config.graceful_timeout = 3
    config.keep_alive_timeout = 75
    config.h11_max_incomplete_size = LARGEST_HEAD
    config.include_server_header = False
    return config


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop at the first SIGTERM or SIGINT, leave at once at the second."""
    loop = asyncio.get_running_loop()
    first_signal_at: float | None = None

    def handle_signal() -> None:
        nonlocal first_signal_at
        if first_signal_at is None:
            first_signal_at = time.monotonic()
            stop()
        elif time.monotonic() - first_signal_at > SAME_SIGNAL:
            os._exit(1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle_signal)


async def _announce(runtime: Runtime, listener: socket.socket) -> None:
    """Say where the dashboard is, and on the first start how to get in."""
    settings = runtime.settings
    port = listener.getsockname()[1]
    address = settings.base_url if settings.port else local_address(settings.host, port)
    facts = await _first_run(runtime, address)
    path = settings.data / FIRST_RUN_FILE
    shown = sys.stdout.isatty()
    if facts and not shown:
        # Before anybody is told that we are ready, and so looks for it.
        _write_private(path, facts)
    print(f"Hogsend is ready at {address}", flush=True)
    if facts and shown:
        print(facts, flush=True)
    elif facts:
        print(f"How to get in for the first time is written in {path}", flush=True)


async def _first_run(runtime: Runtime, address: str) -> str:
    """Make the first ingest key and sign-in link where there are none; return them as text."""
    database, settings, now = runtime.database, runtime.settings, runtime.clock.now()
    lines: list[str] = []
    given = settings.api_key
    if given and await keys.find(database, keys.digest_of(given)) is None:
        await keys.create(
            database, name="HOGSEND_API_KEY", scopes=[keys.INGEST], now=now, text=given
        )
    elif not await keys.any_key(database):
        _, text = await keys.create(database, name="First key", scopes=[keys.INGEST], now=now)
        lines.append(f"{_KEY_LINE} (shown once): {text}")
    if not await operators.any_operator(database):
        token = await operators.make_link(database, now)
        lines.append(f"Sign in and set a password: {address}/sign-in/{token}")
    return "\n".join(lines)


def _write_private(path: Path, text: str) -> None:
    """Write the facts of a first start; a key that an earlier start wrote stays readable."""
    if path.exists() and not text.startswith(_KEY_LINE):
        kept = [one for one in path.read_text().splitlines() if one.startswith(_KEY_LINE)]
        text = "\n".join([*kept, text])
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")


def run_server(settings: Settings, *, with_worker: bool, reload: bool) -> int:
    """Serve until a signal ends the process; return its exit status."""
    return exit_with(run(serve(settings, with_worker=with_worker, reload=reload)))


def run_worker(settings: Settings) -> int:
    """Play journeys and deliver mail without a web server, until a signal; return the status."""
    return exit_with(run(work(settings)))
