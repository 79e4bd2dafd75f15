"""Row mappers: the only module that knows the order of the columns in a row.

A `RowMapper` joins a table to the value that the rest of the program sees. The model declares the
columns, the value's class declares the fields, and fields and columns of one name belong together:
the field's type says how it is stored. Only what differs is spelled out, as `Stored`. From this the
mapper makes the list of columns for SELECT, the lists for INSERT and UPDATE, and a function that
turns a row of either driver into the value. These functions are generated as source, once, because
they run for every row of the hot paths.

    KEYS = RowMapper(Key, KeyRow, "k")
    Query(f"SELECT {KEYS.columns} FROM api_keys k WHERE k.id = ?", [key_id], KEYS.read_first)

Rows that Tortoise reads and writes go through the same mapper, by `from_model` and `to_columns`.
Statements whose rows are not those of a table are read by `read_column`, `read_pairs` and
`read_first`, or by a mapper of a small class whose fields name the statement's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

from tortoise.models import Model

from ..compat.tortoise import list_columns
from .corrupt_rows import CORRUPTION_ERRORS, raise_or_show
from .fields import to_micros
from .stored import READERS, Read, Stored, infer_stored, return_unchanged, strip_none
from .transactions import Row

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a value, in the order of the class.

    Args:
        name: its name.
        stored: the field's conversion; a mapper when the field is a row of a joined table.
        columns: the SQL of its columns.
    """

    name: str
    stored: Stored | RowMapper[Any]
    columns: tuple[str, ...]


class WriteColumns:
    """Columns of a statement that writes, and the values for them.

    Args:
        columns: the names of the columns, in order.
        values: returns the stored values of a value, followed by any further arguments.
    """

    def __init__(self, columns: Sequence[str], values: Callable[..., tuple[Any, ...]]) -> None:
        self.columns = tuple(columns)
        self.names = ", ".join(columns)
        self.placeholders = ",".join("?" * len(columns))
        self.assignments = ", ".join(f"{column} = ?" for column in columns)
        self.replacements = ", ".join(f"{column} = excluded.{column}" for column in columns)
        self.values = values


