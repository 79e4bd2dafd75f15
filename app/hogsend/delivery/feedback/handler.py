"""Takes the reports of providers and mail servers, in whatever order and however often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from ...clock import Clock
from ...domain.feedback import Report
from ...domain.ids import new_id
from ...ingest import BatchResult, Ingest
from ...store import feedback
from ...store.batcher import Batcher
from ...store.counters import Tally
from ...store.db import Database, Transaction
from ..outcomes import to_one_line
from ..providers.port import Feedback
from .apply import AppliedReports, apply_reports

_MAX_KEY_LENGTH = 200


class OnBounces(Protocol):
    """Takes the domains of senders whose mails bounced or brought complaints."""

    async def __call__(self, senders: frozenset[str]) -> None: ...


class FeedbackHandler:
    """Stores reports and applies them to their sends.

    A report about a mail that is not known yet, such as before our own `sent` is written, waits in
    its row until the provider's id of the mail is recorded.

    Args:
        database: holds the reports.
        clock: the source of the current time.
        ingest: ingests bounces and complaints as events.
        test_address: the address that gets every mail in test mode, which is never suppressed.
        on_bounces: is called after the commit with the domains of senders whose mails bounced.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        *,
        test_address: str | None = None,
        on_bounces: OnBounces | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._test_address = test_address
        self._on_bounces = on_bounces
        self._batcher: Batcher[Report, bool] = Batcher(
            self._write, max_size=200, lock=database.write_lock
        )

    async def handle(self, provider: str, reports: Sequence[Feedback]) -> int:
        """Store and apply reports; return once they are committed.

        Args:
            provider: the name of the provider, or of the reader of bounces.
            reports: the reports; those that were received before change nothing.

        Returns:
            How many of them are new.

        Raises:
            StoreUnavailable: the database accepts no writes at present; the sender of the reports
                has to repeat them.
        """
        now = self._clock.now()
        results = await self._batcher.submit_all(
            [_to_report(provider, report, now) for report in reports]
        )
        for result in results:
            if isinstance(result, Exception):
                raise result
        return sum(result is True for result in results)

    async def flush(self) -> None:
        """Wait until all submitted reports are written."""
        await self._batcher.wait_until_idle()

    async def _write(self, reports: Sequence[Report]) -> Sequence[bool | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            new = await _select_new(tx, reports)
            matched = await _match(tx, new.values())
            named = {report.id for report in matched}
            await tx.apply(
                [
                    feedback.insert(
                        # What a report says is in the attempts of its send, which can be erased.
                        replace(report, email=None, reply="") if report.id in named else report
                        for report in new.values()
                    )
                ]
            )
            applied = AppliedReports(BatchResult())
            if matched:
                await tx.apply([feedback.mark_applied(matched, now)])
                applied = await apply_reports(
                    tx, self._ingest, matched, tally, now, test_address=self._test_address
                )
            await tx.apply([tally.to_write()])
        await self._ingest.publish_result(applied.result)
        if self._on_bounces is not None and applied.bounced_senders:
            await self._on_bounces(applied.bounced_senders)
        fresh = {report.id for report in new.values()}
        return [report.id in fresh for report in reports]


async def _select_new(tx: Transaction, reports: Sequence[Report]) -> dict[tuple[str, str], Report]:
    """Return the reports that were not received before, each once."""
    new: dict[tuple[str, str], Report] = {}
    for report in reports:
        new.setdefault((report.provider, report.event_key), report)
    for provider in sorted({provider for provider, _ in new}):
        keys = [key for name, key in new if name == provider]
        for known in await tx.fetch_one(feedback.find_known(provider, keys)):
            new.pop((provider, known.event_key), None)
    return new


async def _match(tx: Transaction, reports: Iterable[Report]) -> list[Report]:
    """Return the reports whose sends are known, each with its send."""
    reports = list(reports)
    unnamed: dict[str, set[str]] = {}
    for report in reports:
        if report.send_id is None and report.provider_id is not None:
            unnamed.setdefault(report.provider, set()).add(report.provider_id)
    send_ids: dict[tuple[str, str | None], UUID] = {}
    for provider, provider_ids in sorted(unnamed.items()):
        query = feedback.find_sends_by_provider_ids(provider, sorted(provider_ids))
        for provider_id, send_id in (await tx.fetch_one(query)).items():
            send_ids[provider, provider_id] = send_id
    matched: list[Report] = []
    for report in reports:
        known_id = report.send_id or send_ids.get((report.provider, report.provider_id))
        if known_id is not None:
            matched.append(replace(report, send_id=known_id))
    return matched


def _to_report(provider: str, report: Feedback, now: datetime) -> Report:
    key = report.event_id or "\n".join(
        (
            report.kind,
            str(report.send_id or report.provider_id),
            report.email,
            report.at.isoformat(),
        )
    )
    if len(key) > _MAX_KEY_LENGTH or "\n" in key:
        key = sha256(key.encode("utf-8", "replace")).hexdigest()
    return Report(
        id=new_id(now),
        provider=provider[:40],
        event_key=key.replace("\0", ""),
        kind=report.kind,
        at=report.at,
        received_at=now,
        send_id=report.send_id,
        provider_id=to_one_line(report.provider_id or "")[:200] or None,
        email=to_one_line(report.email)[:320] or None,
        code=to_one_line(report.code or "")[:20] or None,
        reply=to_one_line(report.reply),
    )
