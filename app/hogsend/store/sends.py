"""The send ledger: the outbox of mails, and the record of every send."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.journal import decode, encode
from ..domain.merging import PastMail
from ..domain.send_policy import Send
from . import send_statuses
from .corrupt_rows import parse_object
from .db import Query, Row, Write
from .distinct import select_distinct
from .fields import to_micros
from .json_text import to_json
from .models import WAITS, MessageRow, SendRow
from .rows import RowMapper, read_column
from .stored import Stored, json_list, show_stored_text


def _read_props(stored: Any) -> Any:
    return decode(parse_object(stored))


def _write_props(props: Mapping[str, Any]) -> str:
    return to_json(encode(props))


SENDS = RowMapper(
    Send,
    SendRow,
    "s",
    props=Stored(_read_props, _write_props, fallback=show_stored_text),
    attempts=json_list(),
)
_NEW = SENDS.build_write_columns(
    without=(
        "handed_at",
        "sent_at",
        "delivered_at",
        "opened_at",
        "clicked_at",
        "updated_at",
        "provider",
        "provider_id",
        "attempts",
    ),
    extra=("updated_at",),
)
_OUTCOME = ("status", "reason", "due_at", "sent_at", "provider", "provider_id", "attempts")
_CHANGED = SENDS.build_write_columns(
    *_OUTCOME, "to_email", "subject", "handed_at", extra=("updated_at",)
)
_CONCLUDED = SENDS.build_write_columns(*_OUTCOME, extra=("updated_at",))


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail as it was, or will be, handed over.

    Args:
        send_id: the mail's send.
        subject: the subject that the recipient sees.
        from_email: the From header.
        raw: the whole message, RFC 5322.
        links: the URLs of the mail's links, in order.
    """

    send_id: UUID
    subject: str
    from_email: str
    raw: bytes
    links: Sequence[str] = ()


def _compress(raw: bytes) -> bytes:
    return zlib.compress(raw, 1)


_MAILS = RowMapper(
    RenderedMail,
    MessageRow,
    raw=Stored(zlib.decompress, _compress, ("mail",)),
    links=json_list(),
    row_id=("send_id",),
)
_NEW_MAIL = _MAILS.build_write_columns(extra=("created_at",))


def find_by_ids(ids: Sequence[UUID]) -> Query[dict[UUID, Send]]:
    """Query sends by id."""
    return Query(
        f"SELECT {SENDS.columns} FROM sends s WHERE s.id IN ?", [list(ids)], SENDS.read_by("id")
    )


def find_queued_journeys() -> Query[list[str]]:
    """Query which journeys have queued mails; mails without a journey are ignored."""
    return Query(select_distinct("sends", "journey_id", WAITS), [], read_column(str))


class _Due(NamedTuple):
    place: int
    id: UUID
    due_at: datetime


_DUE = RowMapper(_Due)


def find_due(
    journey_ids: Sequence[str | None], limit: int, now: datetime, holder: UUID | None = None
) -> Query[list[list[tuple[UUID, datetime]]]]:
    """Query the due sends of journeys, and the next one of each that is not due yet.

    Args:
        journey_ids: the journeys; None for the sends of no journey.
        limit: the greatest number of sends for each journey.
        now: the current time.
        holder: the worker that asks: sends that other workers hold are left out; None when only
            one worker is possible.

    Returns:
        The ids and due times of the sends of each journey, in the order of the due times.
    """
    select = (
        f"SELECT * FROM (SELECT {{place}} AS place, id, due_at FROM sends WHERE {WAITS} "
        "AND journey_id {is_it} AND due_at {past} ?{free} ORDER BY due_at LIMIT ?) "
        "AS {name}_{place}"
    )
    free, held = ("", []) if holder is None else (" AND (holder IS NULL OR holder = ?)", [holder])
    selects: list[str] = []
    values: list[Any] = []
    for place, journey_id in enumerate(journey_ids):
        is_it, named = ("IS NULL", ()) if journey_id is None else ("= ?", (journey_id,))
        select_of = partial(select.format, place=place, is_it=is_it)
        selects += [
            select_of(past="<=", free=free, name="due"),
            select_of(past=">", free="", name="later"),
        ]
        values += [*named, to_micros(now), *held, limit, *named, to_micros(now), 1]

    def read(rows: list[Row]) -> list[list[tuple[UUID, datetime]]]:
        by_journey: list[list[tuple[UUID, datetime]]] = [[] for _ in journey_ids]
        for row in map(_DUE.read, rows):
            by_journey[row.place].append((row.id, row.due_at))
        return by_journey

    return Query(" UNION ALL ".join(selects) + " ORDER BY due_at", values, read)


