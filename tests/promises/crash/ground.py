"""A database, the worker on it, and the world outside, which outlives every worker."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

from tests.sinks.smtp_sink import SmtpSink
from tests.sinks.webhook_sink import WebhookSink
from tests.site import write_files

from .books import (
    Books,
    Fault,
    captured,
    faults_at_any_time,
    faults_at_the_end,
    read_books,
    repeated,
    under_way,
)
from .life import Life
from .nursery import Nursery
from .product import Product
from .report import Report
from .stories import CLICKED, CROWD, REFUSED, files

# New people come all the time, as long as there is not much left of those before.
NEWCOMERS = 12
NEWCOMERS_EVERY = 0.3
MOST_UNANSWERED = 60
# A process that does not come to its point within this time is killed where it is, in seconds.
LONGEST_LIFE = 4.0
LONGEST_RANDOM_LIFE = 0.7
PATIENCE = 30.0
STOPPED = "letters"
# Kinds of transactions that a life has only one of.
AT_START = ("journeys:", "recover:")
_ID = re.compile(rb"^Message-ID: <([0-9a-f-]{36})@", re.MULTILINE | re.IGNORECASE)


class PostOffice(SmtpSink):
    """A mail server that outlives the workers, and readers who follow links.

    Args:
        product: told of the links that are followed.
    """

    def __init__(self, product: Product) -> None:
        super().__init__(keep=False, hesitation=0.005)
        self.arrived: Counter[str] = Counter()
        self._product = product
        self._read: set[str] = set()

    def take(self, sender: str, recipient: str, raw: bytes) -> None:
        super().take(sender, recipient, raw)
        found = _ID.search(raw)
        assert found is not None, raw
        send_id = found[1].decode().replace("-", "")
        self.arrived[send_id] += 1
        if f"Subject: {CLICKED}\r\n".encode() in raw:
            self.read(send_id)

    def read(self, send_id: str) -> None:
        """Let somebody follow the link in a mail, once."""
        if send_id not in self._read:
            self._read.add(send_id)
            self._product.click(send_id, f"https://example.com/{CLICKED}")


class _Moods:
    """Refuses some steps always, and of the others a quarter the first time."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, path: str, body: str) -> int:
        is_new = path not in self._seen
        self._seen.add(path)
        moody = is_new and crc32(path.encode()) % 4 == 0
        return 503 if moody or path.startswith(f"/{REFUSED}/") else 200


