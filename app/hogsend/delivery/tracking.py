"""Records opens and clicks, and makes events of the clicks that people made."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.engagement import (
    HOLD,
    Engagement,
    EngagementKind,
    Verdict,
    agent_class,
    judge_click,
    judge_request,
    truncated_network,
)
from ..domain.ids import new_id
from ..domain.incoming import IncomingEvent
from ..engines.poller import Poller
from ..errors import StoreUnavailable
from ..ingest import Ingest
from ..store import counters, engagement, sends
from ..store.batcher import Batcher
from ..store.change_feed import ChangeFeed
from ..store.counters import Tally
from ..store.db import Database
from ..store.engagement import HeldClick

log = logging.getLogger("hogsend.tracking")

_SET = 200
_LONGEST_SLEEP = timedelta(seconds=30)
_AFTER_ERROR = 1.0
# Hits that are remembered while the database takes nothing; the oldest are forgotten first.
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a link or the open pixel.

    Args:
        method: the request's method.
        agent: its User-Agent header.
        address: where it came from.
    """

    method: str
    agent: str
    address: str


class Tracker:
    """Records hits, all that come at the same time in one transaction.

    Args:
        database: where hits are.
        clock: what tells the time.
        ingest: takes the events that clicks are.
        changes: where dashboards hear of it.
    """

    def __init__(
        self, database: Database, clock: Clock, ingest: Ingest, changes: ChangeFeed
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._changes = changes
        self._batcher: Batcher[Engagement, None] = Batcher(self._write, lock=database.write_lock)
        self._poller = Poller(log, "held clicks could not be judged; trying again")
        self._kept: deque[Engagement] = deque(maxlen=_MOST_KEPT)
        self._keeping: asyncio.Task[None] | None = None

    async def record(
        self, kind: EngagementKind, send_id: UUID, visit: Visit, *, position: int = 0, url: str = ""
    ) -> None:
        """Record one open or click, later if the database takes nothing now: nobody repeats it.

        Args:
            kind: what it is.
            send_id: of which mail.
            visit: the request.
            position: which link.
            url: where it leads.
        """
        now = self._clock.now()
        verdict = judge_request(kind, visit.method, visit.agent)
        hit = Engagement(
            id=new_id(now),
            send_id=send_id,
            kind=kind,
            at=now,
            position=position,
            url=url or None,
            verdict=verdict,
            agent=agent_class(visit.agent),
            network=truncated_network(visit.address),
            held_until=now + HOLD if verdict == "unsure" else None,
        )
        try:
            await self._batcher.submit(hit)
        except StoreUnavailable:
            self._kept.append(hit)
            if self._keeping is None or self._keeping.done():
                self._keeping = asyncio.create_task(self._record_kept())

    async def _record_kept(self) -> None:
        while self._kept:
            await asyncio.sleep(_AFTER_ERROR)
            some = [self._kept.popleft() for _ in range(min(_SET, len(self._kept)))]
            done = await asyncio.gather(*map(self._batcher.submit, some), return_exceptions=True)
            again = [hit for hit, one in zip(some, done, strict=True) if _is_trouble(one)]
            self._kept.extendleft(reversed(again))

    async def _write(self, batch: Sequence[Engagement]) -> Sequence[Exception | None]:
        now = self._clock.now()
        tally = Tally(now)
        seen = [hit for hit in batch if hit.verdict != "machine"]
        for hit in batch:
            if hit.verdict != "unsure":
                tally.today(counters.engagement(hit.kind, hit.verdict))
        async with self._database.transaction() as tx:
            await tx.apply(
                [
                    engagement.insert(batch),
                    sends.record_opens([(h.send_id, h.at) for h in seen if h.kind == "open"]),
                    tally.write(),
                ]
            )
        if any(hit.held_until for hit in batch):
            self._poller.notify()
        self._changes.publish("sends")
        return [None] * len(batch)

    async def run(self) -> None:
        """Judge held clicks as their hold ends, until closed."""
        await self._poller.run(self.judge_due)

    async def judge_due(self) -> float:
        """Judge the clicks whose hold is over; return the seconds until the next one's is."""
        while True:
            waiting = await self._database.read_one(engagement.held(_SET))
            now = self._clock.now()
            due = [w for w in waiting if w.hit.held_until and w.hit.held_until <= now]
            if not due:
                ends = next((w.hit.held_until for w in waiting if w.hit.held_until), None)
                pause = min(ends - now, _LONGEST_SLEEP) if ends else _LONGEST_SLEEP
                return max(pause.total_seconds(), 0.01)
            await self._judge(due)

    async def close(self) -> None:
        """Judge no more."""
        self._poller.close()
        if self._keeping is not None:
            self._keeping.cancel()

    async def _judge(self, due: Sequence[HeldClick]) -> None:
        neighbours = await self._database.read_one(
            engagement.of_sends(list({held.hit.send_id for held in due}))
        )
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            mine = await tx.one(
                engagement.still_held([held.hit.id for held in due], tx.dialect.lock_free_rows)
            )
            judged: list[tuple[HeldClick, Verdict]] = [
                (held, _verdict(held, neighbours)) for held in due if held.hit.id in mine
            ]
            by_people = [held for held, verdict in judged if verdict == "human"]
            for _, verdict in judged:
                tally.today(counters.engagement("click", verdict))
            await tx.apply(
                [
                    engagement.judge([(held.hit.id, verdict) for held, verdict in judged]),
                    sends.record_clicks([(held.hit.send_id, held.hit.at) for held in by_people]),
                ]
            )
            taking = await self._ingest.submit_within(
                tx, [_clicked(held) for held in by_people], tally, now
            )
            await tx.apply([tally.write()])
        taking.topics.add("sends")
        await self._ingest.publish_result(taking)


def _verdict(held: HeldClick, neighbours: Mapping[UUID, Sequence[Engagement]]) -> Verdict:
    others = [
        other.position
        for other in neighbours.get(held.hit.send_id, ())
        if other.kind == "click" and abs(other.at - held.hit.at) <= HOLD
    ]
    return judge_click(held.hit.at, held.sent_at, others)


def _is_trouble(answer: object) -> bool:
    return isinstance(answer, StoreUnavailable)


def _clicked(held: HeldClick) -> IncomingEvent:
    return IncomingEvent(
        name="email.clicked",
        contact_id=held.contact_id,
        properties={
            "sendId": str(held.hit.send_id),
            "template": held.template,
            "url": held.hit.url or "",
        },
        source="recipient",
        timestamp=held.hit.at,
        send_id=held.hit.send_id,
    )
