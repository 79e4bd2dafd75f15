"""One life of a worker: the real runtime on a data folder, told of facts by the test's process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from hogsend.config.settings import load_settings
from hogsend.delivery import tracking
from hogsend.delivery.tracking import Visit
from hogsend.domain import engagement
from hogsend.domain.incoming import IncomingEvent
from hogsend.errors import Conflict
from hogsend.process import retention
from hogsend.process.retention import RetentionPolicy
from hogsend.process.runtime import Runtime, open_runtime
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.enrollments import run_action, run_action_on_all
from hogsend.store import enrollments
from hogsend.store.retention import IDEMPOTENCY_KEYS, MAILS
from hogsend.turns import commit, step_attempts
from hogsend.turns.runner import MOST_STUCK

from .points import Fate, watch
from .posting import PORT

BROWSER = Visit("GET", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "192.0.2.7")
# What takes hours or seconds in earnest takes a moment here, and a person's patience never ends.
HOLD = timedelta(milliseconds=150)
# Here somebody may read a mail before the worker has heard that it was taken.
TOO_SOON = timedelta(hours=-1)
RETRY_AFTER = (timedelta(milliseconds=20),) * 500
RETENTION_EVERY = timedelta(milliseconds=50)
# Journals are summed up soon after their end, and mails forgotten when nobody looks at them.
KEEP = RetentionPolicy(
    timedelta(milliseconds=100), {MAILS: timedelta(milliseconds=200), IDEMPOTENCY_KEYS: None}
)


@dataclass(frozen=True)
class Life:
    """How a worker is to live.

    Args:
        folder: with `data` and `journeys`.
        mail: the SMTP server.
        feed: the socket where the product is.
        hook: the port of the web server that steps post to.
        point: where it dies; None lets it live until it is killed or told to stop.
        number: at which passing of that point.
        stopped: journeys that have passed their turns' time limit too often to be played.
    """

    folder: str
    mail: str
    feed: str
    hook: int
    point: str | None = None
    number: int = 1
    stopped: tuple[str, ...] = ()

    def to_line(self) -> bytes:
        """Return it as one line of text."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Life:
        """Make it out of a line of text."""
        given = json.loads(line)
        return cls(**{**given, "stopped": tuple(given["stopped"])})


async def live(life: Life) -> None:
    """Work until told to stop; tell at the end how often each point was passed."""
    fate = Fate(life.point, life.number)
    watch(fate)
    _hasten()
    os.environ[PORT] = str(life.hook)
    folder = Path(life.folder)
    given = {
        "DATA": str(folder / "data"),
        "JOURNEYS": str(folder / "journeys"),
        "SECRET": "s" * 43,
        "MAIL": life.mail,
        "FROM": "Acme <hello@acme.example>",
        "ALLOW_LOCAL_LINKS": "1",
    }
    settings = load_settings({f"HOGSEND_{name}": text for name, text in given.items()}, folder)
    async with open_runtime(settings, with_worker=True) as runtime:
        _settle_in(runtime, life.stopped)
        reader, writer = await asyncio.open_unix_connection(life.feed)
        await _serve(runtime, reader, writer)
    writer.write(json.dumps({"passed": fate.passed}).encode() + b"\n")
    await writer.drain()
    writer.close()


def _hasten() -> None:
    logging.basicConfig(level=logging.WARNING)
    engagement.HOLD = tracking.HOLD = HOLD
    engagement.TOO_SOON = TOO_SOON
    commit.RETRY_AFTER = step_attempts.RETRY_AFTER = RETRY_AFTER
    retention.AFTER_START = retention.EVERY = RETENTION_EVERY


def _settle_in(runtime: Runtime, stopped: tuple[str, ...]) -> None:
    assert runtime.worker is not None
    runtime.worker.retention._keep = KEEP
    for journey_id in stopped:
        code_hash = runtime.registry.journeys[journey_id].code_hash
        runtime.worker.player._stuck[journey_id, code_hash] = MOST_STUCK


async def _serve(
    runtime: Runtime, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    answering: set[asyncio.Task[None]] = set()

    async def answer(number: int, ask: Mapping[str, Any]) -> None:
        said = await _do(runtime, ask)
        writer.write(json.dumps({"number": number, "said": said}).encode() + b"\n")

    while line := await reader.readline():
        told = json.loads(line)
        if told == "stop":
            if answering:
                await asyncio.wait(answering)
            return
        task = asyncio.create_task(answer(told["number"], told["ask"]))
        answering.add(task)
        task.add_done_callback(answering.discard)
    # Whoever started this is gone.
    os._exit(1)


async def _do(runtime: Runtime, ask: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        match ask["what"]:
            case "take":
                taken = await runtime.ingest.submit(IncomingEvent(**ask["fact"]))
                return {
                    "event": str(taken.event_id),
                    "enrollments": [dict(one) for one in taken.enrollments],
                }
            case "wake" | "exit":
                return await _order(runtime, ask["what"], UUID(ask["enrollment"]))
            case "exit all":
                await run_action_on_all(runtime, COMMAND_LINE, "exit", ask["journey"], "waiting")
            case "click":
                send_id = UUID(ask["send"])
                await runtime.tracker.record("click", send_id, BROWSER, url=ask["url"])
            case what:
                raise ValueError(what)
    except Conflict as conflict:
        # It was done before, and the answer was lost.
        return {"conflict": str(conflict)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {}


async def _order(
    runtime: Runtime, act: Literal["wake", "exit"], enrollment_id: UUID
) -> Mapping[str, Any]:
    """Give an order as an operator does: to wake, when somebody is seen to wait."""
    known = await runtime.database.read_one(enrollments.by_ids([enrollment_id]))
    if act == "wake" and known[enrollment_id].state == "active":
        return {"again": True}
    await run_action(runtime, COMMAND_LINE, act, enrollment_id)
    return {}