@dataclass
class Ground:
    """One database, and what outlives those who work on it.

    Args:
        folder: with the data, the journeys and the socket.
        nursery: bears the workers.
        product: feeds them.
        post: takes their mail, and knows what has arrived.
        hook: takes what their steps post.
        report: where everything is counted.
        chance: decides what is left to chance.
        over_smtp: whether mail goes to the server, or is captured in the local inbox.
        seen: faults that are reported already.
        cut_off: mails that a kill has met in their hand-over.
    """

    folder: Path
    nursery: Nursery
    product: Product
    post: PostOffice
    hook: WebhookSink
    report: Report
    chance: random.Random
    over_smtp: bool = True
    seen: set[str] = field(default_factory=set[str])
    cut_off: set[str] = field(default_factory=set[str])

    @property
    def data(self) -> Path:
        """The worker's data folder."""
        return self.folder / "data"

    def life(self, point: str | None = None, number: int = 1) -> Life:
        """Return how the next worker is to live."""
        stopped = (STOPPED,) if point and point.startswith("park") else ()
        mail = self.post.url if self.over_smtp else "inbox"
        feed = str(self.product.socket)
        return Life(str(self.folder), mail, feed, self.hook.port, point, number, stopped)

    async def begin(self, life: Life) -> None:
        """Let a worker live."""
        await self.nursery.bear(life.to_line())

    async def begin_to_stay(self, life: Life) -> None:
        """Let a worker live, and wait until it is there."""
        await self.begin(life)
        try:
            async with asyncio.timeout(PATIENCE):
                await self.product.met()
        except TimeoutError:
            last = self.nursery.last_words
            raise AssertionError(f"The worker did not start: {last}") from None

    async def kill(self, point: str | None) -> bool:
        """Let a worker live until it is killed, and look at what it leaves.

        Args:
            point: where it is to die; None leaves that to chance.

        Returns:
            Whether it died where it was to die.
        """
        once = point is None or point.startswith(AT_START)
        await self.begin(self.life(point, 1 if once else self.chance.choice((1, 1, 1, 2, 3))))
        end = asyncio.ensure_future(self.nursery.bury())
        lasts = LONGEST_LIFE if point else self.chance.uniform(0, LONGEST_RANDOM_LIFE)
        while lasts > 0 and not end.done():
            if self.product.unanswered < MOST_UNANSWERED:
                self.product.tell_of_more(NEWCOMERS)
                self.product.send_out(CROWD)
            await asyncio.wait([end], timeout=min(lasts, NEWCOMERS_EVERY))
            lasts -= NEWCOMERS_EVERY
        in_time = end.done()
        if not in_time:
            self.nursery.kill()
        status = await end
        await self.product.deserted()
        if status != -signal.SIGKILL:
            raise AssertionError(f"A worker ended with {status}: {self.nursery.last_words}")
        if point is None:
            self.report.random += 1
        elif in_time:
            self.report.by_point[point] += 1
        else:
            self.report.late += 1
        self.look()
        return in_time

    def look(self) -> Books:
        """Compare what is written down with what the world has seen."""
        books = read_books(self.data, self.folder / "copy")
        self.cut_off.update(row[0] for row in books.rows["sends"] if row[3] == "sending")
        if not self.over_smtp:
            self.post.arrived = Counter(row[0] for row in books.rows["inbox"])
            for send_id, _, template, *_ in books.rows["sends"]:
                if template == CLICKED and self.post.arrived[send_id]:
                    self.post.read(send_id)
        cut_off = self.cut_off if self.over_smtp else None
        self.add(faults_at_any_time(books, self.product, self.post.arrived, cut_off))
        return books

    def add(self, faults: Sequence[Fault]) -> None:
        """Report faults, each once."""
        report = self.report
        for fault in faults:
            if fault.what in self.seen:
                continue
            self.seen.add(fault.what)
            report.faults.append(f"{fault.kind}: {fault.what}")
            setattr(report, fault.kind, getattr(report, fault.kind) + 1)

    def wrong(self, what: str) -> None:
        """Report something that must never be."""
        self.add([Fault("wrong", what)])

    async def settle(self) -> Counter[str]:
        """Let a worker live until everything has been done, and close the books.

        Returns:
            The points that it has passed.
        """
        await self.begin_to_stay(self.life())
        await self.until_quiet(CLICKED)
        # Those whose mail is in doubt may have it: they follow its link as well.
        books = read_books(self.data, self.folder / "copy")
        for send_id, _, template, status, _ in books.rows["sends"]:
            if template == CLICKED and status == "in_doubt":
                self.post.read(send_id)
        await self.until_quiet()
        passed = await self.stop()
        books = self.look()
        self.add(faults_at_the_end(books, self.product, self.hook.posts))
        self.report.people += len(self.product.people)
        self.report.events += len(books.rows["events"])
        self.report.mails += self.post.arrived.total()
        steps, again = repeated(self.hook.posts)
        self.report.steps += steps
        self.report.steps_repeated += again
        self.report.in_doubt += books.count("in_doubt")
        return passed

    async def until_quiet(self, doubtful: str = "") -> None:
        """Wait until a living worker has nothing more to do.

        Args:
            doubtful: a template; those whose mail of it is in doubt are not waited for.
        """
        data, product = self.data, self.product

        def is_quiet() -> bool:
            if product.unanswered:
                return False
            left = under_way(data, doubtful)
            if left:
                product.send_out(CROWD)
                for send_id in captured(data, CLICKED):
                    self.post.read(send_id)
            return not left

        if not await within(PATIENCE, is_quiet):
            left = under_way(data, doubtful)
            self.wrong(f"{left} things are not done, {product.unanswered} are not answered")

    async def stop(self) -> Counter[str]:
        """Stop a living worker; return the points that it has passed."""
        self.product.passed = None
        self.product.stop_worker()
        end = asyncio.ensure_future(self.nursery.bury())
        await asyncio.wait([end], timeout=PATIENCE)
        if not end.done():
            self.nursery.kill()
        status = await end
        await self.product.deserted()
        if status != 0 or self.product.passed is None:
            self.wrong(f"a worker that was told to stop ended with {status}")
        return Counter(self.product.passed or {})


@asynccontextmanager
async def open_ground(
    folder: Path,
    template: Path,
    nursery: Nursery,
    report: Report,
    chance: random.Random,
    *,
    over_smtp: bool = True,
) -> AsyncIterator[Ground]:
    """Prepare a database and the world around it.

    Args:
        folder: where it is to be; it must not exist.
        template: a migrated SQLite file, to be copied.
        nursery: bears the workers.
        report: where everything is counted.
        chance: decides what is left to chance.
        over_smtp: whether mail goes to a server, or is captured in the local inbox.
    """
    (folder / "data").mkdir(parents=True, mode=0o700)
    shutil.copyfile(template, folder / "data" / "hogsend.db")
    write_files(folder / "journeys", files())
    # The path of a socket must be short.
    with TemporaryDirectory(prefix="hogsend-") as near:
        product = Product(Path(near) / "product", chance)
        await product.open()
        try:
            async with PostOffice(product) as post, WebhookSink(_Moods()) as hook:
                ground = Ground(folder, nursery, product, post, hook, report, chance, over_smtp)
                yield ground
        finally:
            await product.close()
    for fault in product.faults:
        ground.wrong(fault)


async def within(seconds: float, asked: Callable[[], bool]) -> bool:
    """Say whether something comes true in time; another process has no way to tell us."""
    ends = time.monotonic() + seconds
    while not asked():
        if time.monotonic() > ends:
            return False
        await asyncio.sleep(0.02)
    return True
