"""Applies reports about mails inside a transaction: statuses, suppressions, events, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ...domain.erasure import ERASED
from ...domain.feedback import SOFT_BOUNCE_DAYS, FeedbackDecision, Report, decide_feedback
from ...domain.incoming import IncomingEvent, Suppress
from ...domain.send_policy import Send
from ...ingest import BatchResult, Ingest
from ...store import consents, contacts, direct_mails, feedback, sends
from ...store.counters import Tally, to_day
from ...store.db import Transaction
from ..deliverability import count_status, get_domain

# Older soft bounces do not count.
_SOFT_BOUNCE_WINDOW = timedelta(days=30)
_MAX_ATTEMPTS = 50
_EVENT_OF_KIND = {
    "hard_bounce": "email.bounced",
    "soft_bounce": "email.bounced",
    "complaint": "email.complained",
}


@dataclass(frozen=True, slots=True)
class AppliedReports:
    """What reports have changed.

    Args:
        result: what `Ingest.publish_result` takes after the commit.
        bounced_senders: the domains of the senders whose mails bounced or brought complaints.
    """

    result: BatchResult
    bounced_senders: frozenset[str] = frozenset()


@dataclass
class _Changes:
    """What a batch of reports changes."""

    senders: Mapping[UUID, str]
    rows: dict[UUID, Send] = field(default_factory=dict[UUID, Send])
    delivered: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    events: list[IncomingEvent] = field(default_factory=list[IncomingEvent])
    soft_bounces: list[tuple[Send, str]] = field(default_factory=list[tuple[Send, str]])
    suppressed_copies: list[tuple[str, str, UUID | None]] = field(
        default_factory=list[tuple[str, str, UUID | None]]
    )

    def list_bounced_senders(self) -> frozenset[str]:
        """Return the domains of the senders whose mails bounced or brought complaints."""
        return frozenset(
            get_domain(self.senders[row.id])
            for row in self.rows.values()
            if row.status in ("bounced", "complained") and row.id in self.senders
        )


async def apply_reports(
    tx: Transaction,
    ingest: Ingest,
    reports: Sequence[Report],
    tally: Tally,
    now: datetime,
    *,
    test_address: str | None,
) -> AppliedReports:
    """Apply reports whose sends are known.

    The order of the reports does not matter, and one that says nothing new changes nothing.

    Args:
        tx: the transaction, in which the reports are stored.
        ingest: ingests the bounces and complaints as events.
        reports: the reports, each with a `send_id`.
        tally: counts the changes; the caller writes it.
        now: the current time.
        test_address: the address that gets every mail in test mode, which is never suppressed.
    """
    ids = sorted({report.send_id for report in reports if report.send_id is not None})
    # Contacts are locked before sends, as everywhere.
    recipients = await tx.fetch_one(contacts.find_by_sends(ids, tx.dialect.lock_rows))
    rows, senders, direct = await tx.fetch(
        feedback.find_locked(ids, tx.dialect.lock_rows),
        feedback.find_senders(ids),
        direct_mails.find(ids),
    )
    changes = _Changes(senders)
    for report in reports:
        # Several reports may be about one mail.
        send = changes.rows.get(report.send_id) or rows.get(report.send_id)  # type: ignore[arg-type]
        if send is None or send.reason == ERASED or send.contact_id not in recipients:
            continue
        copies = direct[send.id].copies if send.id in direct else ()
        decision = decide_feedback(send, report, test_address, copies)
        _apply(changes, send, report, decision, tally)
    changes.events += await apply_soft_bounces(tx, changes.soft_bounces, now)
    await _write_changes(tx, changes, now)
    result = (
        await ingest.submit_within(tx, changes.events, tally, now)
        if changes.events
        else BatchResult()
    )
    result.topics.add("sends")
    return AppliedReports(result, changes.list_bounced_senders())


async def _write_changes(tx: Transaction, changes: _Changes, now: datetime) -> None:
    delivered_to = {changes.rows[send_id].to_email or "" for send_id in changes.delivered}
    await tx.apply(
        [
            feedback.record_feedback(
                [(row, changes.delivered.get(row.id)) for row in changes.rows.values()], now
            ),
            feedback.forget_soft_bounces(sorted(delivered_to)),
            *direct_mails.forget_ended(changes.rows.values()),
            consents.suppress(changes.suppressed_copies, now),
            *(contacts.raise_revision(address) for address, _, _ in changes.suppressed_copies),
        ]
    )


def _apply(
    changes: _Changes, send: Send, report: Report, decision: FeedbackDecision, tally: Tally
) -> None:
    """Add what one report changes."""
    attempt = sends.build_attempt(report.at, report.kind, _describe(report))
    row = replace(send, attempts=_add(send.attempts, attempt))
    if decision.status is not None:
        reason = None if decision.status == "delivered" else _describe(report)[:200] or report.kind
        row = replace(row, status=decision.status, reason=reason, due_at=None)
        count_status(tally, row, get_domain(changes.senders.get(row.id, "")))
    changes.rows[row.id] = row
    if report.kind == "delivered" and decision.is_about_recipient:
        changes.delivered.setdefault(row.id, report.at)
    if decision.soft_bounced is not None:
        changes.soft_bounces.append((row, decision.soft_bounced))
    if not decision.is_about_recipient:
        if decision.suppress is not None:
            changes.suppressed_copies.append((decision.suppress, decision.reason, row.id))
    elif report.kind in _EVENT_OF_KIND and (decision.status or decision.suppress):
        # A mail that bounced already brings no second event, unless it must be suppressed.
        if decision.status is None and _was_suppressed_before(send):
            return
        suppress = (
            Suppress(decision.suppress, decision.reason) if decision.suppress is not None else None
        )
        changes.events.append(
            build_feedback_event(row, _EVENT_OF_KIND[report.kind], report.kind, suppress)
        )


def _was_suppressed_before(send: Send) -> bool:
    outcomes = {attempt["outcome"] for attempt in send.attempts}
    return not outcomes.isdisjoint(("bounced", "hard_bounce", "complaint"))


async def apply_soft_bounces(
    tx: Transaction, bounces: Sequence[tuple[Send, str]], now: datetime
) -> list[IncomingEvent]:
    """Record soft bounces; return the events that suppress the addresses with too many of them.

    Args:
        tx: the transaction.
        bounces: pairs of a send and the address that bounced.
        now: the current time.
    """
    if not bounces:
        return []
    sends_by_address = {address.lower(): send for send, address in bounces}
    addresses, today = sorted(sends_by_address), to_day(now)
    await tx.apply([feedback.add_soft_bounces((address, today) for address in addresses)])
    since = to_day(now - _SOFT_BOUNCE_WINDOW)
    days = await tx.fetch_one(feedback.count_soft_bounce_days(addresses, since))
    too_many = [address for address in addresses if days.get(address, 0) >= SOFT_BOUNCE_DAYS]
    await tx.apply([feedback.forget_soft_bounces(too_many)])
    return [
        build_feedback_event(
            sends_by_address[address],
            "email.bounced",
            "soft_bounce",
            Suppress(address, "soft_bounce"),
        )
        for address in too_many
    ]


def _add(
    attempts: Sequence[Mapping[str, Any]], attempt: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return attempts with one more; of many reports only the latest are kept."""
    kept = [*attempts, attempt]
    if len(kept) > _MAX_ATTEMPTS:
        oldest = next((a for a in kept if a["outcome"] in ("delayed", "delivered")), None)
        kept = [a for a in kept if a is not oldest]
    return kept


def build_feedback_event(
    send: Send, name: str, kind: str, suppress: Suppress | None
) -> IncomingEvent:
    """Build the event of a bounce or a complaint, which suppresses the address with it.

    Args:
        send: the row, as changed.
        name: `email.bounced` or `email.complained`.
        kind: `hard_bounce`, `soft_bounce` or `complaint`.
        suppress: the address to suppress, if it must not be mailed any more.
    """
    return IncomingEvent(
        name=name,
        contact_id=None if send.address else send.contact_id,
        email=send.address,
        properties={
            "sendId": str(send.id),
            "template": send.template,
            "reason": send.reason or "",
            "kind": kind,
        },
        source="delivery",
        send_id=send.id,
        suppress=suppress,
    )


def _describe(report: Report) -> str:
    """Return what the report says, with its code unless the words have it."""
    code = report.code
    return report.reply if not code or code in report.reply else f"{code} {report.reply}".strip()
