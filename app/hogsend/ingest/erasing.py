"""Erases contacts: first what leads to a person, at once; then the content, in small steps.

After the cut nothing writes personal data of the contact any more: turns that are running write
nothing, because their contact has changed; events that name the person make a new contact.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from ..clock import Clock
from ..domain.erasure import ERASED
from ..errors import NotFound
from ..store import consents, counters, enrollments, erasures, meta
from ..store import erased_content as content
from ..store.counters import Tally
from ..store.db import Database, Query, Transaction, Write
from .batch_result import BatchResult

# A step holds the write lock of SQLite for at most about this long, in seconds. On Postgres it
# locks only rows that nobody else needs any more, and longer steps commit less often. The number
# of rows in a step starts with the second of these sizes, and is adjusted between the first and
# the third.
MAX_STEP_SECONDS, MAX_STEP_SECONDS_ON_POSTGRES = 0.05, 0.2
MIN_STEP_SIZE, FIRST_STEP_SIZE, MAX_STEP_SIZE = 64, 2048, 4096
# Audit entries that are looked at in one read.
_AUDIT_PAGE = 2000
_SALT_BYTES = 16
# Erasures that are resumed at a time.
_MAX_RESUMED = 100
_FIRST_ID = UUID(int=0)

K = TypeVar("K")
FindIds = Callable[[UUID, int], Query[list[UUID]]]


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """A contact with the contacts that were merged into it.

    Args:
        contact_id: the contact.
        ids: all their ids, the contact's first.
        is_erased: whether the cut was made.
    """

    contact_id: UUID
    ids: Sequence[UUID]
    is_erased: bool


async def find_person(tx: Transaction, contact_id: UUID) -> StoredPerson:
    """Find a person by the id of any of its contacts, and lock the rows until the transaction ends.

    Raises:
        NotFound: there is no such contact.
    """
    lock = tx.dialect.lock_rows
    row = await tx.fetch_one(erasures.lock_person(contact_id, lock))
    if row is None:
        raise NotFound("There is no such contact.", "Check the id: it may be incomplete.")
    if row.merged_into is not None:
        return await find_person(tx, row.merged_into)
    # Apart from the first query: contacts that were merged while it waited are seen by now.
    merged = await tx.fetch_one(erasures.lock_merged(row.id, lock))
    return StoredPerson(row.id, [row.id, *merged], row.erased_at is not None)


async def make_unknown(
    tx: Transaction,
    person: StoredPerson,
    tally: Tally,
    now: datetime,
    *,
    keeps_addresses: bool = True,
) -> BatchResult:
    """Cut a person off: exit its enrollments, cancel its mails, forget who it is.

    Args:
        tx: the transaction, in which `find_person` has locked the person.
        person: the person.
        tally: counts the changes; the caller writes the tally.
        now: the current time.
        keeps_addresses: whether all addresses stay suppressed, as hashes; otherwise only those of
            a person who must not be mailed, or who has unsubscribed from everything.
    """
    await tx.apply([meta.set_default(erasures.SALT, secrets.token_hex(_SALT_BYTES))])
    salt, identities, live, queued = await tx.fetch(
        meta.find_value(erasures.SALT),
        erasures.find_identities(person.ids),
        enrollments.find_live(person.ids),
        erasures.count_queued(person.ids),
    )
    for enrollment in live:
        journey_id, wait = enrollment.journey_id, enrollment.wait
        tally.change_state(journey_id, enrollment.state, "exited")
        tally.change_wait(journey_id, wait.key if wait else None, None)
        tally.add_today(counters.name_ended_total(journey_id, "exited"))
    tally.add_today(counters.name_send_total("cancelled"), queued)
    tally.add_to_gauge(counters.CONTACTS, -1)
    exited = [
        replace(enrollment.exit(ERASED, now), wait=None, person=None, error=None)
        for enrollment in live
    ]
    addresses = [identity[2:] for identity in identities if identity.startswith("e:")]
    if not keeps_addresses:
        addresses = await _select_refusing(tx, person, addresses)
    remembered = erasures.remember_addresses(salt, addresses, now)
    cut = [*erasures.cut(person.ids, now), erasures.start(person.contact_id, now)]
    await tx.apply([enrollments.update(exited, now), *remembered, *cut])
    return BatchResult(
        ended=[enrollment.id for enrollment in exited],
        topics={"contacts", "enrollments", "events", "sends"},
    )


async def _select_refusing(
    tx: Transaction, person: StoredPerson, addresses: Sequence[str]
) -> list[str]:
    """Return the addresses that must get no mail even if the person signs up again."""
    suppressed, has_stopped = await tx.fetch(
        consents.find_suppressed(addresses), erasures.has_unsubscribed(person.ids)
    )
    return list(addresses) if has_stopped else list(suppressed)


class ContentEraser:
    """Removes the content of people who were cut off, in steps that hold the write lock briefly.

    Every step can be repeated, so an erasure that was interrupted starts again.

    Args:
        database: the database.
        clock: the source of the current time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._size = FIRST_STEP_SIZE
        self._max_seconds = MAX_STEP_SECONDS if database.is_sqlite else MAX_STEP_SECONDS_ON_POSTGRES

    async def redact_mentions(self, person: StoredPerson) -> None:
        """Remove the person from the audit log, journals of others and test mails; before the cut.

        Only before it is known how they name the person.
        """
        identities = await self._database.read_one(erasures.find_identities(person.ids))
        addresses = [identity[2:] for identity in identities if identity.startswith("e:")]
        # Short ids are common words; as a whole JSON text they are not.
        others = [f'"{identity[2:]}"' for identity in identities if identity[2:] not in addresses]
        await self._redact_audit([*addresses, *others], f"/contacts/{person.contact_id}")
        texts = [identity[2:].lower() for identity in identities]
        if texts:
            await self._erase_each(
                lambda after, limit: content.find_import_remarks(texts, after, limit),
                lambda ids: self._run([content.delete_import_remarks(ids)]),
            )
        await self._erase_each(
            lambda after, limit: content.find_sample_mails(addresses, after, limit),
            lambda ids: self._run([content.delete_captured_mails(ids)]),
        )
        await self._run(content.erase_bounces(addresses))
        for address in addresses:
            await self._erase_each(
                lambda after, limit: content.find_naming_enrollments(person.ids, after, limit),
                lambda ids, address=address: self._run([content.redact_turns(ids, address)]),
            )

    async def _redact_audit(self, texts: Sequence[str], subject: str) -> None:
        after = _FIRST_ID
        while texts:
            page = await self._database.read_one(
                content.find_audit_entries(texts, after, _AUDIT_PAGE)
            )
            if not page:
                break
            mentioning = [entry_id for entry_id, mentions in page.items() if mentions]
            if mentioning:
                async with self._database.transaction() as tx:
                    await tx.apply([content.redact_audit_entries(mentioning, subject)])
            after = max(page)

    async def erase(self, contact_id: UUID, ids: Sequence[UUID]) -> bool:
        """Remove all content of a person; return whether none is left.

        Args:
            contact_id: the contact.
            ids: the contact, and those that were merged into it.
        """
        for one_id in ids:
            await self._erase_events(one_id)
            await self._erase_each(
                lambda after, limit, one_id=one_id: content.find_enrollments(one_id, after, limit),
                self._erase_enrollments,
            )
            await self._erase_each(
                lambda after, limit, one_id=one_id: content.find_sends(one_id, after, limit),
                self._erase_sends,
            )
            await self._delete(
                lambda limit, one_id=one_id: content.find_refusals(one_id, limit),
                content.delete_refusals,
            )
        await self._run(
            [content.redact_audit_subjects([f"/contacts/{one_id}" for one_id in ids])],
            erasures.finish(contact_id, self._clock.now()),
        )
        await self._database.empty_log()
        erasure = await self._database.read_one(erasures.find(contact_id))
        return erasure is not None and erasure.finished_at is not None

    async def _erase_events(self, contact_id: UUID) -> None:
        after = 0
        while True:
            last = await self._database.read_one(
                content.find_last_seq(contact_id, after, self._size)
            )
            if last is None:
                return
            await self._run(content.erase_events(contact_id, after, last))
            after = last

    async def _erase_enrollments(self, ids: Sequence[UUID]) -> None:
        await self._delete(lambda limit: content.find_turns(ids, limit), content.delete_turns)
        subjects = [f"/enrollments/{enrollment_id}" for enrollment_id in ids]
        await self._run(
            [
                *content.erase_enrollments(ids, self._clock.now()),
                content.redact_audit_subjects(subjects),
            ]
        )

    async def _erase_sends(self, ids: Sequence[UUID]) -> None:
        subjects = [f"/emails/{send_id}" for send_id in ids]
        await self._run([*content.erase_sends(ids), content.redact_audit_subjects(subjects)])

    async def _erase_each(
        self, find: FindIds, erase: Callable[[Sequence[UUID]], Awaitable[None]]
    ) -> None:
        """Erase rows in the order of their ids, some at a time."""
        after = _FIRST_ID
        # Each of these rows leads to others, so there are fewer in a step.
        while ids := await self._database.read_one(find(after, max(self._size // 8, 1))):
            await erase(ids)
            after = ids[-1]

    async def _delete(
        self,
        find: Callable[[int], Query[list[K]]],
        delete: Callable[[Sequence[K]], Query[None]],
    ) -> None:
        """Delete rows until there are none, some at a time."""
        while keys := await self._database.read_one(find(self._size)):
            await self._run([delete(keys)])

    async def _run(self, statements: Sequence[Query[None]], *writes: Write) -> None:
        """Run statements in one step, and adjust the size of the next one."""
        read_seconds = asyncio.get_running_loop().time
        async with self._database.transaction() as tx:
            start = read_seconds()
            await tx.fetch(*statements)
            await tx.apply(writes)
            tx.wrote = True
        duration = read_seconds() - start
        if duration > self._max_seconds:
            self._size = max(self._size // 2, MIN_STEP_SIZE)
        elif duration < self._max_seconds / 4:
            self._size = min(self._size * 2, MAX_STEP_SIZE)


async def resume_erasures(database: Database, clock: Clock) -> int:
    """Go on with the erasures that were interrupted, or had to wait for a mail that was leaving.

    Returns:
        How many have finished.
    """
    eraser, finished = ContentEraser(database, clock), 0
    for contact_id in await database.read_one(erasures.find_running(_MAX_RESUMED)):
        async with database.transaction() as tx:
            person = await find_person(tx, contact_id)
        finished += await eraser.erase(person.contact_id, person.ids)
    return finished
