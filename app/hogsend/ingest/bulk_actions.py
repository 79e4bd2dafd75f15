"""What operators order, for one person or for everyone in a state, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.ids import new_id
from ..errors import Conflict
from ..store import audit, enrollments, events
from ..store.counters import Tally
from ..store.db import Database, Query, Transaction, Write
from .batch import BatchResult
from .operator_action import OperatorAction, operate
from .service import Ingest
from .trigger_replay import MISSED, replay

# People in one transaction: it keeps other writers waiting for well under 50 ms.
STEP = 100

# Is told after each step how many people it has come to so far.
Told = Callable[[int], None]
# Asks for the next ids, after one and up to another.
_Page = Callable[[UUID | None, UUID], Query[list[UUID]]]
_Step = Callable[[Transaction, list[UUID], Tally, datetime], Awaitable[BatchResult]]
# Writes the line of the audit log, with what the order has come to.
_Line = Callable[[UUID, datetime, Mapping[str, Any]], Write]


@dataclass
class BulkResult:
    """What an order for many people came to.

    Args:
        done: how many people it was carried out for.
        kept: how many it was not carried out for, by the reason.
    """

    done: int = 0
    kept: Counter[str] = field(default_factory=Counter[str])

    @property
    def seen(self) -> int:
        """How many people it came to."""
        return self.done + self.kept.total()

    def to_json(self) -> dict[str, Any]:
        """Return what the audit log keeps."""
        kept = {"kept": dict(self.kept)} if self.kept else {}
        return {"people": self.done, **kept}


class OperatorActions:
    """Carries out what operators order; everything is on the audit log.

    Args:
        database: where enrollments are.
        clock: what tells the time.
        ingest: has the rules, and tells the engine what was committed.
    """

    def __init__(self, database: Database, clock: Clock, ingest: Ingest) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest

    async def run(self, order: OperatorAction, enrollment_id: UUID) -> UUID:
        """Carry an order out for one enrollment; return the enrollment to look at now.

        Args:
            order: what to do.
            enrollment_id: to which enrollment.

        Raises:
            NotFound: there is no such enrollment.
            Conflict: its state does not allow this.
        """
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            operated = await operate(
                tx, order, [enrollment_id], rules=self._ingest.rules, tally=tally, now=now
            )
            if enrollment_id in operated.kept:
                raise operated.kept[enrollment_id]
            after = operated.done[enrollment_id]
            said = {"reason": order.reason} if order.act in ("exit", "restart") else {}
            if after != enrollment_id:
                said["enrollment"] = str(after)
            line = _line(order.by, order.act, f"/enrollments/{enrollment_id}", None)
            await tx.apply([tally.write(), line(new_id(now), now, said)])
        await self._ingest.publish_result(operated.taking)
        return after

    async def run_all(
        self, order: OperatorAction, journey_id: str, state: str, told: Told = lambda seen: None
    ) -> BulkResult:
        """Carry an order out for everyone who is in one state of a journey now.

        Args:
            order: what to do.
            journey_id: in which journey.
            state: to those in this state.
            told: is told after each step how many people it has come to.
        """
        outcome = BulkResult()

        async def step(
            tx: Transaction, ids: list[UUID], tally: Tally, now: datetime
        ) -> BatchResult:
            operated = await operate(tx, order, ids, rules=self._ingest.rules, tally=tally, now=now)
            outcome.done += len(operated.done)
            outcome.kept.update(str(problem) for problem in operated.kept.values())
            return operated.taking

        await self._in_steps(
            lambda after, until: enrollments.ids_in(journey_id, state, after, until, STEP),
            step,
            outcome,
            _line(order.by, f"{order.act} all", f"/journeys/{journey_id}", {"state": state}),
            told,
        )
        return outcome

    async def replay(self, journey_id: str, by: str, told: Told = lambda seen: None) -> BulkResult:
        """Let every trigger that a journey missed, while it was gone or broken, start it now.

        Args:
            journey_id: which journey; its code must be there again.
            by: the operator's address, or `cli`.
            told: is told after each step how many triggers it has come to.

        Raises:
            Conflict: its code is gone or broken.
        """
        journey = self._ingest.rules.journeys.get(journey_id)
        if journey is None:
            raise Conflict(
                f"The code of {journey_id} is gone or broken.", "Put it back before replaying."
            )
        outcome = BulkResult()

        async def step(
            tx: Transaction, ids: list[UUID], tally: Tally, now: datetime
        ) -> BatchResult:
            replayed = await replay(
                tx, journey, ids, rules=self._ingest.rules, tally=tally, now=now
            )
            outcome.done += replayed.entered
            outcome.kept.update(replayed.refused)
            return replayed.taking

        await self._in_steps(
            lambda after, until: events.missed_ids(journey_id, MISSED, after, until, STEP),
            step,
            outcome,
            _line(by, "replay", f"/journeys/{journey_id}", None),
            told,
        )
        return outcome

    async def _in_steps(
        self, page: _Page, step: _Step, outcome: BulkResult, line: _Line, told: Told
    ) -> None:
        """Go through rows in the order of their ids, a transaction for each few of them.

        Rows that come while this runs are left out, so that it ends. The line of the audit log
        commits with each step and says what the order has come to by then.
        """
        until, after = new_id(self._clock.now()), None
        line_id = new_id(self._clock.now())
        while ids := await self._database.read_one(page(after, until)):
            after, now = ids[-1], self._clock.now()
            tally = Tally(now)
            async with self._database.transaction() as tx:
                taking = await step(tx, ids, tally, now)
                await tx.apply([tally.write(), line(line_id, now, outcome.to_json())])
            await self._ingest.publish_result(taking)
            told(outcome.seen)


def _line(who: str, action: str, subject: str, before: Mapping[str, Any] | None) -> _Line:
    def write(line: UUID, now: datetime, after: Mapping[str, Any]) -> Write:
        said = after or None
        return audit.record(who, action, subject, now, before=before, after=said, line=line)

    return write
