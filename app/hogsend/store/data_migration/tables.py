"""The tables that are copied and their columns, as the models have them: none can be forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tortoise import fields
from tortoise.fields import Field
from tortoise.models import Model

from ...compat.tortoise import columns_of
from ...errors import HogsendError
from ..db import Row
from ..fields import DigestField, IdField
from ..migrations import APP, location
from ..models import MODULES
from . import values
from .values import Column, UnstorableValue


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        name: its name.
        columns: every column; the first is the primary key.
        is_numbered: whether the database numbers new rows itself.
    """

    name: str
    columns: tuple[Column, ...]
    is_numbered: bool

    @property
    def key(self) -> Column:
        """The primary key."""
        return self.columns[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def listed(self) -> str:
        """The columns as SQL has them."""
        return ", ".join(f'"{name}"' for name in self.names)

    def forms(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Return rows with every value in its one form.

        Raises:
            HogsendError: Postgres cannot hold one of them; says which.
        """
        # Column by column, as that is a third faster than row by row.
        columns = zip(self.columns, zip(*rows, strict=True), strict=True)
        try:
            formatted = [list(map(column.form_of, values)) for column, values in columns]
        except UnstorableValue:
            raise self._complaint(rows) from None
        return list(zip(*formatted, strict=True))

    def to_postgres(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return rows of SQLite as Postgres takes them."""
        makers = {n: one.to_postgres for n, one in enumerate(self.columns) if one.to_postgres}
        if not makers:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for n, make in makers.items():
            columns[n] = [None if value is None else make(value) for value in columns[n]]
        return list(zip(*columns, strict=True))

    def shown_key(self, row: Row) -> str:
        """Return what names a row in a message."""
        return self.key.show(next(iter(row)))

    def _complaint(self, rows: Sequence[Row]) -> HogsendError:
        for row in rows:
            for column, value in zip(self.columns, row, strict=True):
                try:
                    column.form_of(value)
                except UnstorableValue as reason:
                    return unfit(self.name, column.name, self.shown_key(row), str(reason))
        raise AssertionError("a value that did not fit does")


class Checksum:
    """The SHA-256 of a table: over every value of every row, in the order of their keys."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.rows = 0

    def add(self, forms: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, with every value in its one form."""
        self.rows += len(forms)
        # In this writing no two values look the same, and floats keep every bit.
        self._digest.update("".join(f"{row!a}\n" for row in forms).encode())

    @property
    def text(self) -> str:
        """The checksum so far, in hexadecimal."""
        return self._digest.hexdigest()


def unfit(table: str, column: str, row: str, why: str) -> HogsendError:
    """Return the error that a value cannot be held by Postgres."""
    return HogsendError(
        f"Postgres cannot hold the row {row} of the table {table}: its {column} {why}.",
        "Nothing was copied. Correct that row, with the server stopped, and copy again.",
    )


def all_tables() -> list[Table]:
    """Return every table of the models.

    Raises:
        TypeError: a column is of a kind that is not known here.
    """
    return [
        _table(model)
        for name in MODULES
        for model in vars(import_module(name)).values()
        if isinstance(model, type) and issubclass(model, Model) and model.__module__ == name
    ]


def shipped_migrations(url: str) -> set[str]:
    """Return the names of this program's migrations for a database's kind."""
    return {file.name for file in (location(url) / APP).glob("[0-9]*_*.py")}


def _table(model: type[Model]) -> Table:
    table, key, others = columns_of(model)
    columns = tuple(_column(f"{table}.", field) for field in (key, *others))
    return Table(table, columns, isinstance(key, fields.IntField) and bool(key.generated))


def _column(place: str, field: Field[Any]) -> Column:
    # Those that others are made from come after them.
    kinds: tuple[tuple[type[Field[Any]], dict[str, Any]], ...] = (
        (IdField, {"form": values.an_id, "show": values.uuid_text}),
        (DigestField, {"form": values.binary, "show": bytes.hex}),
        (fields.BinaryField, {"form": values.binary, "is_wide": True}),
        (fields.BooleanField, {"form": values.truth, "to_postgres": values.truth}),
        (fields.FloatField, {"form": values.real}),
        (
            fields.JSONField,
            {
                "form": values.json_form,
                "to_postgres": values.json_text,
                "is_wide": True,
                "is_text": True,
            },
        ),
        (fields.TextField, {"form": values.text(None), "is_wide": True, "is_text": True}),
    )
    name = field.source_field or field.model_field_name
    nullable = bool(field.null)
    for kind, what in kinds:
        if isinstance(field, kind):
            return Column(name, nullable, **what)
    if isinstance(field, fields.CharField):
        reads = values.text(field.max_length)
        return Column(name, nullable, reads, show=repr, is_text=True)
    if isinstance(field, fields.IntField):
        return Column(name, nullable, values.a_number(field.SQL_TYPE))
    raise TypeError(f"{place}{name} is a {type(field).__name__}: say in {__name__} how to copy it")
