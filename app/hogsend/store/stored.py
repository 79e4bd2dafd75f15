"""The conversion between the fields of a value and the columns of its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from .corrupt_rows import parse_object
from .fields import from_micros, id_or_none, instant_or_none, micros_or_none, to_id, to_micros
from .json_text import from_json, to_json

Read = Callable[..., Any]


def _return_none(*_: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Stored:
    """The conversion of a field that does not follow from the field's name and type.

    Args:
        read: converts stored values to the field's value, with one argument for each column; None
            when the stored value is the field's value.
        write: converts the field's value to the stored value, or to a tuple for several columns;
            None when the field is not written, or is stored unchanged.
        columns: the columns; when empty, the column with the field's name.
        fallback: returns the value that a page shows instead of an unreadable value; takes the same
            arguments as `read`.
    """

    read: Read | None = None
    write: Callable[[Any], Any] | None = None
    columns: tuple[str, ...] = ()
    fallback: Read = _return_none


def json_object(*columns: str) -> Stored:
    """Store a mapping as JSON; for corrupt JSON a page shows the stored text."""
    return Stored(parse_object, to_json, columns, show_stored_text)


def json_list(*columns: str) -> Stored:
    """Store a sequence as JSON; for corrupt JSON a page shows an empty list."""
    return Stored(_read_list, _write_list, columns, _show_empty_list)


def optional_json_object(*columns: str) -> Stored:
    """Store a mapping or None as JSON in a nullable column."""
    return Stored(read_optional_object, _write_optional, columns)


def optional_json(*columns: str) -> Stored:
    """Store any value or None as JSON in a nullable column."""
    return Stored(_read_optional, _write_optional, columns)


def show_stored_text(stored: Any) -> dict[str, Any]:
    """Return the mapping that a page shows instead of a mapping whose JSON is corrupt."""
    return {"unreadable": stored}


def _read_list(stored: Any) -> list[Any]:
    return from_json(stored) or []


def _write_list(value: Sequence[Any]) -> str:
    return to_json(list(value))


def _show_empty_list(_: Any) -> list[Any]:
    return []


def read_optional_object(stored: Any) -> dict[str, Any] | None:
    """Read a mapping or None from a nullable column."""
    return parse_object(stored) if stored else None


def _read_optional(stored: Any) -> Any:
    return from_json(stored) if stored else None


def _write_optional(value: Any) -> str | None:
    return None if value is None else to_json(value)


def _read_optional_bool(stored: Any) -> bool | None:
    return None if stored is None else bool(stored)


def _read_optional_bytes(stored: Any) -> bytes | None:
    return None if stored is None else bytes(stored)


def return_unchanged(stored: Any) -> Any:
    return stored


_UNCHANGED = (str, int, float, Any, object)
# The functions that read and write values of a type: for NOT NULL, and for nullable columns.
READERS: Mapping[type, tuple[Read, Read]] = {
    UUID: (to_id, id_or_none),
    datetime: (from_micros, instant_or_none),
    bool: (bool, _read_optional_bool),
    bytes: (bytes, _read_optional_bytes),
}
WRITERS: Mapping[type, tuple[Read, Read]] = {datetime: (to_micros, micros_or_none)}


def strip_none(kind: Any) -> tuple[Any, bool]:
    """Return a type without `| None`, and whether the type had it."""
    if get_origin(kind) in (Union, UnionType):
        types = [part for part in get_args(kind) if part is not NoneType]
        return (types[0], True) if len(types) == 1 else (object, True)
    return kind, False


def infer_stored(name: str, kind: Any) -> Stored:
    """Infer the conversion of a field from its type.

    Raises:
        TypeError: a value of this type can be stored in more than one way.
    """
    kind, is_optional = strip_none(kind)
    if kind in READERS:
        write = WRITERS.get(kind)
        return Stored(READERS[kind][is_optional], write[is_optional] if write else None, (name,))
    if kind in _UNCHANGED or get_origin(kind) is Literal or isinstance(kind, TypeVar):
        return Stored(columns=(name,))
    if get_origin(kind) in (list, Sequence):
        return json_list(name)
    raise TypeError(f"say with Stored(…) how the field {name} of type {kind} is stored")
