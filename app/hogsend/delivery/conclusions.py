"""Writes the outcomes of attempts, inside the transaction of their batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..domain.erasure import ERASED
from ..domain.incoming import IncomingEvent
from ..domain.send_policy import Send
from ..ingest import BatchResult, Ingest
from ..store import contacts, direct_mails, feedback, sends
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.sends import SendState
from .blocking import store_blocks
from .deliverability import count_status
from .feedback.apply import apply_reports, apply_soft_bounces, build_feedback_event
from .outcomes import DeliveryOutcome

# What a report may have made of a mail before its own hand-over was concluded.
_REPORTED = frozenset({"failed", "delivered", "bounced", "complained"})


async def write_outcomes(
    tx: Transaction,
    ingest: Ingest,
    outcomes: Sequence[DeliveryOutcome],
    tally: Tally,
    now: datetime,
    *,
    test_address: str | None,
) -> BatchResult:
    """Write the outcomes of attempts, with the bounces that they are.

    Args:
        tx: the transaction.
        ingest: ingests bounces as events.
        outcomes: the outcomes.
        tally: counts the changes; the caller writes it.
        now: the current time.
        test_address: the address that gets every mail in test mode, which is never suppressed.

    Returns:
        What the caller passes to `Ingest.publish_result` after the commit.
    """
    ids = sorted(outcome.send.id for outcome in outcomes)
    await lock_recipients(tx, outcomes)
    states = await tx.fetch_one(sends.find_states(ids, tx.dialect.lock_rows))
    senders = {outcome.send.id: outcome.sender for outcome in outcomes}
    changed = [
        row
        for outcome in outcomes
        if (row := _conclude_row(outcome.send, states.get(outcome.send.id))) is not None
    ]
    for row in changed:
        count_status(tally, row, senders[row.id])
    await tx.apply([sends.conclude(changed, now), *direct_mails.forget_ended(changed)])
    blocked_ids = {row.id for row in changed if row.status == "blocked"}
    if blocked_ids:
        await store_blocks(tx, [o for o in outcomes if o.send.id in blocked_ids], now)
    completed = await _complete_reported(tx, outcomes, states, now)
    for row in completed:
        # The provider accepted it before the report arrived, so it counts as sent, too.
        count_status(tally, replace(row, status="sent"), senders[row.id])
    batch = await _ingest_bounces(tx, ingest, _leave_out_erased(outcomes, states), tally, now)
    waiting = await _find_waiting_reports(tx, [*changed, *completed])
    if waiting:
        await tx.apply([feedback.mark_applied(waiting, now)])
        applied = await apply_reports(tx, ingest, waiting, tally, now, test_address=test_address)
        batch = _join(batch, applied.result)
    batch.topics.add("sends")
    return batch


def _leave_out_erased(
    outcomes: Sequence[DeliveryOutcome], states: Mapping[UUID, SendState]
) -> list[DeliveryOutcome]:
    return [
        outcome
        for outcome in outcomes
        if (state := states.get(outcome.send.id)) is not None and state.reason != ERASED
    ]


async def lock_recipients(tx: Transaction, outcomes: Sequence[DeliveryOutcome]) -> None:
    """Lock the recipients of mails that may bring events, before any send is locked.

    Ingest locks contacts before sends, and two transactions in different orders wait for each
    other.
    """
    ids = [
        outcome.send.id
        for outcome in outcomes
        if outcome.is_bounce or outcome.send.provider not in (None, "smtp", "inbox")
    ]
    if ids and tx.dialect.lock_rows:
        await tx.fetch_one(contacts.find_by_sends(sorted(ids), tx.dialect.lock_rows))


def _conclude_row(send: Send, state: SendState | None) -> Send | None:
    """Return the row after an attempt, or None if the send has ended in the meantime.

    A mail that was withdrawn during the hand-over and was not accepted is cancelled, not retried.
    What the provider says about a mail to an erased contact is not kept.
    """
    if state is None or state.status not in ("queued", "sending"):
        return None
    if send.status == "queued" and state.status == "sending" and state.reason is not None:
        send = replace(send, status="cancelled", reason=state.reason, due_at=None)
    if state.reason == ERASED:
        return replace(send, reason=ERASED, provider_id=None, attempts=())
    return send


async def _complete_reported(
    tx: Transaction,
    outcomes: Sequence[DeliveryOutcome],
    states: Mapping[UUID, SendState],
    now: datetime,
) -> list[Send]:
    """Complete the rows of mails that were reported on before their hand-over was concluded."""
    accepted = {
        outcome.send.id: outcome.send
        for outcome in outcomes
        if outcome.send.status == "sent"
        and (state := states.get(outcome.send.id)) is not None
        and state.status in _REPORTED
    }
    if not accepted:
        return []
    rows = await tx.fetch_one(feedback.find_locked(sorted(accepted), tx.dialect.lock_rows))
    completed = [
        replace(
            row,
            sent_at=accepted[row.id].sent_at,
            provider=accepted[row.id].provider,
            provider_id=accepted[row.id].provider_id,
            attempts=[*row.attempts, *accepted[row.id].attempts[-1:]],
        )
        for row in rows.values()
    ]
    await tx.apply(
        [
            feedback.record_feedback([(row, None) for row in completed], now),
            *direct_mails.forget_ended(completed),
        ]
    )
    return completed


async def _find_waiting_reports(tx: Transaction, changed: Sequence[Send]) -> list[feedback.Report]:
    """Return the reports that arrived before the provider's ids of their mails were recorded."""
    ids: dict[tuple[str | None, str | None], UUID] = {
        (row.provider, row.provider_id): row.id
        for row in changed
        if row.status in ("sent", *_REPORTED)
        and row.provider_id
        and row.provider not in ("smtp", "inbox")
    }
    if not ids:
        return []
    provider_ids = sorted({provider_id for _, provider_id in ids if provider_id})
    waiting = await tx.fetch_one(feedback.find_unmatched(provider_ids))
    return [
        replace(report, send_id=ids[report.provider, report.provider_id])
        for report in waiting
        if (report.provider, report.provider_id) in ids
    ]


async def _ingest_bounces(
    tx: Transaction,
    ingest: Ingest,
    outcomes: Sequence[DeliveryOutcome],
    tally: Tally,
    now: datetime,
) -> BatchResult:
    """Ingest the events of hard bounces, and of soft ones that were too many."""
    events: list[IncomingEvent] = [
        build_feedback_event(outcome.send, "email.bounced", "hard_bounce", outcome.suppress)
        for outcome in outcomes
        if outcome.suppress is not None
    ]
    soft_bounces = [
        (outcome.send, outcome.soft_bounced) for outcome in outcomes if outcome.soft_bounced
    ]
    events += await apply_soft_bounces(tx, soft_bounces, now)
    return await ingest.submit_within(tx, events, tally, now) if events else BatchResult()


def _join(first: BatchResult, second: BatchResult) -> BatchResult:
    return BatchResult(
        results=[*first.results, *second.results],
        wakes={**first.wakes, **second.wakes},
        ended=[*first.ended, *second.ended],
        topics=first.topics | second.topics,
    )
