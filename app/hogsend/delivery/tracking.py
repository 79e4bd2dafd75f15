"""Records opens and clicks, and ingests an event for each click of a person."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.engagement import (
    HOLD,
    Engagement,
    EngagementKey,
    EngagementKind,
    Verdict,
    classify_agent,
    get_key,
    judge_click,
    judge_request,
    select_new,
    simplify_link,
    truncate_network,
)
from ..domain.ids import new_id
from ..domain.incoming import IncomingEvent
from ..engines.poller import Poller
from ..errors import StoreUnavailable
from ..ingest import Ingest
from ..store import counters, link_totals, sends
from ..store import engagement as engagement_store
from ..store.batcher import Batcher
from ..store.change_feed import ChangeFeed
from ..store.counters import Tally
from ..store.db import Database, Transaction, Write
from ..store.engagement import HeldClick

log = logging.getLogger("hogsend.tracking")

_BATCH_SIZE = 200
_MAX_SLEEP = timedelta(seconds=30)
_RETRY_SECONDS = 1.0
# The maximum number of opens and clicks that are kept in memory while the database is unavailable.
# The oldest are dropped first.
_MAX_KEPT = 10_000
# Characters of a User-Agent header that are looked at; browsers send about a hundred.
_MAX_AGENT_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a link or the open pixel.

    Args:
        method: the request's method.
        agent: its User-Agent header.
        address: the IP address that it came from.
    """

    method: str
    agent: str
    address: str


