"""The values of columns in one form for both databases, and values that Postgres cannot hold.

SQLite keeps whatever it is given; Postgres has types, and text without NUL characters. A value in
its one form (`Column.form`) is the same object from either database, so that a checksum over the
forms of all values tells whether a copy is exact. JSON is kept as text by SQLite and taken apart by
Postgres, which has numbers of any length in it: there a number's form is the one that Postgres
prints, and the order of an object's keys means nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from uuid import UUID

Converter = Callable[[Any], Any]

NUL = "has a NUL character, which text in Postgres cannot have"
_INTEGERS = {
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INT": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
}
# The limits of `numeric`, the type of numbers in JSON, before and after the decimal point
# (Postgres, chapter 8.1.2).
_MAX_DIGITS, _MAX_DECIMALS = 131_072, 16_383


class UnstorableValue(Exception):
    """Postgres cannot store a value. The message ends a sentence that begins with the value."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: its name, which is the same in both databases.
        is_nullable: whether a value may be NULL.
        convert: returns the canonical form of a value from either database, other than NULL.
        to_postgres: converts a value of SQLite for Postgres; None when they are the same.
        show: formats a value for messages.
        is_wide: whether its values may be long.
        is_text: whether it holds text, whose sort order differs between the databases.
    """

    name: str
    is_nullable: bool
    convert: Converter
    to_postgres: Converter | None = None
    show: Callable[[Any], str] = str
    is_wide: bool = False
    is_text: bool = False

    def to_canonical(self, value: Any) -> Any:
        """Return the canonical form of a value.

        Raises:
            UnstorableValue: Postgres cannot store it.
        """
        if value is None:
            if not self.is_nullable:
                raise UnstorableValue("is NULL, which its column does not allow")
            return None
        return self.convert(value)


def build_integer_converter(sql_type: str) -> Converter:
    """Return the converter of integers of a SQL type."""
    minimum, maximum = _INTEGERS[sql_type]

    def convert(value: Any) -> Any:
        if type(value) is not int:
            _reject("an integer", value)
        if not minimum <= value <= maximum:
            raise UnstorableValue(f"is {value}, which {sql_type} cannot store")
        return value

    return convert


def convert_boolean(value: Any) -> Any:
    """Convert a boolean, which SQLite stores as 1 or 0."""
    if type(value) not in (int, bool) or value not in (0, 1):
        _reject("a boolean", value)
    return value == 1


def check_float(value: Any) -> Any:
    """Check a 64-bit float; floats are compared bit by bit, except for NaN."""
    if type(value) is not float:
        _reject("a float", value)
    return value


def check_uuid_bytes(value: Any) -> Any:
    """Check the 16 bytes of a UUID."""
    if type(value) is not bytes or len(value) != 16:
        _reject("a UUID of 16 bytes", value)
    return value


def check_bytes(value: Any) -> Any:
    """Check bytes."""
    if type(value) is not bytes:
        _reject("bytes", value)
    return value


def build_text_converter(max_length: int | None) -> Converter:
    """Return the converter of text.

    Args:
        max_length: the maximum number of characters; None for no limit.
    """

    def convert(value: Any) -> Any:
        if type(value) is not str:
            _reject("text", value)
        if "\0" in value:
            raise UnstorableValue(NUL)
        if max_length is not None and len(value) > max_length:
            raise UnstorableValue(
                f"has {len(value)} characters, and its column allows {max_length}"
            )
        return value

    return convert


def to_json_text(value: Any) -> str:
    """Return the text of a JSON value: SQLite turns text that looks like a number into one."""
    return json.dumps(value) if type(value) in (int, float) else value


def to_canonical_json(value: Any) -> str:
    """Return the canonical text of JSON, which is the same for equal values."""
    value = to_json_text(value)
    if type(value) is not str:
        _reject("JSON", value)
    if value == "{}":
        return "()"
    try:
        tree = _decode(value)
        if "\\u" in value:
            for part in _walk_texts(tree):
                _check_text(part)
        return ascii(tree)
    except RecursionError:
        raise UnstorableValue("is JSON that is nested too deeply") from None
    except ValueError as error:
        raise UnstorableValue(f"is not JSON: {error}") from None


def format_uuid(value: Any) -> str:
    """Return a UUID in its usual notation, for messages."""
    return str(UUID(bytes=value)) if type(value) is bytes and len(value) == 16 else repr(value)


def _reject(expected: str, value: Any) -> NoReturn:
    kinds = {int: "an integer", float: "a float", str: "text", bytes: "bytes"}
    raise UnstorableValue(f"is {kinds.get(type(value), type(value).__name__)} and not {expected}")


def _check_text(part: str) -> None:
    if "\0" in part:
        raise UnstorableValue(NUL)
    try:
        part.encode()
    except UnicodeEncodeError:
        raise UnstorableValue("has a lone surrogate in its JSON") from None


def _walk_texts(tree: Any) -> Iterator[str]:
    """Yield every text of a decoded JSON value, including keys."""
    if type(tree) is str:
        yield tree
    elif type(tree) in (tuple, list):
        for part in tree:
            yield from _walk_texts(part)


def _parse_number(written: str) -> bytes:
    """Return a JSON number as Postgres prints it, as bytes to distinguish it from text."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise UnstorableValue("has a number with too many digits") from None
    exponent = number.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    if number.adjusted() >= _MAX_DIGITS or decimals > _MAX_DECIMALS:
        raise UnstorableValue("has a number with too many digits")
    # Postgres has no negative zero, and prints no exponent.
    return (f"{number:f}" if number else f"{0:.{decimals}f}").encode()


def _parse_whole_number(written: str) -> bytes:
    return b"0" if written == "-0" else written.encode()


def _reject_constant(written: str) -> NoReturn:
    raise UnstorableValue(f"has {written} in its JSON, which Postgres does not accept")


# Objects become sorted tuples of pairs and numbers become bytes, so that no two values are equal by
# accident.
_decode = json.JSONDecoder(
    object_pairs_hook=lambda pairs: tuple(sorted(dict(pairs).items())),
    parse_float=_parse_number,
    parse_int=_parse_whole_number,
    parse_constant=_reject_constant,
).decode
