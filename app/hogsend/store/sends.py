"""The send ledger: the outbox, and the record of every mail."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from ..domain.journal import decode, encode
from ..domain.send_policy import Send
from .corrupt_rows import UNREADABLE, object_of, unreadable
from .db import Query, Row, Write
from .distinct import distinct
from .fields import (
    from_micros,
    id_or_none,
    instant_or_none,
    micros_or_none,
    to_id,
    to_micros,
)
from .json_text import from_json, to_json
from .models import WAITS

COLUMNS = (
    "s.id, s.contact_id, s.template, s.list_id, s.status, s.created_at, s.enrollment_id, "
    "s.journey_id, s.step_key, s.reason, s.to_email, s.subject, s.props, s.due_at, s.handed_at, "
    "s.sent_at, s.opened_at, s.clicked_at, s.provider, s.provider_id, s.attempts, s.updated_at, "
    "s.address"
)


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail as it was, or will be, handed over.

    Args:
        send_id: of which send.
        subject: as the recipient sees it.
        from_email: the From header.
        raw: the whole message, RFC 5322.
        links: the addresses behind its links, in order.
    """

    send_id: UUID
    subject: str
    from_email: str
    raw: bytes
    links: Sequence[str] = ()


def read_send(row: Row) -> Send:
    """Make a ledger row out of `COLUMNS`."""
    try:
        props, attempts = decode(object_of(row[12])), from_json(row[20]) or []
    except UNREADABLE as error:
        props, attempts = unreadable("sends", to_id(row[0]), error, ({"unreadable": row[12]}, []))
    return Send(
        id=to_id(row[0]),
        contact_id=to_id(row[1]),
        template=row[2],
        list_id=row[3],
        status=row[4],
        created_at=from_micros(row[5]),
        enrollment_id=id_or_none(row[6]),
        journey_id=row[7],
        step_key=row[8],
        reason=row[9],
        to_email=row[10],
        subject=row[11],
        props=props,
        due_at=instant_or_none(row[13]),
        handed_at=instant_or_none(row[14]),
        sent_at=instant_or_none(row[15]),
        opened_at=instant_or_none(row[16]),
        clicked_at=instant_or_none(row[17]),
        provider=row[18],
        provider_id=row[19],
        attempts=attempts,
        updated_at=instant_or_none(row[21]),
        address=row[22],
    )


def by_ids(ids: Sequence[UUID]) -> Query[dict[UUID, Send]]:
    """Ask for sends by id."""
    return Query(
        f"SELECT {COLUMNS} FROM sends s WHERE s.id IN ?",
        [list(ids)],
        lambda rows: {to_id(row[0]): read_send(row) for row in rows},
    )


def waiting_journeys() -> Query[list[str]]:
    """Ask which journeys have mails in the queue; those of no journey are not among them."""
    return Query(distinct("sends", "journey_id", WAITS), [], lambda rows: [r[0] for r in rows])


def due(
    journey_ids: Sequence[str | None], limit: int, now: datetime, holder: UUID | None = None
) -> Query[list[list[tuple[UUID, datetime]]]]:
    """Ask for the sends of journeys that are due, and for the next that is not.

    Args:
        journey_ids: the journeys; None for the sends of no journey.
        limit: how many of each at most.
        now: the present instant.
        holder: the worker that asks, where several are at work: those of others are left out.

    Returns:
        Of each journey the id of every send and when it is due, in the order of that.
    """
    of_one = (
        f"SELECT * FROM (SELECT {{place}} AS place, id, due_at FROM sends WHERE {WAITS} "
        "AND journey_id {is_it} AND due_at {past} ?{free} ORDER BY due_at LIMIT ?) "
        "AS {name}_{place}"
    )
    free, mine = ("", []) if holder is None else (" AND (holder IS NULL OR holder = ?)", [holder])
    selects: list[str] = []
    values: list[Any] = []
    for place, one in enumerate(journey_ids):
        is_it, named = ("IS NULL", ()) if one is None else ("= ?", (one,))
        place_of = partial(of_one.format, place=place, is_it=is_it)
        selects += [
            place_of(past="<=", free=free, name="due"),
            place_of(past=">", free="", name="later"),
        ]
        values += [*named, to_micros(now), *mine, limit, *named, to_micros(now), 1]

    def read(rows: list[Row]) -> list[list[tuple[UUID, datetime]]]:
        found: list[list[tuple[UUID, datetime]]] = [[] for _ in journey_ids]
        for place, send_id, at in rows:
            found[place].append((to_id(send_id), from_micros(at)))
        return found

    return Query(" UNION ALL ".join(selects) + " ORDER BY due_at", values, read)


