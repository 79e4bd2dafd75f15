"""Reads everything that is stored about a person, table by table, a page at a time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.fields import Field
from tortoise.models import Model

from ..compat.tortoise import list_columns
from .db import Query, Row
from .fields import DigestField, IdField, InstantField, from_micros, to_id
from .models import (
    AnswerRow,
    AttachmentRow,
    AuditRow,
    BlockedMailRow,
    ConsentRow,
    ContactRow,
    DirectMailRow,
    EngagementRow,
    EnrollmentRow,
    EventRow,
    FeedbackRow,
    IdempotencyRow,
    IdentityRow,
    InboxRow,
    MergeRow,
    MessageRow,
    OptInRow,
    RefusalRow,
    SendRow,
    SoftBounceRow,
    StepRow,
    SuppressionRow,
    TurnRow,
)

# A row as JSON values, instants as datetimes and ids as UUIDs.
PersonalRow = Mapping[str, Any]

_CONTACTS = "SELECT id FROM contacts WHERE id = ? OR merged_into = ?"
_ENROLLMENTS = f"SELECT id FROM enrollments WHERE contact_id IN ({_CONTACTS})"
_SENDS = f"SELECT id FROM sends WHERE contact_id IN ({_CONTACTS})"


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of rows about a person.

    Args:
        name: how an archive calls them.
        meaning: what they are, for the person.
        model: their table.
        condition: which rows are about the person, with `?` for the contact's id.
        page_size: how many rows to read at once.
        hidden: columns that are left out: credentials, and what is about others.
    """

    name: str
    meaning: str
    model: type[Model]
    condition: str
    page_size: int = 500
    hidden: frozenset[str] = frozenset()


def _by_contact(name: str, meaning: str, model: type[Model]) -> Part:
    return Part(name, meaning, model, f"contact_id IN ({_CONTACTS})")


def _by_enrollment(name: str, meaning: str, model: type[Model]) -> Part:
    return Part(name, meaning, model, f"enrollment_id IN ({_ENROLLMENTS})", 100)


def _by_send(name: str, meaning: str, model: type[Model], page_size: int = 500) -> Part:
    return Part(name, meaning, model, f"send_id IN ({_SENDS})", page_size)


# In the order of an archive.
PARTS: tuple[Part, ...] = (
    Part("contacts", "Who you are, with your properties.", ContactRow, f"id IN ({_CONTACTS})"),
    _by_contact("identities", "What you are known by.", IdentityRow),
    Part(
        "merges",
        "When several of these were found to be you.",
        MergeRow,
        f"survivor_id IN ({_CONTACTS}) OR merged_id IN ({_CONTACTS})",
    ),
    _by_contact("consents", "Which email you chose to get.", ConsentRow),
    _by_contact("opt-ins", "Email that you have asked for and not confirmed.", OptInRow),
    Part(
        "soft bounces",
        "Days on which your mailbox was full.",
        SoftBounceRow,
        f"'e:' || address IN (SELECT identity FROM identities WHERE contact_id IN ({_CONTACTS}))",
    ),
    Part(
        "suppressions",
        "Your addresses that get no email.",
        SuppressionRow,
        f"'e:' || address IN (SELECT identity FROM identities WHERE contact_id IN ({_CONTACTS}))",
    ),
    _by_contact("events", "What you did, or what happened to you.", EventRow),
    Part(
        "idempotency keys",
        "The keys of requests that sent these events.",
        IdempotencyRow,
        f"event_id IN (SELECT id FROM events WHERE contact_id IN ({_CONTACTS}))",
    ),
    _by_contact("enrollments", "The automatic sequences of email that you were in.", EnrollmentRow),
    _by_enrollment("turns", "What happened in these sequences, step by step.", TurnRow),
    _by_enrollment("answers", "Large results of these steps.", AnswerRow),
    _by_enrollment("steps", "Steps that are under way.", StepRow),
    _by_contact("refusals", "Sequences that you did not enter, and why.", RefusalRow),
    _by_contact("emails", "Email to you, also what was not sent.", SendRow),
    _by_send("messages", "These emails as they were sent: the files in `emails`.", MessageRow, 20),
    Part(
        "requests of emails",
        "What our product asked to send you, beside these emails.",
        DirectMailRow,
        f"send_id IN ({_SENDS})",
        100,
        frozenset({"digest", "cc", "bcc", "secrets"}),
    ),
    _by_send("attachments", "Files that were attached to these emails.", AttachmentRow, 4),
    _by_send("captured emails", "Emails that were kept instead of sent.", InboxRow, 20),
    _by_send("blocked emails", "What emails that could not be made lacked.", BlockedMailRow, 100),
    _by_send("reports", "What mail servers said about these emails.", FeedbackRow),
    _by_send("opens and clicks", "When you opened an email or followed a link.", EngagementRow),
    Part(
        "audit",
        "What our staff and programs have changed or read about you.",
        AuditRow,
        f"subject IN (SELECT '/contacts/' || {{text_id}} FROM contacts WHERE id IN ({_CONTACTS})) "
        f"OR subject IN (SELECT '/enrollments/' || {{text_id}} FROM enrollments "
        f"WHERE contact_id IN ({_CONTACTS})) "
        f"OR subject IN (SELECT '/emails/' || {{text_id}} FROM sends "
        f"WHERE contact_id IN ({_CONTACTS}))",
    ),
)

