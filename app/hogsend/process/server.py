"""Runs the server process: its socket, Hypercorn, signals, and the output when it is ready."""

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

from ..compat.hypercorn import ServerConfig
from ..compat.hypercorn import serve as serve_asgi
from ..config.settings import Settings, build_local_address
from ..errors import StartError
from ..services.actor import SYSTEM
from ..services.keys import create_key, register_key
from ..store import keys, operators
from ..web.app import create_app
from ..web.connection_limits import ConnectionLimits
from .event_loop import exit_with, run, tune_interpreter
from .reload import reload_when_edited
from .runtime import Runtime, open_runtime

log = logging.getLogger("hogsend")

# The largest head of a request, in bytes.
MAX_HEAD_BYTES = 64 * 1024
MAX_FILES = 65_536
# Files that connections of clients may not use up.
RESERVED_FILES = 256
# A second signal within this long is the first one again, in seconds: the first process of the
# binary forwards a Ctrl-C that the terminal has sent to the whole process group.
DUPLICATE_SIGNAL = 0.5
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
    with _listen(settings) as listener:
        async with open_runtime(settings, with_worker=with_worker) as runtime:
            address = _find_address(settings, listener)
            # Before the first request is answered: requests that arrive earlier wait.
            credentials = await _create_credentials(runtime, address)
            app, accepting = create_app(runtime), asyncio.Event()
            app.before_serving(accepting.set)
            config = _build_config(listener, settings)
            site = asyncio.create_task(serve_asgi(app, config, stop=stopping.wait))
            reloading = _start_reloading(runtime) if reload else None
            if await _is_accepting(site, accepting):
                _announce(settings, address, credentials)
            await runtime.plan_changes()
            stopped = asyncio.create_task(stopping.wait())
            await asyncio.wait([site, stopped], return_when=asyncio.FIRST_COMPLETED)
            # Open event streams end when the change feed is closed.
            runtime.change_feed.close()
            if reloading is not None:
                reloading.cancel()
            # Concurrently, so that slow requests do not shorten the time for hand-overs.
            await asyncio.gather(site, runtime.stop_work())
    return 0


async def work(settings: Settings) -> int:
    """Run journeys and deliver mail until a signal; return the exit status."""
    tune_interpreter()
    stopping = asyncio.Event()
    _stop_on_signals(stopping.set)
    async with open_runtime(settings, with_worker=True) as runtime:
        print("Hogsend is ready: the worker runs journeys and delivers mail.", flush=True)
        await runtime.plan_changes()
        await stopping.wait()
    return 0


def _start_reloading(runtime: Runtime) -> asyncio.Task[None]:
    """Reload edited journeys in the background, and log the error if that ends."""

    def log_failure(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("edited journeys are not reloaded any more; restart", exc_info=error)

    reloading = asyncio.create_task(reload_when_edited(runtime))
    reloading.add_done_callback(log_failure)
    return reloading


def _allow_many_connections() -> None:
    """Raise the soft limit of open files to the hard one: each connection needs a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MAX_FILES), hard))


@contextmanager
def _listen(settings: Settings) -> Generator[socket.socket]:
    """Bind the address before anything else, so that a port in use is reported at once."""
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
        # Hypercorn has closed it already if it served.
        with suppress(OSError):
            listener.close()


def _build_config(listener: socket.socket, settings: Settings) -> ServerConfig:
    config = ServerConfig()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hogsend.http")
    config.graceful_timeout = 3
    config.keep_alive_timeout = 75
    config.h11_max_incomplete_size = MAX_HEAD_BYTES
    config.include_server_header = False
    config.admission = ConnectionLimits(
        min(settings.max_connections, _count_spare_files()),
        settings.max_connections_per_address,
        settings.trusted_proxies,
    )
    return config


def _count_spare_files() -> int:
    """Return how many connections leave enough files for the database, mails and journeys."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - RESERVED_FILES, soft // 2)


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop at the first SIGTERM or SIGINT; exit at once at the second."""
    loop = asyncio.get_running_loop()
    stopped_at: float | None = None

    def on_signal() -> None:
        nonlocal stopped_at
        if stopped_at is None:
            stopped_at = time.monotonic()
            stop()
        elif time.monotonic() - stopped_at > DUPLICATE_SIGNAL:
            os._exit(1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)


def _find_address(settings: Settings, listener: socket.socket) -> str:
    """Return the dashboard's address, with the port that the system chose for 0."""
    port = listener.getsockname()[1]
    return settings.base_url if settings.port else build_local_address(settings.host, port)


async def _is_accepting(site: asyncio.Task[None], accepting: asyncio.Event) -> bool:
    """Wait until the server accepts requests; return False when it has ended instead."""
    accepted = asyncio.create_task(accepting.wait())
    await asyncio.wait([site, accepted], return_when=asyncio.FIRST_COMPLETED)
    accepted.cancel()
    return not site.done()


def _announce(settings: Settings, address: str, credentials: str) -> None:
    """Print the address of the dashboard, and at the first start how to sign in."""
    print(f"Hogsend is ready at {address}", flush=True)
    if credentials and sys.stdout.isatty():
        print(credentials, flush=True)
    elif credentials:
        path = settings.data / FIRST_RUN_FILE
        print(f"The details for the first sign-in are in {path}", flush=True)


async def _create_credentials(runtime: Runtime, address: str) -> str:
    """Create the first ingest key and sign-in link if there are none.

    Returns:
        Both as text; they are also in a file when no terminal shows them.
    """
    database, settings, now = runtime.database, runtime.settings, runtime.clock.now()
    lines: list[str] = []
    configured = settings.api_key
    if configured and await keys.find(database, keys.compute_digest(configured)) is None:
        await register_key(runtime, SYSTEM, name="HOGSEND_API_KEY", text=configured)
    elif not await keys.any_key(database):
        _, text = await create_key(runtime, SYSTEM, name="First key", scopes=[keys.INGEST])
        lines.append(f"{_KEY_LINE} (shown once): {text}")
    if not await operators.has_operators(database):
        token = await operators.create_link(database, now)
        lines.append(f"Sign in and set a password: {address}/sign-in/{token}")
    credentials = "\n".join(lines)
    if credentials and not sys.stdout.isatty():
        _write_private(settings.data / FIRST_RUN_FILE, credentials)
    return credentials


def _write_private(path: Path, text: str) -> None:
    """Write the credentials of a first start; a key that an earlier start wrote is kept."""
    if path.exists() and not text.startswith(_KEY_LINE):
        kept = [line for line in path.read_text().splitlines() if line.startswith(_KEY_LINE)]
        text = "\n".join([*kept, text])
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")


def run_server(settings: Settings, *, with_worker: bool, reload: bool) -> int:
    """Serve until a signal ends the process; return its exit status."""
    return exit_with(run(serve(settings, with_worker=with_worker, reload=reload)))


def run_worker(settings: Settings) -> int:
    """Run journeys and deliver mail without a web server, until a signal; return the status."""
    return exit_with(run(work(settings)))
