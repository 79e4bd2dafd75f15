"""Kills a worker under load again and again, and looks each time at what is left."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import signal
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

from hogsend.store.migrations import bring_up_to_date
from tests.sinks.smtp_sink import SmtpSink
from tests.sinks.webhook_sink import WebhookSink
from tests.site import write_files

from .books import (
    Books,
    Fault,
    faults_at_any_time,
    faults_at_the_end,
    read_books,
    repeated,
    under_way,
)
from .life import Life
from .nursery import Nursery, open_nursery
from .points import HAND_OVER, KINDS, MARKED, UNNAMED
from .posting import POINTS
from .product import Product
from .report import Report
from .stories import CLICKED, CROWD, REFUSED, files

# So many kills on one database; then everything must come to its end.
ROUND = 100
# The last ones of a round come at random moments.
AT_RANDOM = 25
# A point may be missed so often: what leads to it may have been done already.
MOST_MISSED = 3
# New people come all the time, as long as there is not much left of those before.
NEWCOMERS = 12
NEWCOMERS_EVERY = 0.3
MOST_UNANSWERED = 60
# A process that does not come to its point within this time is killed where it is, in seconds.
LONGEST_LIFE = 4.0
LONGEST_RANDOM_LIFE = 0.7
PATIENCE = 60.0
STOPPED = "letters"
# Kinds of transactions that a life has only one of.
AT_START = ("journeys:", "recover:")
# What a life must have left behind, for the next one to come to a point.
AFTERMATH = {
    "recover: before UPDATE sends": MARKED,
    "recover: before INSERT counters": MARKED,
    "journeys: before UPDATE enrollments": "park: after COMMIT",
    "journeys: before INSERT counters": "park: after COMMIT",
}

_INNER = re.compile("before (INSERT|UPDATE|DELETE)")
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

    def take(self, sender: str, recipient: str, raw: bytes) -> None:
        super().take(sender, recipient, raw)
        found = _ID.search(raw)
        assert found is not None, raw
        send_id = found[1].decode().replace("-", "")
        self.arrived[send_id] += 1
        if f"Subject: {CLICKED}\r\n".encode() in raw and self.arrived[send_id] == 1:
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
        post: takes their mail.
        hook: takes what their steps post.
        report: where everything is counted.
        chance: decides what is left to chance.
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
    seen: set[str] = field(default_factory=set[str])
    cut_off: set[str] = field(default_factory=set[str])

    def life(self, point: str | None = None, number: int = 1) -> Life:
        """Return how the next worker is to live."""
        stopped = (STOPPED,) if point and point.startswith("park") else ()
        feed = str(self.product.socket)
        return Life(str(self.folder), self.post.url, feed, self.hook.port, point, number, stopped)

    async def begin(self, life: Life) -> None:
        """Let a worker live."""
        await self.nursery.bear(life.to_line())

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
            self.wrong(f"a worker that was to die at {point} ended with {status}")
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
        books = read_books(self.folder / "data", self.folder / "copy")
        self.cut_off.update(row[0] for row in books.rows["sends"] if row[3] == "sending")
        self.add(faults_at_any_time(books, self.product, self.post.arrived, self.cut_off))
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

    async def settle(self) -> None:
        """Let a worker live until everything has been done, and close the books."""
        await self.begin(self.life())
        await self.product.met()
        await self.until_quiet(CLICKED)
        # Those whose mail is in doubt may have it: they follow its link as well.
        books = read_books(self.folder / "data", self.folder / "copy")
        for send_id, _, template, status, _ in books.rows["sends"]:
            if template == CLICKED and status == "in_doubt" and not self.post.arrived[send_id]:
                self.product.click(send_id, "https://example.com/")
        await self.until_quiet()
        await self.stop()
        books = self.look()
        self.add(faults_at_the_end(books, self.product, self.hook.posts))
        self.report.people += len(self.product.people)
        self.report.events += len(books.rows["events"])
        self.report.mails += self.post.count
        steps, again = repeated(self.hook.posts)
        self.report.steps += steps
        self.report.steps_repeated += again
        self.report.in_doubt += books.count("in_doubt")

    async def until_quiet(self, doubtful: str = "") -> None:
        """Wait until a living worker has nothing more to do.

        Args:
            doubtful: a template; those whose mail of it is in doubt are not waited for.
        """
        data, product = self.folder / "data", self.product

        def is_quiet() -> bool:
            if product.unanswered:
                return False
            left = under_way(data, doubtful)
            if left:
                product.send_out(CROWD)
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


async def within(seconds: float, asked: Callable[[], bool]) -> bool:
    """Say whether something comes true in time; another process has no way to tell us."""
    ends = time.monotonic() + seconds
    while not asked():
        if time.monotonic() > ends:
            return False
        await asyncio.sleep(0.02)
    return True


class Campaign:
    """Many kills.

    Args:
        folder: an empty folder.
        kills: how many.
        seed: decides what is left to chance; the moments of other processes still differ.
        say: told of the progress.
    """

    def __init__(
        self, folder: Path, kills: int, seed: int, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._folder = folder
        self._kills = kills
        self._say = say
        self._chance = random.Random(seed)  # noqa: S311 - it is to be the same each time
        self._log = folder / "log.txt"
        self.report = Report(seed)

    async def run(self) -> Report:
        """Kill, and return what came of it."""
        began = time.monotonic()
        template = self._folder / "template.db"
        await bring_up_to_date(f"sqlite://{template}", backups=None)
        async with open_nursery(self._log) as nursery:
            async with self._ground(nursery, "rehearsal") as ground:
                points = await self._rehearse(ground)
            while self.report.kills < self._kills:
                name = f"round-{self.report.kills}"
                async with self._ground(nursery, name) as ground:
                    await self._round(ground, points)
        self._read_log()
        self.report.seconds = round(time.monotonic() - began, 1)
        self.report.at = datetime.now(UTC).isoformat(timespec="seconds")
        return self.report

    @asynccontextmanager
    async def _ground(self, nursery: Nursery, name: str) -> AsyncIterator[Ground]:
        folder = self._folder / name
        (folder / "data").mkdir(parents=True, mode=0o700)
        shutil.copyfile(self._folder / "template.db", folder / "data" / "hogsend.db")
        write_files(folder / "journeys", files())
        product = Product(self._folder / "product.sock", self._chance)
        await product.open()
        try:
            async with PostOffice(product) as post, WebhookSink(_Moods()) as hook:
                yield Ground(folder, nursery, product, post, hook, self.report, self._chance)
        finally:
            await product.close()
            product.socket.unlink()
        self.report.faults += product.faults
        self.report.wrong += len(product.faults)

    async def _rehearse(self, ground: Ground) -> list[str]:
        """Find the points that there are: those that a run without misfortune passes."""
        await ground.kill(MARKED)
        passed: Counter[str] = Counter()
        for life in (ground.life("park"), ground.life()):
            ground.product.tell_of_more(3 * NEWCOMERS)
            ground.product.send_out(CROWD)
            await ground.begin(life)
            await ground.product.met()
            await within(PATIENCE, lambda: not ground.product.unanswered)
            await asyncio.sleep(0.5)
            passed += await ground.stop()
        await ground.settle()
        kinds = {point.partition(":")[0] for point in passed}
        for kind in sorted(kind for kind in kinds if kind.startswith(UNNAMED)):
            ground.wrong(f"a transaction has no name: {kind}")
        for kind in sorted({*KINDS.values()} - kinds):
            ground.wrong(f"there was no transaction of the kind {kind}")
        for point in {*HAND_OVER, *POINTS} - {*passed}:
            ground.wrong(f"there is no point {point}")
        self._say(f"{len(passed)} points in {len(kinds)} kinds of transactions and hand-overs")
        return sorted(passed)

    async def _round(self, ground: Ground, points: Sequence[str]) -> None:
        """Kill at named points, then at random moments, and let everything come to its end."""
        plan, missed = deque(self._plan(points)), Counter[str]()
        prepared = False
        for left in range(min(ROUND, self._kills - self.report.kills), 0, -1):
            point = plan[0] if plan and left > AT_RANDOM else None
            if point in AFTERMATH and not prepared:
                prepared = await ground.kill(AFTERMATH[point])
                continue
            prepared = False
            if await ground.kill(point) or point is None:
                plan.popleft() if point else None
            elif missed[point] < MOST_MISSED:
                missed[point] += 1
                plan.rotate(-1)
            else:
                ground.wrong(f"no life came to the point {plan.popleft()}")
        await ground.settle()
        self._say(f"{self.report.kills} kills, {len(self.report.faults)} faults")

    def _plan(self, points: Sequence[str]) -> list[str]:
        """Return the points in the order of a round.

        Those where a kill has been seldom come first; of these, the borders of transactions.
        """
        by_point = self.report.by_point
        order = {point: (by_point[point], bool(_INNER.search(point))) for point in points}
        return sorted(self._chance.sample(points, len(points)), key=order.__getitem__)

    def _read_log(self) -> None:
        text = self._log.read_text()
        for sign in ("Traceback", "ERROR:"):
            if sign in text:
                self.report.wrong += 1
                at = text.index(sign)
                self.report.faults.append(f"wrong: in the log: {text[at : at + 2000]}")
