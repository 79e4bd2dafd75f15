"""Plays due enrollments in sets: load what they touch, drive every turn, commit them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.sending import Consents, SendFacts
from ..errors import HogsendError
from ..ingest import Ingest
from ..store import consents, contacts, enrollments, events, sends, turns
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database
from .commit import Played, commit
from .driver import Driver
from .facts import Facts, World
from .looks import answer_looks
from .play import Play
from .registry import Registry

log = logging.getLogger("hogsend.turns")


@dataclass(frozen=True, slots=True)
class Code:
    """The authors' code as of now.

    Args:
        registry: journeys and lists.
        templates: the keys of the mails that can be sent, each with its list if it names one.
    """

    registry: Registry
    templates: Mapping[str, str | None]


class Player:
    """Plays turns.

    Args:
        database: where enrollments are.
        clock: what tells the time.
        ingest: takes the events that turns trigger, inside their transaction.
        code: the authors' code; may be replaced at any time.
        limit: how long one turn may keep its thread.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        code: Code,
        limit: timedelta = timedelta(seconds=60),
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._driver = Driver(limit)
        self._commits: Batcher[Played, bool] = Batcher(self._commit, most=500)
        self.code = code

    async def play(self, ids: Sequence[UUID]) -> None:
        """Play one turn of each enrollment, and return when they are committed.

        Args:
            ids: due enrollments, of different contacts.
        """
        code, now = self.code, self._clock.now()
        plays = await self._load(ids, code, now)
        by_journey: dict[str, list[Play]] = {}
        for play in plays:
            by_journey.setdefault(play.journey.id, []).append(play)
        await asyncio.gather(*(self._play_set(group, now) for group in by_journey.values()))

    def close(self) -> None:
        """Let no more turns begin."""
        self._driver.close()

    async def _play_set(self, plays: Sequence[Play], now: datetime) -> None:
        """Drive the turns of one journey until each is over, then commit them."""
        moving: list[tuple[Play, Any]] = [(play, None) for play in plays]
        while moving:
            await self._driver.advance(moving)
            needy = [play for play, _ in moving if play.need is not None and not play.over]
            moving = await answer_looks(self._database, needy, now) if needy else []
        submitted = [
            self._commits.enqueue(Played(play.journey, play.facts, play.final)) for play in plays
        ]
        for done in await asyncio.gather(*submitted, return_exceptions=True):
            if isinstance(done, HogsendError):
                log.warning("a turn was not committed: %s", done)
            elif isinstance(done, BaseException):
                raise done

    async def _commit(self, played: Sequence[Played]) -> Sequence[bool | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            taking, answers = await commit(tx, played, self._ingest, tally, now)
            await tx.apply([tally.write()])
        await self._ingest.committed(taking)
        return answers

    async def _load(self, ids: Sequence[UUID], code: Code, now: datetime) -> list[Play]:
        due, people, triggers, journals, said, suppressed = await self._database.read(
            enrollments.by_ids(ids),
            contacts.of_enrollments(ids),
            events.triggers_of(ids),
            turns.of_enrollments(ids),
            consents.of_enrollments(ids),
            consents.suppressed_of_enrollments(ids),
        )
        gaps = [e for e in due.values() if self._gap(e.journey_id, code)]
        last: dict[tuple[UUID, str], datetime] = {}
        if gaps:
            query = sends.last_of_journeys(
                [e.contact_id for e in gaps], sorted({e.journey_id for e in gaps})
            )
            last = await self._database.read_one(query)
        world = World(code.registry.lists, code.templates, now)
        plays: list[Play] = []
        for enrollment in due.values():
            journey = code.registry.journeys.get(enrollment.journey_id)
            if journey is None or not enrollment.is_live:
                continue
            contact = people[enrollment.contact_id]
            facts = Facts(
                enrollment=enrollment,
                contact=contact,
                trigger=triggers[enrollment.trigger_event_id].event,
                depth=triggers[enrollment.trigger_event_id].depth,
                steps=[step for turn in journals.get(enrollment.id, ()) for step in turn.steps],
                sending=SendFacts(
                    email=contact.email,
                    consents=said.get(contact.id) or Consents(),
                    suppression=suppressed.get(contact.email) if contact.email else None,
                    last_sent_at=last.get((contact.id, journey.id)),
                ),
            )
            plays.append(Play(journey, code.registry.functions[journey.id], facts, world))
        return plays

    @staticmethod
    def _gap(journey_id: str, code: Code) -> bool:
        journey = code.registry.journeys.get(journey_id)
        return journey is not None and journey.suppress is not None
