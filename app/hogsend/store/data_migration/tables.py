"""The tables to copy and their columns, derived from the models so that none is missed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tortoise import fields
from tortoise.fields import Field
from tortoise.models import Model

from ...compat.tortoise import list_columns
from ...errors import HogsendError
from ..db import Row
from ..fields import DigestField, IdField
from ..migrations import APP, find_folder
from ..models import MODULES
from . import values
from .values import Column, UnstorableValue


@dataclass(frozen=True, slots=True)
class Table:
    """A table to copy.

    Args:
        name: its name.
        columns: every column; the first is the primary key.
        is_numbered: whether the database assigns the keys of new rows.
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
    def column_list(self) -> str:
        """The columns as a list for SQL."""
        return ", ".join(f'"{name}"' for name in self.names)

    def to_canonical(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Return rows, of which there may be none, with every value in its canonical form.

        Raises:
            HogsendError: Postgres cannot store a value; names it.
        """
        if not rows:
            return []
        # By column, which is a third faster than by row.
        columns = zip(self.columns, zip(*rows, strict=True), strict=True)
        try:
            converted = [list(map(column.to_canonical, values)) for column, values in columns]
        except UnstorableValue:
            raise self._unstorable_in(rows) from None
        return list(zip(*converted, strict=True))

    def to_postgres(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return rows of SQLite converted for Postgres."""
        converters = {
            number: column.to_postgres
            for number, column in enumerate(self.columns)
            if column.to_postgres
        }
        if not converters:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for number, convert in converters.items():
            columns[number] = [
                None if value is None else convert(value) for value in columns[number]
            ]
        return list(zip(*columns, strict=True))

    def describe_key(self, row: Row) -> str:
        """Return the key of a row as messages show it."""
        return self.key.show(next(iter(row)))

    def _unstorable_in(self, rows: Sequence[Row]) -> HogsendError:
        for row in rows:
            for column, value in zip(self.columns, row, strict=True):
                try:
                    column.to_canonical(value)
                except UnstorableValue as reason:
                    return build_unstorable_error(
                        self.name, column.name, self.describe_key(row), str(reason)
                    )
        raise AssertionError("every value can be stored, although one could not be converted")


class Checksum:
    """The SHA-256 of every value of a table, in the order of its keys."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.rows = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, with every value in its canonical form."""
        self.rows += len(rows)
        # `ascii` distinguishes any two values, and keeps every bit of a float.
        self._digest.update("".join(f"{row!a}\n" for row in rows).encode())

    @property
    def text(self) -> str:
        """The checksum so far, in hexadecimal."""
        return self._digest.hexdigest()


def build_unstorable_error(table: str, column: str, row: str, reason: str) -> HogsendError:
    """Return the error for a value that Postgres cannot store."""
    return HogsendError(
        f"Postgres cannot store the row {row} of the table {table}: its {column} {reason}.",
        "Nothing was copied. Correct that row while the server is stopped, and copy again.",
    )


def list_tables() -> list[Table]:
    """Return every table of the models.

    Raises:
        TypeError: a column has a type that cannot be copied yet.
    """
    return [
        _to_table(model)
        for name in MODULES
        for model in vars(import_module(name)).values()
        if isinstance(model, type) and issubclass(model, Model) and model.__module__ == name
    ]


def list_shipped_migrations(url: str) -> set[str]:
    """Return the names of this program's migrations for the kind of database of an address."""
    return {file.name for file in (find_folder(url) / APP).glob("[0-9]*_*.py")}


def _to_table(model: type[Model]) -> Table:
    table, key, others = list_columns(model)
    columns = tuple(_to_column(f"{table}.", field) for field in (key, *others))
    return Table(table, columns, isinstance(key, fields.IntField) and bool(key.generated))


def _to_column(prefix: str, field: Field[Any]) -> Column:
    # Subclasses come before their base classes.
    kinds: tuple[tuple[type[Field[Any]], dict[str, Any]], ...] = (
        (IdField, {"convert": values.check_uuid_bytes, "show": values.format_uuid}),
        (DigestField, {"convert": values.check_bytes, "show": bytes.hex}),
        (fields.BinaryField, {"convert": values.check_bytes, "is_wide": True}),
        (
            fields.BooleanField,
            {"convert": values.convert_boolean, "to_postgres": values.convert_boolean},
        ),
        (fields.FloatField, {"convert": values.check_float}),
        (
            fields.JSONField,
            {
                "convert": values.to_canonical_json,
                "to_postgres": values.to_json_text,
                "is_wide": True,
                "is_text": True,
            },
        ),
        (
            fields.TextField,
            {"convert": values.build_text_converter(None), "is_wide": True, "is_text": True},
        ),
    )
    name = field.source_field or field.model_field_name
    nullable = bool(field.null)
    for kind, options in kinds:
        if isinstance(field, kind):
            return Column(name, nullable, **options)
    if isinstance(field, fields.CharField):
        convert = values.build_text_converter(field.max_length)
        return Column(name, nullable, convert, show=repr, is_text=True)
    if isinstance(field, fields.IntField):
        return Column(name, nullable, values.build_integer_converter(field.SQL_TYPE))
    raise TypeError(f"{prefix}{name} is a {type(field).__name__}: add to {__name__} how to copy it")
