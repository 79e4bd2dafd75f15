"""Row mappers: a column and a field of one name belong together, and nothing else names them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from tortoise import fields
from tortoise.models import Model

from hogsend.errors import CorruptRow
from hogsend.store.corrupt_rows import show_corrupt_rows
from hogsend.store.fields import IdField, InstantField, json_field, to_micros
from hogsend.store.rows import RowMapper, read_column, read_first, read_pairs
from hogsend.store.stored import Stored, json_object

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ID = UUID(int=7)


class NoteRow(Model):
    id = IdField(primary_key=True)
    written_at = InstantField(null=True)
    is_pinned = fields.BooleanField()
    properties: Any = json_field()

    class Meta:
        table = "notes"


@dataclass(frozen=True, slots=True)
class Note:
    id: UUID
    written_at: datetime | None
    pinned: bool
    properties: dict[str, Any]


NOTES = RowMapper(
    Note,
    NoteRow,
    "n",
    pinned=Stored(bool, columns=("is_pinned",)),
    properties=json_object(),
)
NOTE = Note(ID, NOW, True, {"a": 1})
STORED = (ID.bytes, to_micros(NOW), 1, '{"a":1}')


def test_a_row_is_read_as_the_value_whose_fields_are_its_columns():
    assert NOTES.columns == "n.id, n.written_at, n.is_pinned, n.properties"
    assert NOTES.read(STORED) == NOTE
    assert NOTES.read_by("id")([STORED]) == {ID: NOTE}
    assert NOTES.read_first([]) is None


def test_a_value_is_written_to_the_columns_it_is_read_from():
    new = NOTES.build_write_columns(extra=("updated_at",))
    assert new.names == "id, written_at, is_pinned, properties, updated_at"
    assert new.values(NOTE, 5) == (ID, to_micros(NOW), True, '{"a":1}', 5)
    changed = NOTES.build_write_columns(without=("id",))
    assert changed.assignments == "written_at = ?, is_pinned = ?, properties = ?"


def test_rows_are_grouped_in_their_order():
    other = (ID.bytes, to_micros(NOW), 0, "{}")
    assert NOTES.read_grouped_by("id")([STORED, other]) == {ID: [NOTE, Note(ID, NOW, False, {})]}


class Reminder(NamedTuple):
    at: datetime
    note: Note
    is_due: bool


def test_a_joined_row_is_read_between_the_columns_of_its_own_row():
    reminders = RowMapper(Reminder, at="r.at", note=NOTES, is_due="r.at < 5")
    assert reminders.columns == f"r.at, {NOTES.columns}, r.at < 5"
    assert reminders.read((to_micros(NOW), *STORED, 0)) == Reminder(NOW, NOTE, False)


def test_a_field_can_be_read_from_another_expression():
    assert NOTES.read(STORED) == NOTE
    newest = NOTES.with_expressions(written_at="MAX(n.written_at)")
    assert newest.columns == "n.id, MAX(n.written_at), n.is_pinned, n.properties"
    assert newest.read(STORED) == NOTE
    assert "MAX" not in NOTES.columns


def test_an_unknown_field_is_not_written():
    with pytest.raises(TypeError, match="colour"):
        NOTES.build_write_columns(without=("colour",))
    with pytest.raises(TypeError, match="colour"):
        NOTES.build_write_columns("id", "colour")


def test_tortoise_reads_and_writes_the_same_value():
    row = NoteRow(**NOTES.to_columns(NOTE))
    assert (row.written_at, row.properties) == (NOW, '{"a":1}')
    assert NOTES.from_model(row) == NOTE
    row.properties = "{"
    with pytest.raises(CorruptRow, match=str(ID)):
        NOTES.from_model(row)


def test_a_field_without_a_column_is_refused_at_import():
    class Unknown(NamedTuple):
        id: UUID
        colour: str

    with pytest.raises(TypeError, match="colour"):
        RowMapper(Unknown, NoteRow)


def test_a_corrupt_field_fails_its_row_and_names_it():
    with pytest.raises(CorruptRow, match="notes") as caught:
        NOTES.read((*STORED[:3], "{"))
    assert caught.value.row == str(ID)


async def test_a_page_shows_a_corrupt_field_by_its_fallback():
    show_corrupt_rows()
    note = NOTES.read((*STORED[:3], "{"))
    assert note.properties == {"unreadable": "{"}
    assert note.written_at == NOW


def test_rows_of_other_statements_are_read_by_their_types():
    assert read_column(UUID)([(ID.bytes,)]) == [ID]
    assert read_pairs(str, int)([("a", 1)]) == {"a": 1}
    assert read_first(datetime)([(to_micros(NOW),)]) == NOW
    assert read_first(datetime)([(None,)]) is None
    assert read_first(datetime)([]) is None