class RowMapper(Generic[T]):
    """Reads and writes the rows of a table, or of a statement, as values.

    Args:
        value: a dataclass or named tuple, whose fields are the columns.
        model: the table's model, which must have a column for each field; None for a statement
            whose columns are none of a single table.
        alias: the table's name in statements.
        row_id: the fields that name a row in an error message.
        fields: for fields whose column does not follow from name and type: the conversion, the SQL
            expression that the field is read from, or the mapper of a joined row.
    """

    def __init__(
        self,
        value: type[T],
        model: type[Model] | None = None,
        alias: str = "",
        *,
        row_id: tuple[str, ...] = ("id",),
        **fields: Stored | RowMapper[Any] | str,
    ) -> None:
        self._value = value
        self._model = model
        self._row_id = row_id
        self._fields = tuple(
            self._field(name, kind, fields.get(name), f"{alias}." if alias else "")
            for name, kind in get_type_hints(value).items()
            if name in _list_field_names(value)
        )
        self._check(fields)
        self.columns = ", ".join(column for field in self._fields for column in field.columns)

    def _field(
        self, name: str, kind: Any, given: Stored | RowMapper[Any] | str | None, prefix: str
    ) -> _Field:
        if isinstance(given, RowMapper):
            return _Field(name, given, (given.columns,))
        if isinstance(given, str):
            return _Field(name, infer_stored(name, kind), (given,))
        stored = given or infer_stored(name, kind)
        names = stored.columns or (name,)
        return _Field(name, stored, tuple(prefix + column for column in names))

    def _check(self, given: Mapping[str, Stored | RowMapper[Any] | str]) -> None:
        """Raise TypeError for names that the value or the table does not have."""
        unknown = set(given) - {field.name for field in self._fields}
        if self._model is not None:
            known = set(_list_column_names(self._model))
            for field in self._fields:
                if isinstance(field.stored, Stored) and not isinstance(given.get(field.name), str):
                    unknown |= set(field.stored.columns or (field.name,)) - known
        if unknown:
            raise TypeError(f"{self._value.__name__} has no column for {sorted(unknown)}")

    def _width(self, field: _Field) -> int:
        stored = field.stored
        return stored.width if isinstance(stored, RowMapper) else len(field.columns)

    @property
    def width(self) -> int:
        """How many columns a row has."""
        return sum(map(self._width, self._fields))

    @cached_property
    def read(self) -> Callable[[Row], T]:
        """The function that converts a row with `columns` to a value."""
        known: dict[str, Any] = {"value": self._value, "CORRUPTION_ERRORS": CORRUPTION_ERRORS}
        arguments: list[str] = []
        names = iter([f"c{n}" for n in range(self.width)])
        for n, field in enumerate(self._fields):
            own = ", ".join(next(names) for _ in range(self._width(field)))
            stored = field.stored
            if isinstance(stored, RowMapper):
                known[f"f{n}"] = stored.read
                arguments.append(f"f{n}(({own},))")
            elif stored.read is None:
                arguments.append(own)
            else:
                known[f"f{n}"] = stored.read
                arguments.append(f"f{n}({own})")
        known["corrupt"] = self._read_corrupt
        row = ", ".join(f"c{n}" for n in range(self.width))
        source = (
            f"def read(row):\n ({row},) = row\n try:\n  return value({', '.join(arguments)})\n"
            " except CORRUPTION_ERRORS as error:\n  return corrupt(row, error)\n"
        )
        # The source consists only of names that are generated above.
        exec(source, known)  # noqa: S102
        return known["read"]

    def _read_corrupt(self, row: Row, error: Exception) -> T:
        """Read a row field by field, with fallbacks for unreadable fields.

        Raises:
            CorruptRow: `show_corrupt_rows` was not called in this task.
        """
        parts: dict[str, Any] = {}
        broken: list[tuple[str, Exception, Any]] = []
        at = 0
        for field in self._fields:
            own = row[at : at + self._width(field)]
            at += len(own)
            if isinstance(field.stored, RowMapper):
                parts[field.name] = field.stored.read(own)
                continue
            read = field.stored.read or return_unchanged
            try:
                parts[field.name] = read(*own)
            except CORRUPTION_ERRORS as cause:
                broken.append((field.name, cause, field.stored.fallback(*own)))
        if not broken:
            raise error
        table = list_columns(self._model)[0] if self._model else self._value.__name__
        row_id = "/".join(str(parts.get(name, "?")) for name in self._row_id)
        for name, cause, fallback in broken:
            parts[name] = raise_or_show(table, row_id, cause, fallback)
        return self._value(**parts)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, without the table's alias."""
        return tuple(
            name.rpartition(".")[2]
            for field in self._fields
            for name in (
                field.stored.column_names if isinstance(field.stored, RowMapper) else field.columns
            )
        )

    def from_model(self, row: Model) -> T:
        """Return the value of a row that Tortoise has read.

        Raises:
            CorruptRow: a column cannot be read, unless rows are read to be shown.
        """
        return self.read([_as_stored(getattr(row, name)) for name in self.column_names])

    def to_columns(self, value: T) -> dict[str, Any]:
        """Return the columns of a value for Tortoise to write, by name."""
        return dict(zip(self._all.columns, self._all.values(value), strict=True))

    @cached_property
    def _all(self) -> WriteColumns:
        return self.build_write_columns()

    def with_expressions(self, **expressions: str) -> RowMapper[T]:
        """Return a mapper that reads some of the fields from other SQL expressions."""
        other = copy(self)
        other._fields = tuple(
            replace(field, columns=(expressions[field.name],))
            if field.name in expressions
            else field
            for field in self._fields
        )
        other.__dict__.pop("read", None)
        other.columns = ", ".join(column for field in other._fields for column in field.columns)
        return other

    def read_all(self, rows: list[Row]) -> list[T]:
        """Read every row."""
        return list(map(self.read, rows))

    def read_first(self, rows: list[Row]) -> T | None:
        """Read the first row; None when there is none."""
        return self.read(rows[0]) if rows else None

    def read_by(self, name: str) -> Callable[[list[Row]], dict[Any, T]]:
        """Return a function that reads rows into a dictionary by a field, such as `event.id`."""
        key = self._key(name)
        return lambda rows: {key(value): value for value in map(self.read, rows)}

    def read_grouped_by(self, name: str) -> Callable[[list[Row]], dict[Any, list[T]]]:
        """Return a function that groups rows into lists by a field, in the order of the rows."""
        key = self._key(name)

        def group(rows: list[Row]) -> dict[Any, list[T]]:
            groups: dict[Any, list[T]] = {}
            for value in map(self.read, rows):
                groups.setdefault(key(value), []).append(value)
            return groups

        return group

    def _key(self, name: str) -> Callable[[T], Any]:
        return attrgetter(name)

    def build_write_columns(
        self, *only: str, without: Collection[str] = (), extra: Sequence[str] = ()
    ) -> WriteColumns:
        """Return the columns of a statement that writes values.

        Args:
            only: the fields to write; all fields when none are given.
            without: fields to leave out.
            extra: further columns, whose values are passed with each value.

        Raises:
            TypeError: the value has no such field, or the table no such column.
        """
        names = [field.name for field in self._fields]
        if unknown := {*only, *without} - set(names):
            raise TypeError(f"{self._value.__name__} has no field {sorted(unknown)}")
        columns: list[str] = []
        parts: list[str] = []
        known: dict[str, Any] = {}
        for n, field in enumerate(self._fields):
            stored = field.stored
            if isinstance(stored, RowMapper) or field.name in without:
                continue
            if only and field.name not in only:
                continue
            columns += stored.columns or (field.name,)
            part = f"value.{field.name}"
            if stored.write is not None:
                known[f"w{n}"] = stored.write
                part = f"{'*' if len(stored.columns) > 1 else ''}w{n}({part})"
            parts.append(part)
        source = f"def values(value, *extra): return ({', '.join([*parts, '*extra'])},)"
        exec(source, known)  # noqa: S102
        return WriteColumns([*columns, *extra], known["values"])