# An id as text, as it is in paths: SQLite stores bytes.
_TEXT_IDS = {
    True: "LOWER(SUBSTR(HEX(id), 1, 8) || '-' || SUBSTR(HEX(id), 9, 4) || '-' || "
    "SUBSTR(HEX(id), 13, 4) || '-' || SUBSTR(HEX(id), 17, 4) || '-' || SUBSTR(HEX(id), 21))",
    False: "CAST(id AS TEXT)",
}


def find_page(
    part: Part, contact_id: UUID, after: Any, *, is_sqlite: bool
) -> Query[list[tuple[Any, PersonalRow]]]:
    """Query the next rows of a part, each with its key for the page after it.

    Args:
        part: the part.
        contact_id: the contact; those that were merged into it are included.
        after: the key of the row before them; None for the first page.
        is_sqlite: whether the database is SQLite.
    """
    table, key, others = list_columns(part.model)
    columns = [
        _to_column(field)
        for field in (key, *others)
        if (field.source_field or field.model_field_name) not in part.hidden
    ]
    condition = part.condition.replace("{text_id}", _TEXT_IDS[is_sqlite])
    values: list[object] = [contact_id] * condition.count("?")
    if after is not None:
        condition = f"({condition}) AND {columns[0].name} > ?"
        values.append(after)
    names = ", ".join(f'"{column.name}"' for column in columns)

    def read(rows: list[Row]) -> list[tuple[Any, PersonalRow]]:
        return [
            (
                next(iter(row)),
                {c.name: c.read(v) for c, v in zip(columns, row, strict=True) if v is not None},
            )
            for row in rows
        ]

    return Query(
        f"SELECT {names} FROM {table} WHERE {condition} ORDER BY {columns[0].name} LIMIT ?",
        [*values, part.page_size],
        read,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    read: Callable[[Any], Any]


def _to_column(field: Field[Any]) -> _Column:
    readers: Sequence[tuple[type[Field[Any]], Callable[[Any], Any]]] = (
        (IdField, to_id),
        (DigestField, bytes.hex),
        (InstantField, from_micros),
        (fields.BinaryField, _decompress),
        (fields.JSONField, _parse_json),
        (fields.TextField, _parse_json),
        (fields.BooleanField, bool),
    )
    name = field.source_field or field.model_field_name
    for kind, read in readers:
        if isinstance(field, kind):
            return _Column(name, read)
    return _Column(name, lambda value: value)


def _decompress(value: bytes) -> Any:
    """Return what a compressed column holds: JSON, or the text of a mail."""
    try:
        return _parse_json(zlib.decompress(value).decode("utf-8", "replace"))
    except zlib.error:
        return value.hex()


def _parse_json(text: str) -> Any:
    """Return the object or the list that a text is; the text itself when it is none."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
