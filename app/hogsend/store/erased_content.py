"""Removes the content of people, a few rows at a time; each statement can be repeated.

The content is that of contacts that nothing leads to any more, apart from what names a person
elsewhere: in the audit log, and in the journals of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ..domain.erasure import ERASED
from .db import Query, Write
from .fields import to_micros
from .models import UNMATCHED
from .rows import read_column, read_pairs, read_scalar

# What is stored of a mail beside its row in the ledger, by `send_id`.
MAIL_TABLES = ("messages", "blocked_mails", "inbox", "direct_mails", "attachments", "feedback")


def find_last_seq(contact_id: UUID, after: int, limit: int) -> Query[int | None]:
    """Query the number of the last of a contact's next events; None when there are none.

    Args:
        contact_id: the contact.
        after: the number of the event before them.
        limit: how many events at most.
    """
    return Query(
        "SELECT MAX(seq) FROM (SELECT seq FROM events WHERE contact_id = ? AND seq > ? "
        "ORDER BY seq LIMIT ?) next_events",
        [contact_id, after, limit],
        read_scalar,
    )


def erase_events(contact_id: UUID, after: int, last: int) -> list[Query[None]]:
    """Remove the content of events, and their idempotency keys.

    A key is as old as its event: instant and event find it by an index.

    Args:
        contact_id: the contact.
        after: the number of the event before the first one.
        last: the number of the last event.
    """
    values = [contact_id, after, last]
    return [
        # Joined within, so that both databases look each event up in the index.
        _run(
            "DELETE FROM idempotency_keys WHERE key IN (SELECT k.key FROM events e "
            "JOIN idempotency_keys k ON k.created_at = e.received_at AND k.event_id = e.id "
            "WHERE e.contact_id = ? AND e.seq > ? AND e.seq <= ?)",
            values,
        ),
        _run(
            "UPDATE events SET properties = '{}' WHERE contact_id = ? AND seq > ? AND seq <= ?",
            values,
        ),
    ]


def find_enrollments(contact_id: UUID, after: UUID, limit: int) -> Query[list[UUID]]:
    """Query the next enrollments of a contact, in the order of their ids."""
    return Query(
        "SELECT id FROM enrollments WHERE contact_id = ? AND id > ? ORDER BY id LIMIT ?",
        [contact_id, after, limit],
        read_column(UUID),
    )


def erase_enrollments(ids: Sequence[UUID], now: datetime) -> list[Query[None]]:
    """Remove the content of ended enrollments, and what is stored beside their journals."""
    return [
        _run(
            "UPDATE enrollments SET entry_key = '', wait_key = NULL, wait = NULL, "
            "wait_result = NULL, person = NULL, error = NULL, summary = NULL, compacted_at = ?, "
            "end_reason = CASE WHEN end_reason IS NULL THEN NULL ELSE ? END WHERE id IN ?",
            [to_micros(now), ERASED, list(ids)],
        ),
        _run("DELETE FROM answers WHERE enrollment_id IN ?", [list(ids)]),
        _run("DELETE FROM steps WHERE enrollment_id IN ?", [list(ids)]),
    ]


def find_turns(enrollment_ids: Sequence[UUID], limit: int) -> Query[list[int]]:
    """Query turns of enrollments, by the number of their row."""
    return Query(
        "SELECT id FROM turns WHERE enrollment_id IN ? LIMIT ?",
        [list(enrollment_ids), limit],
        read_column(int),
    )


def delete_turns(ids: Sequence[int]) -> Query[None]:
    """Delete turns by the number of their row."""
    return _run("DELETE FROM turns WHERE id IN ?", [list(ids)])


def find_sends(contact_id: UUID, after: UUID, limit: int) -> Query[list[UUID]]:
    """Query the next sends to a contact or on its behalf, in the order of their ids."""
    return Query(
        "SELECT id FROM (SELECT id FROM sends WHERE contact_id = ? AND id > ? UNION "
        "SELECT id FROM sends WHERE on_behalf_of = ? AND id > ?) theirs ORDER BY id LIMIT ?",
        [contact_id, after, contact_id, after, limit],
        read_column(UUID),
    )


def erase_sends(ids: Sequence[UUID]) -> list[Query[None]]:
    """Remove the content of sends, of their mails and of their opens and clicks."""
    listed = list(ids)
    return [
        _run(
            "UPDATE sends SET subject = NULL, props = '{}', to_email = NULL, address = NULL, "
            "idempotency_key = NULL, step_key = NULL, provider_id = NULL, attempts = '[]', "
            "reason = CASE WHEN reason IS NULL THEN NULL ELSE ? END WHERE id IN ?",
            [ERASED, listed],
        ),
        *(_run(f"DELETE FROM {table} WHERE send_id IN ?", [listed]) for table in MAIL_TABLES),
        _run("UPDATE hits SET url = NULL, network = '' WHERE send_id IN ?", [listed]),
    ]


def find_sample_mails(addresses: Sequence[str], after: UUID, limit: int) -> Query[list[UUID]]:
    """Query the next captured mails to addresses that have no row in the ledger."""
    return Query(
        "SELECT send_id FROM inbox WHERE send_id > ? AND to_email IN ? AND NOT EXISTS "
        "(SELECT 1 FROM sends WHERE sends.id = inbox.send_id) ORDER BY send_id LIMIT ?",
        [after, list(addresses), limit],
        read_column(UUID),
    )


def delete_captured_mails(send_ids: Sequence[UUID]) -> Query[None]:
    """Delete captured mails."""
    return _run("DELETE FROM inbox WHERE send_id IN ?", [list(send_ids)])


def erase_bounces(addresses: Sequence[str]) -> list[Query[None]]:
    """Remove what was reported about addresses whose mails are not known, and soft bounces."""
    return [
        _run(f"DELETE FROM feedback WHERE {UNMATCHED} AND email IN ?", [list(addresses)]),
        _run("DELETE FROM soft_bounces WHERE address IN ?", [list(addresses)]),
    ]


def find_refusals(contact_id: UUID, limit: int) -> Query[list[UUID]]:
    """Query refusals to enroll a contact."""
    return Query(
        "SELECT id FROM refusals WHERE contact_id = ? LIMIT ?",
        [contact_id, limit],
        read_column(UUID),
    )


def delete_refusals(ids: Sequence[UUID]) -> Query[None]:
    """Delete refusals."""
    return _run("DELETE FROM refusals WHERE id IN ?", [list(ids)])


# -- what names the person elsewhere --------------------------------------------------------------

_MENTIONS = (
    "(REPLACE(subject, ?, '') <> subject "
    "OR REPLACE(CAST(before AS TEXT), ?, '') <> CAST(before AS TEXT) "
    "OR REPLACE(CAST(after AS TEXT), ?, '') <> CAST(after AS TEXT))"
)


def find_audit_entries(texts: Sequence[str], after: UUID, limit: int) -> Query[Mapping[UUID, bool]]:
    """Query which of the next audit entries mention one of some texts.

    Args:
        texts: the texts.
        after: the entry before them; the first one has the lowest id.
        limit: how many entries to look at.

    Returns:
        Whether each entry mentions a text, by id, in the order of the ids.
    """
    mentions = " OR ".join([_MENTIONS] * len(texts)) or "1 = 0"
    return Query(
        f"SELECT id, CASE WHEN {mentions} THEN 1 ELSE 0 END FROM audit WHERE id > ? "
        "ORDER BY id LIMIT ?",
        [*(text for text in texts for _ in range(3)), after, limit],
        read_pairs(UUID, bool),
    )


def redact_audit_entries(ids: Iterable[UUID], subject: str) -> Write:
    """Remove the content of audit entries that mention a person.

    Args:
        ids: the entries.
        subject: replaces their subject, which may name the person too.
    """
    return Write(
        "UPDATE audit SET before = NULL, after = NULL, subject = ? WHERE id = ?",
        [(subject, entry_id) for entry_id in ids],
    )


def redact_audit_subjects(subjects: Sequence[str]) -> Query[None]:
    """Remove the content of the audit entries with these subjects."""
    return _run("UPDATE audit SET before = NULL, after = NULL WHERE subject IN ?", [list(subjects)])


def find_naming_enrollments(
    contact_ids: Sequence[UUID], after: UUID, limit: int
) -> Query[list[UUID]]:
    """Query the next enrollments of others that have sent mail to contacts, which they name."""
    return Query(
        "SELECT DISTINCT enrollment_id FROM sends WHERE contact_id IN ? "
        "AND on_behalf_of IS NOT NULL AND enrollment_id > ? ORDER BY enrollment_id LIMIT ?",
        [list(contact_ids), after, limit],
        read_column(UUID),
    )


def redact_turns(enrollment_ids: Sequence[UUID], text: str) -> Query[None]:
    """Replace a text in the journals of enrollments, which replays do not compare."""
    return _run(
        "UPDATE turns SET steps = REPLACE(steps, ?, ?) WHERE enrollment_id IN ? "
        "AND REPLACE(steps, ?, '') <> steps",
        [text, ERASED, list(enrollment_ids), text],
    )


def find_import_remarks(texts: Sequence[str], after: UUID, limit: int) -> Query[list[UUID]]:
    """Query the next refused rows of imports that contain one of some texts, in lower case."""
    mentions = " OR ".join(["REPLACE(LOWER(content), ?, '') <> LOWER(content)"] * len(texts))
    return Query(
        f"SELECT id FROM import_remarks WHERE id > ? AND ({mentions}) ORDER BY id LIMIT ?",
        [after, *texts, limit],
        read_column(UUID),
    )


def delete_import_remarks(ids: Sequence[UUID]) -> Query[None]:
    """Delete refused rows of imports."""
    return _run("DELETE FROM import_remarks WHERE id IN ?", [list(ids)])


def _run(sql: str, values: Sequence[object]) -> Query[None]:
    """Return one statement for many rows; as a write it would run once for each row."""
    return Query(sql, values, lambda _: None)
