"""One database, and everything around it that outlives the workers: product, mail and webhooks."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

from tests.sinks.smtp_sink import SmtpSink
from tests.sinks.webhook_sink import WebhookSink
from tests.site import write_files

from .audit import (
    Fault,
    Snapshot,
    check_at_any_time,
    check_at_the_end,
    count_repeated_steps,
    count_unfinished,
    list_captured_sends,
    read_snapshot,
)
from .fork_server import ForkServer
from .product import Product
from .report import Report
from .scenarios import BULK_EXIT, CLICKED, PARKED, REFUSED, journey_files
from .worker import WorkerSettings

# New customers are added at this interval, in seconds, unless too many requests are pending.
NEW_CUSTOMERS = 12
NEW_CUSTOMERS_INTERVAL = 0.3
MAX_PENDING = 60
# A worker that has run so many seconds and answered so many requests does not reach its kill point
# any more, and is killed anyway. On a busy machine the answers take longer than the seconds.
MAX_RUN, MAX_ANSWERS = 4.0, 60
MAX_RANDOM_RUN = 0.7
# How long a worker may take for all that is left to do, in seconds. It ends hanging tests only.
PATIENCE = 120.0
# Transactions that a worker has only one of, at its start.
AT_START = ("journeys:", "recover:")
_MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9a-f-]{36})@", re.MULTILINE | re.IGNORECASE)


class MailServer(SmtpSink):
    """A mail server that counts deliveries, and whose recipients click links.

    Args:
        product: receives the clicks.
    """

    def __init__(self, product: Product) -> None:
        super().__init__(keep=False, reply_delay=0.005)
        self.delivered: Counter[str] = Counter()
        self._product = product
        self._clicked: set[str] = set()

    def receive(self, sender: str, recipients: Iterable[str], raw: bytes) -> None:
        super().receive(sender, recipients, raw)
        match = _MESSAGE_ID.search(raw)
        assert match is not None, raw
        send_id = match[1].decode().replace("-", "")
        self.delivered[send_id] += 1
        if f"Subject: {CLICKED}\r\n".encode() in raw:
            self.click(send_id)

    def click(self, send_id: str) -> None:
        """Click the link in a mail, unless it was clicked before."""
        if send_id not in self._clicked:
            self._clicked.add(send_id)
            self._product.click(send_id, f"https://example.com/{CLICKED}")


class _WebhookStatuses:
    """Refuses every request of one step, and the first request of a quarter of the others."""

    def __init__(self) -> None:
        self._paths: set[str] = set()

    def __call__(self, path: str, body: str) -> int:
        is_first = path not in self._paths
        self._paths.add(path)
        is_refused = is_first and crc32(path.encode()) % 4 == 0
        return 503 if is_refused or path.startswith(f"/{REFUSED}/") else 200


@dataclass
class Testbed:
    """One database, and everything around it that outlives the workers.

    Args:
        folder: the folder that holds `data` and `journeys`.
        fork_server: starts the workers.
        product: sends events and operator actions.
        mail_server: receives the mail.
        webhooks: receives the requests of the steps.
        report: counts kills and faults.
        rng: decides what is random.
        over_smtp: whether mail goes to the mail server; otherwise to the local inbox.
        reported: descriptions of the faults that are in the report.
        interrupted: ids of the sends that a kill interrupted during their hand-over.
    """

    # Its name begins like that of a class of tests.
    __test__ = False

    folder: Path
    fork_server: ForkServer
    product: Product
    mail_server: MailServer
    webhooks: WebhookSink
    report: Report
    rng: random.Random
    over_smtp: bool = True
    reported: set[str] = field(default_factory=set[str])
    interrupted: set[str] = field(default_factory=set[str])

    @property
    def data(self) -> Path:
        """The workers' data folder."""
        return self.folder / "data"

    def worker_settings(self, kill_at: str | None = None, kill_number: int = 1) -> WorkerSettings:
        """Return the settings of a worker that is killed at a point."""
        return WorkerSettings(
            folder=str(self.folder),
            mail=self.mail_server.url if self.over_smtp else "inbox",
            socket=str(self.product.socket),
            webhook_port=self.webhooks.port,
            kill_at=kill_at,
            kill_number=kill_number,
            stuck_journeys=(PARKED,) if kill_at and kill_at.startswith("park") else (),
        )

    async def start_worker(self, settings: WorkerSettings) -> None:
        """Start a worker."""
        await self.fork_server.start_worker(settings.to_json())

    async def start_connected_worker(self, settings: WorkerSettings) -> None:
        """Start a worker, and wait until it is connected to the product."""
        await self.start_worker(settings)
        try:
            async with asyncio.timeout(PATIENCE):
                await self.product.wait_for_worker()
        except TimeoutError:
            log = self.fork_server.log_tail
            raise AssertionError(f"The worker did not start: {log}") from None

    async def run_until_killed(self, point: str | None) -> bool:
        """Run a worker until it is killed, and check what it leaves behind.

        Args:
            point: where to kill it; None for a random moment.

        Returns:
            Whether it was killed at the point.
        """
        is_single = point is None or point.startswith(AT_START)
        number = 1 if is_single else self.rng.choice((1, 1, 1, 2, 3))
        await self.start_worker(self.worker_settings(point, number))
        end = asyncio.ensure_future(self.fork_server.wait())
        await self._feed_until(end, point)
        reached_point = end.done()
        if not reached_point:
            self.fork_server.kill_worker()
        status = await end
        await self.product.wait_for_disconnect()
        if status != -signal.SIGKILL:
            log = self.fork_server.log_tail
            raise AssertionError(f"A worker ended with status {status}: {log}")
        if point is None:
            self.report.random += 1
        elif reached_point:
            self.report.by_point[point] += 1
        else:
            self.report.late += 1
        self.check()
        return reached_point

    async def _feed_until(self, end: asyncio.Future[int], point: str | None) -> None:
        """Add customers until the worker has ended, or has run for long enough."""
        started_at, answers = time.monotonic(), self.product.answers
        seconds = MAX_RUN if point else self.rng.uniform(0, MAX_RANDOM_RUN)

        def is_late() -> bool:
            run_time = time.monotonic() - started_at
            has_worked = point is None or self.product.answers - answers >= MAX_ANSWERS
            return run_time >= seconds and (has_worked or run_time >= PATIENCE)

        while not end.done() and not is_late():
            if self.product.pending < MAX_PENDING:
                self.product.add_customers(NEW_CUSTOMERS)
                self.product.exit_all(BULK_EXIT)
            await asyncio.wait([end], timeout=min(seconds, NEW_CUSTOMERS_INTERVAL))

    def check(self) -> Snapshot:
        """Compare the tables with what reached the outside world. No worker may be running."""
        snapshot = read_snapshot(self.data, self.folder / "copy")
        sends = snapshot.rows["sends"]
        self.interrupted.update(row[0] for row in sends if row[3] == "sending")
        if not self.over_smtp:
            self.mail_server.delivered = Counter(row[0] for row in snapshot.rows["inbox"])
            for send_id, _, template, *_ in sends:
                if template == CLICKED and self.mail_server.delivered[send_id]:
                    self.mail_server.click(send_id)
        interrupted = self.interrupted if self.over_smtp else None
        delivered = self.mail_server.delivered
        self.add_faults(check_at_any_time(snapshot, self.product, delivered, interrupted))
        return snapshot

    def add_faults(self, faults: Sequence[Fault]) -> None:
        """Add faults to the report, each once."""
        report = self.report
        for fault in faults:
            if fault.description in self.reported:
                continue
            self.reported.add(fault.description)
            report.faults.append(f"{fault.kind}: {fault.description}")
            setattr(report, fault.kind, getattr(report, fault.kind) + 1)

    def add_wrong(self, description: str) -> None:
        """Add a fault of the kind "wrong" to the report."""
        self.add_faults([Fault("wrong", description)])

    async def finish(self) -> Counter[str]:
        """Run a worker until all work is done, and check the result.

        Returns:
            How often the worker has reached each point.
        """
        await self.start_connected_worker(self.worker_settings())
        await self.wait_until_done(CLICKED)
        # A mail in doubt may have been delivered, so its link may be clicked.
        for send_id, _, template, status, _ in read_snapshot(self.data, self.folder / "copy").rows[
            "sends"
        ]:
            if template == CLICKED and status == "in_doubt":
                self.mail_server.click(send_id)
        await self.wait_until_done()
        reached = await self.stop_worker()
        snapshot = self.check()
        posts = self.webhooks.posts
        self.add_faults(check_at_the_end(snapshot, self.product, posts))
        self.report.people += len(self.product.customers)
        self.report.events += len(snapshot.rows["events"])
        self.report.mails += self.mail_server.delivered.total()
        steps, repeated = count_repeated_steps(posts)
        self.report.steps += steps
        self.report.steps_repeated += repeated
        self.report.in_doubt += snapshot.count_sends("in_doubt")
        return reached

    async def wait_until_done(self, clicked_template: str = "") -> None:
        """Wait until the running worker has nothing left to do.

        Args:
            clicked_template: do not wait for clicks on mails of this template that are in doubt.
        """
        data, product = self.data, self.product

        def is_done() -> bool:
            if product.pending:
                return False
            unfinished = count_unfinished(data, clicked_template)
            if unfinished:
                product.exit_all(BULK_EXIT)
                for send_id in list_captured_sends(data, CLICKED):
                    self.mail_server.click(send_id)
            return not unfinished

        if not await wait_for(is_done, PATIENCE):
            unfinished = count_unfinished(data, clicked_template)
            self.add_wrong(f"{unfinished} rows and {product.pending} requests are not finished")

    async def stop_worker(self) -> Counter[str]:
        """Stop the running worker; return how often it has reached each point."""
        self.product.stop_worker()
        end = asyncio.ensure_future(self.fork_server.wait())
        await asyncio.wait([end], timeout=PATIENCE)
        if not end.done():
            self.fork_server.kill_worker()
        status = await end
        await self.product.wait_for_disconnect()
        if status != 0 or self.product.reached is None:
            self.add_wrong(f"a worker that was asked to stop ended with status {status}")
        return Counter(self.product.reached or {})