def _as_stored(value: Any) -> Any:
    """Return a model's value as its column has it; only instants differ."""
    return to_micros(value) if isinstance(value, datetime) else value


def _list_column_names(model: type[Model]) -> list[str]:
    _, key, others = list_columns(model)
    return [field.source_field or field.model_field_name for field in (key, *others)]


def _list_field_names(value: type[Any]) -> tuple[str, ...]:
    return getattr(value, "_fields", None) or tuple(value.__dataclass_fields__)


@cache
def _find_reader(kind: Any) -> Read | None:
    kind = strip_none(kind)[0]
    return READERS[kind][1] if kind in READERS else None


def read_first(kind: type[T]) -> Callable[[list[Row]], T | None]:
    """Return a function that reads the only column of the first row; None when there is no row.

    Args:
        kind: the type of the value.
    """
    read = _find_reader(kind) or return_unchanged
    return lambda rows: read(rows[0][0]) if rows else None


def read_column(kind: type[T]) -> Callable[[list[Row]], list[T]]:
    """Return a function that reads the only column of every row.

    Args:
        kind: the type of the values.
    """
    read = _find_reader(kind)
    if read is None:
        return lambda rows: [value for (value,) in rows]
    return lambda rows: [read(value) for (value,) in rows]


def read_pairs(key: Callable[..., K], kind: Callable[..., T]) -> Callable[[list[Row]], dict[K, T]]:
    """Return a function that reads rows of two columns into a dictionary.

    Args:
        key: the type of the first column, which is the key.
        kind: the type of the second column.
    """
    read_key, read = _find_reader(key) or return_unchanged, _find_reader(kind) or return_unchanged
    return lambda rows: {read_key(first): read(second) for first, second in rows}


def read_scalar(rows: list[Row]) -> Any:
    """Return the first column of the first row as stored; None when there is no row."""
    return rows[0][0] if rows else None
