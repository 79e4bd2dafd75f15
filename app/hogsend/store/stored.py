"""How the fields of a value are stored in columns, and read back."""

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
    """How a field is stored whose name or type does not say it.

    Args:
        read: makes the field's value of what is stored, with one argument for each column.
        write: makes what is stored of the field's value; of several columns a tuple. None when the
            field is not written, or is stored as it is.
        columns: the columns; that of the field's name when there are none.
        fallback: what a page shows in place of a value that cannot be read, made of what is stored.
    """

    read: Read | None = None
    write: Callable[[Any], Any] | None = None
    columns: tuple[str, ...] = ()
    fallback: Read = _return_none


def json_object(*columns: str) -> Stored:
    """Store a mapping as JSON; when it is corrupt, a page shows the stored text."""
    return Stored(parse_object, to_json, columns, show_stored_text)


def json_list(*columns: str) -> Stored:
    """Store a sequence as JSON; when it is corrupt, a page shows an empty one."""
    return Stored(_read_list, _write_list, columns, _show_empty_list)


def optional_json_object(*columns: str) -> Stored:
    """Store a mapping as JSON in a column that may have no value."""
    return Stored(_read_optional_object, _write_optional, columns)


def optional_json(*columns: str) -> Stored:
    """Store any value as JSON in a column that may have no value."""
    return Stored(_read_optional, _write_optional, columns)


def show_stored_text(stored: Any) -> dict[str, Any]:
    """Return what a page shows in place of a mapping whose JSON is corrupt."""
    return {"unreadable": stored}


def _read_list(stored: Any) -> list[Any]:
    return from_json(stored) or []


def _write_list(value: Sequence[Any]) -> str:
    return to_json(list(value))


def _show_empty_list(_: Any) -> list[Any]:
    return []


def _read_optional_object(stored: Any) -> dict[str, Any] | None:
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
# How values of a type are read and written: when the column always has a value, and when not.
READERS: Mapping[type, tuple[Read, Read]] = {
    UUID: (to_id, id_or_none),
    datetime: (from_micros, instant_or_none),
    bool: (bool, _read_optional_bool),
    bytes: (bytes, _read_optional_bytes),
}
WRITERS: Mapping[type, tuple[Read, Read]] = {datetime: (to_micros, micros_or_none)}


def strip_none(kind: Any) -> tuple[Any, bool]:
    """Return a type without `| None`, and whether it had that."""
    if get_origin(kind) in (Union, UnionType):
        rest = [part for part in get_args(kind) if part is not NoneType]
        return (rest[0], True) if len(rest) == 1 else (object, True)
    return kind, False


def infer_stored(name: str, kind: Any) -> Stored:
    """Return how a field of a type is stored.

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