def find_abandoned(lock: str) -> Query[list[Send]]:
    """Query the sends whose hand-over was begun by a worker that no longer exists.

    Args:
        lock: `Transaction.dialect.lock_skipping_locked`, so that only one worker concludes each
            send.
    """
    return Query(
        f"SELECT {SENDS.columns} FROM sends s WHERE s.status = 'sending' "
        f"AND (s.holder IS NULL OR s.holder NOT IN (SELECT id FROM workers)){lock}",
        [],
        SENDS.read_all,
    )


class _Queued(NamedTuple):
    enrollment_id: UUID | None
    contact_id: UUID
    journey_id: str | None
    on_behalf_of: UUID | None


_QUEUED = RowMapper(_Queued, SendRow)


def count_queued(
    enrollment_ids: Collection[UUID], contact_journeys: Collection[tuple[UUID, str]]
) -> Query[int]:
    """Query how many queued and blocked mails would be cancelled together.

    Args:
        enrollment_ids: count the mails of these enrollments.
        contact_journeys: also count the mails of these pairs of contact and journey, those that
            the contact's enrollments send to others included.
    """
    contact_ids = [contact_id for contact_id, _ in contact_journeys]

    def count(rows: list[Row]) -> int:
        return sum(
            row.enrollment_id in enrollment_ids
            or (row.on_behalf_of or row.contact_id, row.journey_id) in contact_journeys
            for row in map(_QUEUED.read, rows)
        )

    return Query(
        f"SELECT {_QUEUED.columns} FROM sends "
        f"WHERE COALESCE(status, '') IN {send_statuses.UNSENT} "
        "AND (enrollment_id IN ? OR contact_id IN ? OR on_behalf_of IN ?)",
        [list(enrollment_ids), contact_ids, contact_ids],
        count,
    )


_PAST = RowMapper(PastMail, SendRow)


def find_past(enrollment_ids: Sequence[UUID]) -> Query[list[PastMail]]:
    """Query all mails of steps, also those that were not sent, the oldest first."""
    return Query(
        f"SELECT {_PAST.columns} FROM sends WHERE enrollment_id IN ? "
        "AND step_key IS NOT NULL ORDER BY id",
        [list(enrollment_ids)],
        _PAST.read_all,
    )


def insert(sends: Iterable[Send]) -> Write:
    """Add sends."""
    return Write(
        f"INSERT INTO sends ({_NEW.names}, attempts) VALUES ({_NEW.placeholders},'[]')",
        [_NEW.values(send, to_micros(send.created_at)) for send in sends],
    )


def update(sends: Iterable[Send], now: datetime) -> Write:
    """Update sends to their present state."""
    at = to_micros(now)
    return Write(
        f"UPDATE sends SET {_CHANGED.assignments} WHERE id = ?",
        [_CHANGED.values(send, at, send.id) for send in sends],
    )


def set_holder(ids: Iterable[UUID], holder: UUID) -> Write:
    """Set the worker that hands sends over."""
    return Write("UPDATE sends SET holder = ? WHERE id = ?", [(holder, send_id) for send_id in ids])


@dataclass(frozen=True, slots=True)
class SendState:
    """The state of a send: its status, and the reason for it if there is one."""

    status: str
    reason: str | None


class _IdentifiedState(NamedTuple):
    id: UUID
    state: SendState


_STATES = RowMapper(_IdentifiedState, id="id", state=RowMapper(SendState, SendRow))


def find_states(ids: Sequence[UUID], lock: str = "") -> Query[dict[UUID, SendState]]:
    """Query the states of sends, by id.

    Args:
        ids: the sends.
        lock: `Transaction.dialect.lock_rows`, so that no state changes before the commit.
    """
    return Query(
        f"SELECT {_STATES.columns} FROM sends WHERE id IN ? ORDER BY id{lock}",
        [list(ids)],
        lambda rows: {row.id: row.state for row in map(_STATES.read, rows)},
    )


def conclude(sends: Iterable[Send], now: datetime) -> Write:
    """Record the outcomes of hand-overs; a status that has changed in the meantime is kept."""
    at = to_micros(now)
    return Write(
        f"UPDATE sends SET {_CONCLUDED.assignments}, holder = NULL "
        "WHERE id = ? AND status IN ('queued', 'sending')",
        [_CONCLUDED.values(send, at, send.id) for send in sends],
    )