def left_in_hand(lock: str) -> Query[list[Send]]:
    """Ask for the sends whose hand-over nobody ends any more: the worker that began it is gone.

    Args:
        lock: `Transaction.dialect.lock_free_rows`: each is settled by one worker.
    """
    return Query(
        f"SELECT {COLUMNS} FROM sends s WHERE s.status = 'sending' "
        f"AND (s.holder IS NULL OR s.holder NOT IN (SELECT id FROM workers)){lock}",
        [],
        lambda rows: [read_send(row) for row in rows],
    )


def last_of_journeys(
    contact_ids: Sequence[UUID], journey_ids: Sequence[str]
) -> Query[dict[tuple[UUID, str], datetime]]:
    """Ask when journeys last queued a mail for contacts, or for those merged into them."""
    # Of a few people: COALESCE keeps SQLite, which has no statistics, from the journey's index.
    mails = (
        "s.journey_id, MAX(s.created_at) FROM {} WHERE {} IN ? "
        "AND COALESCE(s.journey_id, '') IN ? AND COALESCE(s.status, '') IN "
        "('queued', 'sending', 'sent', 'delivered', 'in_doubt') GROUP BY {}, s.journey_id"
    )
    own = mails.format("sends s", *["s.contact_id"] * 2)
    # SQLite keeps the order of a CROSS JOIN: the few who were merged first, then their mails.
    merged = mails.format(
        "contacts c CROSS JOIN sends s", "s.contact_id = c.id AND c.merged_into", "c.merged_into"
    )
    return Query(
        f"SELECT s.contact_id, {own} UNION ALL SELECT c.merged_into, {merged} ORDER BY 3",
        [list(contact_ids), list(journey_ids)] * 2,
        lambda rows: {(to_id(row[0]), row[1]): from_micros(row[2]) for row in rows},
    )


def queued_of(enrollment_ids: Collection[UUID], places: Collection[tuple[UUID, str]]) -> Query[int]:
    """Ask how many mails are queued that could be cancelled together.

    Args:
        enrollment_ids: those of these enrollments.
        places: and those of these contacts in these journeys.
    """

    def count(rows: list[Row]) -> int:
        return sum(
            id_or_none(row[0]) in enrollment_ids or (to_id(row[1]), row[2]) in places
            for row in rows
        )

    return Query(
        "SELECT enrollment_id, contact_id, journey_id FROM sends "
        "WHERE COALESCE(status, '') = 'queued' AND (enrollment_id IN ? OR contact_id IN ?)",
        [list(enrollment_ids), [contact_id for contact_id, _ in places]],
        count,
    )


def insert(sends: Iterable[Send]) -> Write:
    """Add sends."""
    return Write(
        "INSERT INTO sends (id, contact_id, enrollment_id, journey_id, step_key, template, "
        "list_id, subject, props, to_email, address, status, reason, due_at, created_at, "
        "updated_at, attempts) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'[]')",
        [
            (
                s.id,
                s.contact_id,
                s.enrollment_id,
                s.journey_id,
                s.step_key,
                s.template,
                s.list_id,
                s.subject,
                to_json(encode(s.props)),
                s.to_email,
                s.address,
                s.status,
                s.reason,
                micros_or_none(s.due_at),
                to_micros(s.created_at),
                to_micros(s.created_at),
            )
            for s in sends
        ],
    )


def update(sends: Iterable[Send], now: datetime) -> Write:
    """Write where sends stand."""
    at = to_micros(now)
    return Write(
        "UPDATE sends SET status = ?, reason = ?, to_email = ?, subject = ?, due_at = ?, "
        "handed_at = ?, sent_at = ?, provider = ?, provider_id = ?, attempts = ?, updated_at = ? "
        "WHERE id = ?",
        [
            (
                s.status,
                s.reason,
                s.to_email,
                s.subject,
                micros_or_none(s.due_at),
                micros_or_none(s.handed_at),
                micros_or_none(s.sent_at),
                s.provider,
                s.provider_id,
                to_json(list(s.attempts)),
                at,
                s.id,
            )
            for s in sends
        ],
    )


def hold(ids: Iterable[UUID], holder: UUID) -> Write:
    """Record which worker hands sends over."""
    return Write("UPDATE sends SET holder = ? WHERE id = ?", [(holder, one) for one in ids])


