"""Ingests a batch of events in one transaction, in as many passes as its merges need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..domain.incoming import IncomingEvent
from ..store.counters import Tally
from ..store.db import Transaction
from .anonymous_events import adopt_events
from .batch import IngestBatch
from .batch_result import BatchResult, fill_in_contact_keys
from .contact_resolver import MergeNeeded
from .merge import merge_contacts
from .rules import IngestRules


async def ingest_batch(
    tx: Transaction,
    incoming: Sequence[IncomingEvent],
    rules: IngestRules,
    tally: Tally,
    now: datetime,
) -> BatchResult:
    """Ingest events in their order.

    Args:
        tx: the transaction with which all changes commit.
        incoming: the events.
        rules: the journeys, lists and switches that decide.
        tally: counts the changes; the caller writes the tally.
        now: the current time.
    """
    result = BatchResult()
    remaining = list(incoming)
    while remaining:
        await adopt_events(tx, remaining, rules, tally)
        batch = IngestBatch(rules, tally, now)
        await batch.load(tx, remaining)
        try:
            for event in remaining:
                result.results.append(batch.decide(event))
            decided = len(remaining)
        except MergeNeeded as needed:
            # The events before the one that needs the merge are written first. The merge follows
            # in the next pass, where its event is the first.
            decided = batch.decided
            if decided == 0 and needed.contact_ids:
                merged = await merge_contacts(tx, needed.contact_ids, rules, tally, now)
                result.ended.extend(merged.ended)
                result.wakes.update(merged.wakes)
                result.topics.update(("contacts", "enrollments", "sends"))
        await batch.write(tx)
        await fill_in_contact_keys(tx, result)
        result.wakes.update(batch.wakes)
        result.ended.extend(batch.ended)
        result.topics |= batch.topics
        remaining = remaining[decided:]
    return result
