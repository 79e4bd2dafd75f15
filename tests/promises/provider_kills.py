"""Kills workers at each stage of a hand-over to a provider's API, and counts the outcomes of mails.

The stand-in counts the mails of each send that it takes. It keeps the idempotency keys that the
provider keeps, so a repeat with the same key is taken once.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from hogsend.config.settings import load_settings
from hogsend.delivery.providers.api_client import ApiAnswer, ApiClient, HandoverRequest
from hogsend.delivery.send_delivery import SendDelivery
from hogsend.domain.incoming import IncomingEvent
from hogsend.process.runtime import Runtime, open_runtime
from hogsend.store.db import Query
from hogsend.store.fields import to_id
from hogsend.store.migrations import apply_pending
from tests.sinks.mail_apis import KEY, ApiCall, MailApis
from tests.site import FILES, write_files

PROVIDERS: Mapping[str, str] = {
    "resend": f"resend://{KEY}?",
    "brevo": f"brevo://{KEY}?",
    "postmark": f"postmark://{KEY}?",
    "ses": f"ses://{KEY}:secret@eu-west-1?",
    "mailgun": f"mailgun://{KEY}@mg.example.org?",
    "sendgrid": f"sendgrid://{KEY}?",
}
# They recognize a repeat, so that no mail stays in doubt.
WITH_KEYS = frozenset(["resend", "brevo"])
BEFORE_RECORD = "before the hand-over is recorded"
BEFORE_REQUEST = "before the request"
REQUEST_SENT = "request sent, mail not taken"
ANSWER_ON_ITS_WAY = "mail taken, answer on its way"
ANSWER_READ = "answer read"
BEFORE_CONCLUSION = "before the outcome is recorded"
POINTS = (
    *(BEFORE_RECORD, BEFORE_REQUEST, REQUEST_SENT),
    *(ANSWER_ON_ITS_WAY, ANSWER_READ, BEFORE_CONCLUSION),
)
# The mails that each worker adds. The next worker repeats those that the kill has interrupted.
MAILS_PER_WORKER = 3
_PATIENCE_SECONDS = 30.0


@dataclass
class KillReport:
    """The outcomes of the mails of one provider.

    Attributes:
        kills: how many workers were killed at their point.
        mails: how many mails there were.
        lost: mails that count as sent, or are not finished, and were not taken.
        doubled: mails that were taken more than once.
        in_doubt: mails that are in doubt.
    """

    kills: int = 0
    mails: int = 0
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    in_doubt: int = 0


class KillingApis(MailApis):
    """The stand-in, which can kill the worker that sends a request."""

    def __init__(self) -> None:
        super().__init__()
        self.point = ""
        self.pid = 0

    def _accept(self, call: ApiCall) -> web.Response:
        if self.point == REQUEST_SENT:
            self._kill()
            return web.Response(status=500)
        answer = super()._accept(call)
        if self.point == ANSWER_ON_ITS_WAY:
            self._kill()
        return answer

    def _kill(self) -> None:
        self.point = ""
        os.kill(self.pid, signal.SIGKILL)


async def kill_workers(folder: Path, provider: str, kills: int, offset: int = 0) -> KillReport:
    """Kill workers one after the other, let the last one finish, and count the mails.

    Args:
        folder: an empty folder.
        provider: the name of the provider.
        kills: how many workers are killed.
        offset: with which of the points the first one is killed.
    """
    (folder / "data").mkdir()
    write_files(folder / "journeys", FILES)
    await apply_pending(f"sqlite://{folder / 'data' / 'hogsend.db'}", backups=None)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    report = KillReport()
    api = KillingApis()
    async with api:
        mail = f"{PROVIDERS[provider]}url={api.url}"
        for number in range(kills):
            point = POINTS[(number + offset) % len(POINTS)]
            # Postmark gets the mails of a worker in one request.
            is_batch = provider == "postmark"
            reached = 1 if is_batch else 1 + number // len(POINTS) % MAILS_PER_WORKER
            worker = context.Process(target=run_worker, args=(folder, mail, point, reached))
            status = await _run(worker, api, point)
            assert status == -signal.SIGKILL, f"{point}: the worker ended with {status}"
            report.kills += 1
        receiver, sender = context.Pipe(duplex=False)
        last = context.Process(target=run_worker, args=(folder, mail, "", 0, sender))
        assert await _run(last, api, "") == 0
        _audit(report, receiver.recv(), api.taken)
    return report


async def _run(worker: BaseProcess, api: KillingApis, point: str) -> int | None:
    worker.start()
    assert worker.pid is not None
    api.pid, api.point = worker.pid, point
    await asyncio.to_thread(worker.join, _PATIENCE_SECONDS)
    status = worker.exitcode
    if status is None:
        worker.kill()
    return status


def _audit(report: KillReport, rows: Sequence[tuple[str, str]], taken: Counter[str]) -> None:
    report.mails = len(rows)
    for send_id, status in rows:
        count = taken[send_id]
        if status == "in_doubt":
            report.in_doubt += 1
        elif status != "sent" or count == 0:
            report.lost.append(f"{send_id}: {status}, taken {count} times")
        if count > 1:
            report.doubled.append(f"{send_id}: {status}, taken {count} times")


def run_worker(folder: Path, mail: str, point: str, number: int, results: Any = None) -> None:
    """Run a worker until it is killed, or until all mails have ended and are told.

    Args:
        folder: the folder of the installation.
        mail: the provider.
        point: where the worker kills itself; empty for never.
        number: at which time the point is reached.
        results: where the id and the status of each mail are sent.
    """
    _install(point, number)
    asyncio.run(_work(folder, mail, results))


async def _work(folder: Path, mail: str, results: Any) -> None:
    values = {
        "DATA": str(folder / "data"),
        "JOURNEYS": str(folder / "journeys"),
        "SECRET": "s" * 43,
        "MAIL": mail,
        "FROM": "Acme <hello@acme.example>",
        "ALLOW_LOCAL_LINKS": "1",
    }
    loaded = load_settings({f"HOGSEND_{name}": text for name, text in values.items()}, folder)
    async with open_runtime(loaded, with_worker=True) as runtime:
        for _ in range(0 if results else MAILS_PER_WORKER):
            user_id = uuid4().hex
            event = IncomingEvent("user.created", user_id=user_id, email=f"{user_id}@example.com")
            await runtime.ingest.submit(event)
        while True:
            rows = await _find_mails(runtime) if results else []
            if rows and all(status in ("sent", "in_doubt", "failed") for _, status in rows):
                results.send(rows)
                return
            await asyncio.sleep(0.02)


async def _find_mails(runtime: Runtime) -> list[tuple[str, str]]:
    sql = "SELECT id, status FROM sends"
    query = Query(sql, (), lambda rows: [(str(to_id(row[0])), str(row[1])) for row in rows])
    return await runtime.database.read_one(query)


def _install(point: str, number: int) -> None:
    """Let this process kill itself when it reaches a point for the nth time."""
    reached: Counter[str] = Counter()

    def reach(name: str) -> None:
        reached[name] += 1
        if name == point and reached[name] >= number:
            os.kill(os.getpid(), signal.SIGKILL)

    post, conclude = ApiClient.post, SendDelivery._conclude
    deliver = SendDelivery._hand_over

    async def post_traced(self: ApiClient, request: HandoverRequest) -> ApiAnswer:
        reach(BEFORE_REQUEST)
        answer = await post(self, request)
        reach(ANSWER_READ)
        return answer

    async def conclude_traced(self: SendDelivery, outcome: Any) -> None:
        reach(BEFORE_CONCLUSION)
        await conclude(self, outcome)

    async def hand_over_traced(self: SendDelivery, handoff: Any) -> Any:
        reach(BEFORE_RECORD)
        return await deliver(self, handoff)

    ApiClient.post = post_traced
    SendDelivery._conclude = conclude_traced
    SendDelivery._hand_over = hand_over_traced