@dataclass(frozen=True, slots=True)
class SendState:
    """Where a send stands."""

    status: str
    reason: str | None


def standing(ids: Sequence[UUID]) -> Query[dict[UUID, SendState]]:
    """Ask where sends stand."""
    return Query(
        "SELECT id, status, reason FROM sends WHERE id IN ?",
        [list(ids)],
        lambda rows: {to_id(row[0]): SendState(row[1], row[2]) for row in rows},
    )


def conclude(sends: Iterable[Send], now: datetime) -> Write:
    """Write what tries to hand over came to; a status that moved on meanwhile stays."""
    at = to_micros(now)
    return Write(
        "UPDATE sends SET status = ?, reason = ?, due_at = ?, sent_at = ?, provider = ?, "
        "provider_id = ?, attempts = ?, updated_at = ?, holder = NULL "
        "WHERE id = ? AND status IN ('queued', 'sending')",
        [
            (
                s.status,
                s.reason,
                micros_or_none(s.due_at),
                micros_or_none(s.sent_at),
                s.provider,
                s.provider_id,
                to_json(list(s.attempts)),
                at,
                s.id,
            )
            for s in sends
        ],
    )


# One that is being handed over keeps the reason, and is not tried again should it come back.
_CANCEL = (
    "UPDATE sends SET status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END, "
    "reason = ?, due_at = NULL, updated_at = ? "
    "WHERE COALESCE(status, '') IN ('queued', 'sending') AND "
)


def cancel_of_journeys(places: Mapping[tuple[UUID, str], str], now: datetime) -> Write:
    """Cancel what contacts have in journeys, queued and not begun to hand over.

    Args:
        places: (contact, journey), each with the reason.
        now: the present instant.
    """
    at = to_micros(now)
    return Write(
        _CANCEL + "contact_id = ? AND COALESCE(journey_id, '') = ?",
        [(reason, at, *place) for place, reason in places.items()],
    )


def cancel_of_enrollments(reasons: Mapping[UUID, str], now: datetime) -> Write:
    """Cancel what enrollments have queued and not begun to hand over.

    Args:
        reasons: the enrollments, each with the reason.
        now: the present instant.
    """
    at = to_micros(now)
    return Write(
        _CANCEL + "enrollment_id = ?",
        [(reason, at, one) for one, reason in reasons.items()],
    )


def note_open(rows: Sequence[tuple[UUID, datetime]]) -> Write:
    """Record the first open of sends."""
    return Write(
        "UPDATE sends SET opened_at = ? WHERE id = ? AND opened_at IS NULL",
        [(to_micros(at), send_id) for send_id, at in rows],
    )


def note_click(rows: Sequence[tuple[UUID, datetime]]) -> Write:
    """Record the first click of sends."""
    return Write(
        "UPDATE sends SET clicked_at = ? WHERE id = ? AND clicked_at IS NULL",
        [(to_micros(at), send_id) for send_id, at in rows],
    )


def keep_mails(mails: Iterable[RenderedMail], now: datetime) -> Write:
    """Keep rendered mails, compressed; a newer rendering replaces an older one."""
    at = to_micros(now)
    return Write(
        "INSERT INTO messages (send_id, subject, from_email, mail, links, created_at) "
        "VALUES (?,?,?,?,?,?) ON CONFLICT (send_id) DO UPDATE SET subject = excluded.subject, "
        "from_email = excluded.from_email, mail = excluded.mail, links = excluded.links",
        [
            (
                m.send_id,
                m.subject,
                m.from_email,
                zlib.compress(m.raw, 1),
                to_json(list(m.links)),
                at,
            )
            for m in mails
        ],
    )


def mail_of(send_id: UUID) -> Query[RenderedMail | None]:
    """Ask for the rendered mail of a send."""

    def read(rows: list[Row]) -> RenderedMail | None:
        if not rows:
            return None
        subject, from_email, mail, links = rows[0]
        return RenderedMail(
            send_id, subject, from_email, zlib.decompress(mail), from_json(links) or []
        )

    return Query(
        "SELECT subject, from_email, mail, links FROM messages WHERE send_id = ?", [send_id], read
    )


def attempt(at: datetime, outcome: str, reply: str) -> Mapping[str, Any]:
    """Return the record of one try to hand a mail over."""
    return {"at": at.isoformat(), "outcome": outcome, "reply": reply[:500]}