class Tracker:
    """Records opens and clicks; the ones that arrive at the same time share a transaction.

    Args:
        database: holds the opens and clicks.
        clock: the source of the current time.
        ingest: ingests the events of clicks.
        changes: notified when sends change.
    """

    def __init__(
        self, database: Database, clock: Clock, ingest: Ingest, changes: ChangeFeed
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._changes = changes
        self._batcher: Batcher[Engagement, None] = Batcher(self._write, lock=database.write_lock)
        self._poller = Poller(log, "held clicks could not be classified; trying again")
        self._kept: deque[Engagement] = deque(maxlen=_MAX_KEPT)
        self._retry: asyncio.Task[None] | None = None

    async def record(
        self, kind: EngagementKind, send_id: UUID, visit: Visit, *, position: int = 0, url: str = ""
    ) -> None:
        """Record an open or a click; retry later if the database is unavailable, as no client does.

        Args:
            kind: whether it is an open or a click.
            send_id: the send of the mail.
            visit: the request.
            position: the link's position in the mail, from 0.
            url: the link's destination.
        """
        now = self._clock.now()
        agent = visit.agent[:_MAX_AGENT_LENGTH]
        verdict = judge_request(kind, visit.method, agent)
        engagement = Engagement(
            id=new_id(now),
            send_id=send_id,
            kind=kind,
            at=now,
            position=position,
            url=url or None,
            verdict=verdict,
            agent=classify_agent(agent),
            network=truncate_network(visit.address),
            held_until=now + HOLD if verdict == "unsure" else None,
        )
        try:
            await self._batcher.submit(engagement)
        except StoreUnavailable:
            self._kept.append(engagement)
            if self._retry is None or self._retry.done():
                self._retry = asyncio.create_task(self._record_kept())

    async def _record_kept(self) -> None:
        while self._kept:
            await asyncio.sleep(_RETRY_SECONDS)
            batch = [self._kept.popleft() for _ in range(min(_BATCH_SIZE, len(self._kept)))]
            results = await asyncio.gather(
                *map(self._batcher.submit, batch), return_exceptions=True
            )
            unavailable = [
                engagement
                for engagement, result in zip(batch, results, strict=True)
                if isinstance(result, StoreUnavailable)
            ]
            self._kept.extendleft(reversed(unavailable))

    async def _write(self, batch: Sequence[Engagement]) -> Sequence[Exception | None]:
        send_ids = sorted({engagement.send_id for engagement in batch})
        async with self._database.transaction() as tx:
            recorded = await tx.fetch_one(
                engagement_store.find_recorded(send_ids, tx.dialect.lock_rows)
            )
            new = select_new(batch, recorded)
            if new:
                judged = [
                    engagement
                    for engagement in new
                    if engagement.kind == "click" and engagement.verdict != "unsure"
                ]
                links = await _count_links(tx, judged)
                await tx.apply(self._build_writes(new, links))
        if any(engagement.held_until for engagement in new):
            self._poller.notify()
        if new:
            self._changes.publish("sends")
        return [None] * len(batch)

    def _build_writes(self, new: Sequence[Engagement], links: Sequence[Write]) -> list[Write]:
        tally = Tally(self._clock.now())
        for engagement in new:
            if engagement.verdict != "unsure":
                tally.add_today(counters.name_engagement_total(engagement.kind, engagement.verdict))
        opens = [
            (engagement.send_id, engagement.at)
            for engagement in new
            if engagement.kind == "open" and engagement.verdict != "machine"
        ]
        return [engagement_store.insert(new), sends.record_opens(opens), *links, tally.to_write()]

    async def run(self) -> None:
        """Classify held clicks when their hold ends, until closed."""
        await self._poller.run(self.judge_due)

    async def judge_due(self) -> float:
        """Classify the clicks whose hold has ended; return the seconds until the next hold ends."""
        while True:
            held_clicks = await self._database.read_one(engagement_store.find_held(_BATCH_SIZE))
            now = self._clock.now()
            due = [
                held
                for held in held_clicks
                if held.click.held_until and held.click.held_until <= now
            ]
            if not due:
                ends = next(
                    (held.click.held_until for held in held_clicks if held.click.held_until), None
                )
                wait = min(ends - now, _MAX_SLEEP) if ends else _MAX_SLEEP
                return max(wait.total_seconds(), 0.01)
            await self._judge(due)

    async def close(self) -> None:
        """Stop classifying clicks."""
        self._poller.close()
        if self._retry is not None:
            self._retry.cancel()

    async def _judge(self, due: Sequence[HeldClick]) -> None:
        neighbours = await self._database.read_one(
            engagement_store.find_by_sends(list({held.click.send_id for held in due}))
        )
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            still_held = await tx.fetch_one(
                engagement_store.find_still_held(
                    [held.click.id for held in due], tx.dialect.lock_skipping_locked
                )
            )
            known = await tx.fetch_one(
                engagement_store.find_recorded(sorted(neighbours), tx.dialect.lock_rows)
            )
            judged, repeats = _judge_all(
                [held for held in due if held.click.id in still_held], neighbours, known
            )
            by_people = [held for held, verdict in judged if verdict == "human"]
            for _, verdict in judged:
                tally.add_today(counters.name_engagement_total("click", verdict))
            verdicts: list[tuple[UUID, Verdict]] = [(held.click.id, v) for held, v in judged]
            first_clicks = [(held.click.send_id, held.click.at) for held in by_people]
            await tx.apply(
                [
                    engagement_store.record_verdicts(verdicts),
                    engagement_store.remove(repeats),
                    sends.record_clicks(first_clicks),
                ]
            )
            result = await self._ingest.submit_within(
                tx, [_build_click_event(held) for held in by_people], tally, now
            )
            final = [replace(held.click, verdict=verdict) for held, verdict in judged]
            await tx.apply([*await _count_links(tx, final), tally.to_write()])
        result.topics.add("sends")
        await self._ingest.publish_result(result)


async def _count_links(tx: Transaction, clicks: Sequence[Engagement]) -> list[Write]:
    """Return what counts clicks by the links of their templates."""
    if not clicks:
        return []
    by_send = await tx.fetch_one(
        link_totals.find_templates(sorted({click.send_id for click in clicks}))
    )
    counted = await tx.fetch_one(link_totals.find_counted(sorted(set(by_send.values()))))
    figures = [
        (by_send[click.send_id], simplify_link(click.url or ""), click.verdict == "human")
        for click in clicks
        if click.send_id in by_send
    ]
    return [link_totals.add(figures, counted)]


def _judge(held: HeldClick, neighbours: Mapping[UUID, Sequence[Engagement]]) -> Verdict:
    others = [
        other.position
        for other in neighbours.get(held.click.send_id, ())
        if other.kind == "click" and abs(other.at - held.click.at) <= HOLD
    ]
    return judge_click(held.click.at, held.sent_at, others)


def _judge_all(
    held_clicks: Sequence[HeldClick],
    neighbours: Mapping[UUID, Sequence[Engagement]],
    recorded: Iterable[EngagementKey],
) -> tuple[list[tuple[HeldClick, Verdict]], list[UUID]]:
    """Return the clicks with their verdicts, and the ids of those that are repeats.

    A click is a repeat if another one on the same link has the same verdict.
    """
    known = set(recorded)
    judged: list[tuple[HeldClick, Verdict]] = []
    repeats: list[UUID] = []
    for held in held_clicks:
        verdict = _judge(held, neighbours)
        key = replace(get_key(held.click), verdict=verdict)
        if key in known:
            repeats.append(held.click.id)
        else:
            known.add(key)
            judged.append((held, verdict))
    return judged, repeats


def _build_click_event(held: HeldClick) -> IncomingEvent:
    return IncomingEvent(
        name="email.clicked",
        contact_id=None if held.address else held.contact_id,
        email=held.address,
        properties={
            "sendId": str(held.click.send_id),
            "template": held.template,
            "url": held.click.url or "",
        },
        source="recipient",
        timestamp=held.click.at,
        send_id=held.click.send_id,
    )
