"""Answers the reads of a batch of turns, with one query for each group of reads."""

from __future__ import annotations

import traceback
from collections.abc import Hashable, Mapping, Sequence
from itertools import chain, islice
from typing import Any
from uuid import UUID

from ..errors import StoreUnavailable
from ..store import contacts
from ..store.db import Database
from .calls.call import Call
from .calls.read import Read
from .execution import TurnExecution

Answered = list[tuple[TurnExecution, Any]]


async def answer_reads(database: Database, executions: Sequence[TurnExecution]) -> Answered:
    """Return each turn with the answer of its read, as `Call.complete` takes it.

    When the reads of the batch fail together, each read is repeated alone, so that one bad read
    fails one turn.

    Args:
        database: where the rows are; reads do not wait behind writers.
        executions: turns whose pending call reads.

    Raises:
        StoreUnavailable: the database cannot be read, which no turn has caused.
    """
    try:
        return await _answer_together(database, executions)
    except StoreUnavailable:
        raise
    except Exception:
        if len(executions) == 1:
            executions[0].fail(traceback.format_exc())
            return []
    return [
        answered
        for execution in executions
        for answered in await answer_reads(database, [execution])
    ]


async def _answer_together(database: Database, executions: Sequence[TurnExecution]) -> Answered:
    families = await _load_families(database, executions)
    groups: dict[tuple[type[Read], Hashable], list[tuple[TurnExecution, Read]]] = {}
    for execution in executions:
        read = _build_read(execution, families)
        groups.setdefault((type(read), read.group), []).append((execution, read))
    queries = [
        kind.build_queries([read for _, read in group]) for (kind, _), group in groups.items()
    ]
    results = iter(await database.read(*chain.from_iterable(queries)))
    answered: Answered = []
    for ((kind, _), group), own in zip(groups.items(), queries, strict=True):
        result = kind.combine_results(list(islice(results, len(own))))
        answers = kind.extract_answers([read for _, read in group], result)
        answered.extend(zip((execution for execution, _ in group), answers, strict=True))
    return answered


def _build_read(execution: TurnExecution, families: Mapping[UUID, list[UUID]]) -> Read:
    call, contact_id = _pending(execution), execution.inputs.contact.id
    contact_ids = families.get(contact_id, [contact_id])
    return call.build_read(execution.turn, execution.replay.pending_key, contact_ids)


async def _load_families(
    database: Database, executions: Sequence[TurnExecution]
) -> Mapping[UUID, list[UUID]]:
    """Return each contact whose events are read, followed by the contacts merged into it."""
    families = {
        contact_id: [contact_id]
        for execution in executions
        if _pending(execution).reads_merged_contacts
        for contact_id in [execution.inputs.contact.id]
    }
    if families:
        merged = await database.read_one(contacts.find_merged(list(families)))
        for merged_id, survivor_id in merged.items():
            families[survivor_id].append(merged_id)
    return families


def _pending(execution: TurnExecution) -> Call:
    assert execution.pending is not None  # noqa: S101 (the caller selects such turns)
    return execution.pending
