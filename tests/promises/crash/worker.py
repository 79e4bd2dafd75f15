"""A worker that can be killed: the real runtime, fed through a socket by the test's process."""

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
from hogsend.services.bulk_actions import run_action_on_all
from hogsend.services.enrollment_actions import run_action
from hogsend.store import enrollments
from hogsend.store.retention import IDEMPOTENCY_KEYS, MAILS
from hogsend.turns import commit, step_attempts
from hogsend.turns.runner import MAX_STUCK

from .kill_points import KillSwitch, install
from .step_functions import PORT

BROWSER = Visit("GET", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "192.0.2.7")
# Waits of seconds and hours are shortened to milliseconds, and retries do not run out.
HOLD = timedelta(milliseconds=150)
# A mail may be clicked before the worker has read the reply of the mail server.
TOO_SOON = timedelta(hours=-1)
RETRY_AFTER = (timedelta(milliseconds=20),) * 500
RETENTION_INTERVAL = timedelta(milliseconds=50)
# Journals are summarized soon after their end, and mails are deleted soon after they were sent.
RETENTION = RetentionPolicy(
    timedelta(milliseconds=100), {MAILS: timedelta(milliseconds=200), IDEMPOTENCY_KEYS: None}
)


@dataclass(frozen=True)
class WorkerSettings:
    """The settings of one worker.

    Args:
        folder: the folder that holds `data` and `journeys`.
        mail: the mail setting, `inbox` or the address of an SMTP server.
        socket: the path of the product's socket.
        webhook_port: the port of the web server that steps post to.
        kill_at: the point at which the worker is killed; None for never.
        kill_number: at which time the point is reached, counted from 1.
        stuck_journeys: journeys whose turns have exceeded their time limit too often, so that
            their enrollments are parked.
    """

    folder: str
    mail: str
    socket: str
    webhook_port: int
    kill_at: str | None = None
    kill_number: int = 1
    stuck_journeys: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Return the settings as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json(cls, line: bytes) -> WorkerSettings:
        """Read settings from a line of JSON."""
        fields = json.loads(line)
        return cls(**{**fields, "stuck_journeys": tuple(fields["stuck_journeys"])})


async def run_worker(settings: WorkerSettings) -> None:
    """Run until the product says stop, then report how often each point was reached."""
    switch = KillSwitch(settings.kill_at, settings.kill_number)
    install(switch)
    _shorten_waits()
    os.environ[PORT] = str(settings.webhook_port)
    folder = Path(settings.folder)
    values = {
        "DATA": str(folder / "data"),
        "JOURNEYS": str(folder / "journeys"),
        "SECRET": "s" * 43,
        "MAIL": settings.mail,
        "FROM": "Acme <hello@acme.example>",
        "ALLOW_LOCAL_LINKS": "1",
    }
    loaded = load_settings({f"HOGSEND_{name}": text for name, text in values.items()}, folder)
    async with open_runtime(loaded, with_worker=True) as runtime:
        _prepare(runtime, settings.stuck_journeys)
        reader, writer = await asyncio.open_unix_connection(settings.socket)
        await _serve(runtime, reader, writer)
    writer.write(json.dumps({"reached": switch.reached}).encode() + b"\n")
    await writer.drain()
    writer.close()


def _shorten_waits() -> None:
    logging.basicConfig(level=logging.WARNING)
    engagement.HOLD = tracking.HOLD = HOLD
    engagement.TOO_SOON = TOO_SOON
    commit.RETRY_AFTER = step_attempts.RETRY_AFTER = RETRY_AFTER
    retention.START_DELAY = retention.INTERVAL = RETENTION_INTERVAL


def _prepare(runtime: Runtime, stuck_journeys: tuple[str, ...]) -> None:
    assert runtime.worker is not None
    assert runtime.worker.retention is not None
    runtime.worker.retention._keep = RETENTION
    for journey_id in stuck_journeys:
        code_hash = runtime.registry.journeys[journey_id].code_hash
        runtime.worker.turn_runner._stuck[journey_id, code_hash] = MAX_STUCK


async def _serve(
    runtime: Runtime, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def reply(number: int, request: Mapping[str, Any]) -> None:
        answer = await _handle(runtime, request)
        writer.write(json.dumps({"number": number, "answer": answer}).encode() + b"\n")

    while line := await reader.readline():
        message = json.loads(line)
        if message == "stop":
            if tasks:
                await asyncio.wait(tasks)
            return
        task = asyncio.create_task(reply(message["number"], message["request"]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    # The test's process is gone.
    os._exit(1)


async def _handle(runtime: Runtime, request: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        match request["kind"]:
            case "event":
                result = await runtime.ingest.submit(IncomingEvent(**request["event"]))
                return {
                    "event": str(result.event_id),
                    "enrollments": [dict(decision) for decision in result.enrollments],
                }
            case "wake" | "exit":
                return await _act(runtime, request["kind"], UUID(request["enrollment"]))
            case "exit all":
                journey_id = request["journey"]
                await run_action_on_all(runtime, COMMAND_LINE, "exit", journey_id, "waiting")
            case "click":
                send_id = UUID(request["send"])
                await runtime.tracker.record("click", send_id, BROWSER, url=request["url"])
            case kind:
                raise ValueError(kind)
    except Conflict as conflict:
        # A previous worker has done it and was killed before its answer.
        return {"conflict": str(conflict)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {}


async def _act(
    runtime: Runtime, action: Literal["wake", "exit"], enrollment_id: UUID
) -> Mapping[str, Any]:
    """Act on an enrollment as an operator; only an enrollment that waits is woken."""
    enrollments_by_id = await runtime.database.read_one(enrollments.find_by_ids([enrollment_id]))
    if action == "wake" and enrollments_by_id[enrollment_id].state == "active":
        return {"retry": True}
    await run_action(runtime, COMMAND_LINE, action, enrollment_id)
    return {}