@asynccontextmanager
async def open_testbed(
    folder: Path,
    template: Path,
    fork_server: ForkServer,
    report: Report,
    rng: random.Random,
    *,
    over_smtp: bool = True,
) -> AsyncIterator[Testbed]:
    """Create a database and everything around it.

    Args:
        folder: where to create it; must not exist.
        template: a migrated SQLite file, which is copied.
        fork_server: starts the workers.
        report: counts kills and faults.
        rng: decides what is random.
        over_smtp: whether mail goes to a mail server; otherwise to the local inbox.
    """
    (folder / "data").mkdir(parents=True, mode=0o700)
    shutil.copyfile(template, folder / "data" / "hogsend.db")
    write_files(folder / "journeys", journey_files())
    # The path of a Unix socket is limited to about 100 characters.
    with TemporaryDirectory(prefix="hogsend-") as short:
        product = Product(Path(short) / "product", rng)
        await product.open()
        try:
            async with (
                MailServer(product) as mail_server,
                WebhookSink(_WebhookStatuses()) as webhooks,
            ):
                testbed = Testbed(
                    folder, fork_server, product, mail_server, webhooks, report, rng, over_smtp
                )
                yield testbed
        finally:
            await product.close()
    for error in product.errors:
        testbed.add_wrong(error)


async def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition on another process; return whether it holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
