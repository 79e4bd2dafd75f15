"""Names that a journey must not use outside of `ctx`: clock, randomness, network, disk, threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

USE_NOW = "Use `await ctx.now()`, which gives the same instant at every replay."
USE_RANDOM = "Use `await ctx.random()`, or `await ctx.variant(…)` to choose an arm."
USE_UUID = "Use `await ctx.uuid()`, which gives the same id at every replay."
USE_STEP = 'Put it into a function, and give that to `await ctx.step("key", function)`.'
USE_SLEEP = "Use `await ctx.sleep(…)`: the person waits, and the server goes on."
AWAIT_IN_TURN = (
    "Await ctx calls one after the other, and put other asynchronous work into "
    "`await ctx.step(key, function)`."
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a journey must not use a name.

    Args:
        problem: the rest of a sentence that begins with the name.
        remedy: what to do instead.
        severity: `error` when the use certainly breaks a replay.
    """

    problem: str
    remedy: str
    severity: Severity = "error"


_CLOCK = Rule("reads the clock, and a replay would read another time", USE_NOW)
_TIMER = Rule("measures time, which differs at each replay", USE_NOW, "warning")
_RANDOM = Rule("is random, and a replay would return another value", USE_RANDOM)
_ID = Rule("creates another id at each replay", USE_UUID)
_NETWORK = Rule("talks to the network, again at every replay", USE_STEP)
_DISK = Rule("reads or writes outside of the journal, again at every replay", USE_STEP)
_PROCESS = Rule("starts work outside of the journal, again at every replay", USE_STEP)
_SLEEP = Rule("keeps the server waiting", USE_SLEEP)
_INPUT = Rule("waits for input at the terminal", USE_STEP)
_ASYNC = Rule("needs an event loop, which a journey does not have", AWAIT_IN_TURN)
_ENVIRONMENT = Rule(
    "may be different at the next replay", "Read it once, at the top of the file.", "warning"
)
_HASH = Rule(
    "returns another number for the same text after a restart",
    "Use `await ctx.variant(…)`, or `zlib.crc32` on the text's bytes.",
    "warning",
)

_EXACT: Mapping[str, Rule] = {
    **dict.fromkeys(("datetime.datetime.now", "datetime.datetime.utcnow"), _CLOCK),
    **dict.fromkeys(("datetime.datetime.today", "datetime.date.today"), _CLOCK),
    **dict.fromkeys(("time.time", "time.time_ns", "time.ctime", "time.localtime"), _CLOCK),
    **dict.fromkeys(("time.gmtime", "time.clock_gettime", "time.asctime"), _CLOCK),
    **dict.fromkeys(("time.monotonic", "time.perf_counter", "time.process_time"), _TIMER),
    **dict.fromkeys(("time.monotonic_ns", "time.perf_counter_ns"), _TIMER),
    **dict.fromkeys((f"uuid.uuid{n}" for n in (1, 4, 6, 7)), _ID),
    **dict.fromkeys(("os.urandom", "os.getrandom"), _RANDOM),
    **dict.fromkeys(("os.getenv", "os.environ"), _ENVIRONMENT),
    **dict.fromkeys(
        (f"os.{n}" for n in ("open", "read", "write", "listdir", "scandir", "walk", "stat")), _DISK
    ),
    **dict.fromkeys(
        (f"os.{n}" for n in ("remove", "unlink", "rename", "replace", "mkdir", "makedirs")), _DISK
    ),
    **dict.fromkeys((f"os.path.{n}" for n in ("exists", "isfile", "isdir", "getmtime")), _DISK),
    **dict.fromkeys(("os.system", "os.popen", "os.fork", "os.kill"), _PROCESS),
    **dict.fromkeys(
        (f"pathlib.Path.{n}" for n in ("read_text", "read_bytes", "write_text", "write_bytes")),
        _DISK,
    ),
    **dict.fromkeys(
        (f"pathlib.Path.{n}" for n in ("open", "exists", "is_file", "is_dir", "iterdir", "unlink")),
        _DISK,
    ),
    "time.sleep": _SLEEP,
    "builtins.open": _DISK,
    "io.open": _DISK,
    "builtins.input": _INPUT,
    "builtins.hash": _HASH,
}
# Rules for every name of a module, and for the module.
_MODULES: Mapping[str, Rule] = {
    **dict.fromkeys(("random", "secrets", "numpy.random"), _RANDOM),
    **dict.fromkeys(("httpx", "requests", "aiohttp", "urllib3", "urllib.request"), _NETWORK),
    **dict.fromkeys(("socket", "ssl", "smtplib", "aiosmtplib", "ftplib", "imaplib"), _NETWORK),
    **dict.fromkeys(("http.client", "poplib", "telnetlib", "xmlrpc", "websockets"), _NETWORK),
    **dict.fromkeys(("boto3", "stripe", "openai", "anthropic", "slack_sdk", "twilio"), _NETWORK),
    **dict.fromkeys(("redis", "psycopg", "psycopg2", "asyncpg", "aiosqlite"), _NETWORK),
    **dict.fromkeys(("sqlite3", "shutil", "tempfile"), _DISK),
    **dict.fromkeys(("subprocess", "threading", "multiprocessing", "concurrent.futures"), _PROCESS),
    **dict.fromkeys(("asyncio", "anyio", "trio"), _ASYNC),
}
_HARMLESS = {"secrets.compare_digest"}
_SEEDED = {"random.Random", "time.gmtime", "time.localtime", "time.asctime", "time.ctime"}


def find_rule(name: str, arguments: int) -> Rule | None:
    """Return the rule against calling a function in a journey; None when the call is allowed.

    Args:
        name: the full name, such as `datetime.datetime.now`.
        arguments: the number of arguments.
    """
    if name in _HARMLESS or _is_computed(name, arguments):
        return None
    if name in _EXACT:
        return _EXACT[name]
    if name == "time.strftime":
        return _CLOCK if arguments == 1 else None
    parts = name.split(".")
    tops = (".".join(parts[:n]) for n in (1, 2) if n < len(parts))
    return next((_MODULES[top] for top in tops if top in _MODULES), None)


def _is_computed(name: str, arguments: int) -> bool:
    """Return whether a call computes its result from its arguments alone."""
    return arguments > 0 and name in _SEEDED