def resolve(send: Send, now: datetime) -> Write:
    """Record what an operator knows about a send that is in doubt."""
    return Write(
        f"UPDATE sends SET {_CONCLUDED.assignments} WHERE id = ? AND status = 'in_doubt'",
        [_CONCLUDED.values(send, to_micros(now), send.id)],
    )


# A send whose hand-over is running keeps its status and gets the reason, so that it is not retried.
_CANCEL = (
    "UPDATE sends SET status = CASE status WHEN 'sending' THEN status ELSE 'cancelled' END, "
    "reason = ?, due_at = NULL, updated_at = ? "
    f"WHERE COALESCE(status, '') IN {send_statuses.PENDING} AND "
)


def cancel_by_journeys(contact_journeys: Mapping[tuple[UUID, str], str], now: datetime) -> Write:
    """Cancel the queued and blocked sends of contacts in journeys whose hand-over has not begun.

    Sends of the contacts' enrollments to others are cancelled too, sends to the contacts on behalf
    of others are not.

    Args:
        contact_journeys: the reason for each pair of contact and journey.
        now: the current time.
    """
    at = to_micros(now)
    return Write(
        _CANCEL + "((contact_id = ? AND on_behalf_of IS NULL) OR on_behalf_of = ?) "
        "AND COALESCE(journey_id, '') = ?",
        [
            (reason, at, contact_id, contact_id, journey_id)
            for (contact_id, journey_id), reason in contact_journeys.items()
        ],
    )


def cancel_by_enrollments(reasons: Mapping[UUID, str], now: datetime) -> Write:
    """Cancel the queued and blocked sends of enrollments whose hand-over has not begun.

    Args:
        reasons: the reason of each enrollment.
        now: the current time.
    """
    at = to_micros(now)
    return Write(
        _CANCEL + "enrollment_id = ?",
        [(reason, at, enrollment_id) for enrollment_id, reason in reasons.items()],
    )


def cancel(reasons: Mapping[UUID, str], now: datetime) -> Write:
    """Cancel queued sends whose hand-over has not begun, each for its reason."""
    at = to_micros(now)
    return Write(_CANCEL + "id = ?", [(reason, at, send_id) for send_id, reason in reasons.items()])


def move(sends: Iterable[tuple[UUID, UUID]]) -> Write:
    """Move sends to other enrollments.

    Args:
        sends: pairs of a send and its new enrollment, which has no send of the same call.
    """
    return Write(
        "UPDATE sends SET enrollment_id = ? WHERE id = ?",
        [(enrollment_id, send_id) for send_id, enrollment_id in sends],
    )


def record_opens(opens: Sequence[tuple[UUID, datetime]]) -> Write:
    """Record the first open of sends, each with its instant."""
    return Write(
        "UPDATE sends SET opened_at = ? WHERE id = ? AND opened_at IS NULL",
        [(to_micros(at), send_id) for send_id, at in opens],
    )


def record_clicks(clicks: Sequence[tuple[UUID, datetime]]) -> Write:
    """Record the first click of sends, each with its instant."""
    return Write(
        "UPDATE sends SET clicked_at = ? WHERE id = ? AND clicked_at IS NULL",
        [(to_micros(at), send_id) for send_id, at in clicks],
    )


def store_mails(mails: Iterable[RenderedMail], now: datetime) -> Write:
    """Store rendered mails, compressed; a newer rendering replaces an older one."""
    at = to_micros(now)
    return Write(
        f"INSERT INTO messages ({_NEW_MAIL.names}) VALUES ({_NEW_MAIL.placeholders}) "
        "ON CONFLICT (send_id) DO UPDATE SET subject = excluded.subject, "
        "from_email = excluded.from_email, mail = excluded.mail, links = excluded.links",
        [_NEW_MAIL.values(mail, at) for mail in mails],
    )


def find_mail(send_id: UUID) -> Query[RenderedMail | None]:
    """Query the rendered mail of a send."""
    return Query(
        f"SELECT {_MAILS.columns} FROM messages WHERE send_id = ?", [send_id], _MAILS.read_first
    )


def build_attempt(at: datetime, outcome: str, reply: str) -> Mapping[str, Any]:
    """Build the record of one attempt to hand a mail over."""
    return {"at": at.isoformat(), "outcome": outcome, "reply": reply[:500]}
