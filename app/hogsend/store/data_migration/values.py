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

Make = Callable[[Any], Any]

NUL = "has a NUL character, which text in Postgres cannot have"
_INTEGERS = {
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INT": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
}
# `numeric`, which numbers in JSON are, has so many digits before the point and after it
# (Postgres, chapter 8.1.2).
_MOST_DIGITS, _MOST_DECIMALS = 131_072, 16_383


class UnstorableValue(Exception):
    """Postgres cannot hold a value; says why, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: its name, which is the same in both databases.
        is_nullable: whether it may have no value.
        form: makes a value's one form out of what either database gives; None is never asked.
        to_postgres: makes what is handed to Postgres out of what SQLite gives; None when it is the
            same.
        show: makes a value readable, for messages.
        is_wide: whether its values may be long.
        is_text: whether it holds text, which Postgres has to be told to sort as SQLite does.
    """

    name: str
    is_nullable: bool
    form: Make
    to_postgres: Make | None = None
    show: Callable[[Any], str] = str
    is_wide: bool = False
    is_text: bool = False

    def form_of(self, value: Any) -> Any:
        """Return a value's one form.

        Raises:
            Unfit: Postgres cannot hold it.
        """
        if value is None:
            if not self.is_nullable:
                raise UnstorableValue("has no value, and must have one")
            return None
        return self.form(value)


def a_number(sql_type: str) -> Make:
    """Return what reads whole numbers, for a column of this SQL type."""
    least, most = _INTEGERS[sql_type]

    def form(value: Any) -> Any:
        if type(value) is not int:
            _wrong("a whole number", value)
        if not least <= value <= most:
            raise UnstorableValue(f"is {value}, which {sql_type} cannot hold")
        return value

    return form


def truth(value: Any) -> Any:
    """Read yes or no, which are 1 and 0 in SQLite."""
    if type(value) not in (int, bool) or value not in (0, 1):
        _wrong("yes or no", value)
    return value == 1


def real(value: Any) -> Any:
    """Read a number of 64 bits with a point in it; it is compared bit by bit, but for NaN."""
    if type(value) is not float:
        _wrong("a number with a point", value)
    return value


def an_id(value: Any) -> Any:
    """Read a UUID, as its 16 bytes."""
    if type(value) is not bytes or len(value) != 16:
        _wrong("an id of 16 bytes", value)
    return value


def binary(value: Any) -> Any:
    """Read bytes."""
    if type(value) is not bytes:
        _wrong("bytes", value)
    return value


def text(longest: int | None) -> Make:
    """Return what reads text.

    Args:
        longest: how many characters there may be; None for any number.
    """

    def form(value: Any) -> Any:
        if type(value) is not str:
            _wrong("text", value)
        if "\0" in value:
            raise UnstorableValue(NUL)
        if longest is not None and len(value) > longest:
            raise UnstorableValue(f"has {len(value)} characters, and may have {longest}")
        return value

    return form


def json_text(value: Any) -> str:
    """Return the text of a JSON value: SQLite makes a number of text that looks like one."""
    return json.dumps(value) if type(value) in (int, float) else value


def json_form(value: Any) -> str:
    """Read JSON, as a text that is the same for the same value."""
    value = json_text(value)
    if type(value) is not str:
        _wrong("JSON", value)
    if value == "{}":
        return "()"
    try:
        tree = _decode(value)
        if "\\u" in value:
            for part in _texts(tree):
                _check_text(part)
        return ascii(tree)
    except RecursionError:
        raise UnstorableValue("is JSON that is nested too deeply") from None
    except ValueError as error:
        raise UnstorableValue(f"is no JSON: {error}") from None


def uuid_text(value: Any) -> str:
    """Show an id as people know it."""
    return str(UUID(bytes=value)) if type(value) is bytes and len(value) == 16 else repr(value)


def _wrong(expected: str, value: Any) -> NoReturn:
    kinds = {int: "a whole number", float: "a number", str: "text", bytes: "bytes"}
    raise UnstorableValue(f"is {kinds.get(type(value), type(value).__name__)} and not {expected}")


def _check_text(part: str) -> None:
    if "\0" in part:
        raise UnstorableValue(NUL)
    try:
        part.encode()
    except UnicodeEncodeError:
        raise UnstorableValue("has half a character (a lone surrogate) in its JSON") from None


def _texts(tree: Any) -> Iterator[str]:
    """Yield every text of a decoded JSON value, keys included."""
    if type(tree) is str:
        yield tree
    elif type(tree) in (tuple, list):
        for part in tree:
            yield from _texts(part)


def _number(written: str) -> bytes:
    """Return a JSON number as Postgres prints it; bytes, so that no text is taken for it."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise UnstorableValue("has a number with too many digits") from None
    exponent = number.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    if number.adjusted() >= _MOST_DIGITS or decimals > _MOST_DECIMALS:
        raise UnstorableValue("has a number with too many digits")
    # Postgres knows no negative nought, and prints no exponent.
    return (f"{number:f}" if number else f"{0:.{decimals}f}").encode()


def _whole_number(written: str) -> bytes:
    return b"0" if written == "-0" else written.encode()


def _no_number(written: str) -> NoReturn:
    raise UnstorableValue(f"has {written} in its JSON, which Postgres does not take")


# Objects become sorted tuples of pairs, numbers bytes: nothing that is different looks the same.
_decode = json.JSONDecoder(
    object_pairs_hook=lambda pairs: tuple(sorted(dict(pairs).items())),
    parse_float=_number,
    parse_int=_whole_number,
    parse_constant=_no_number,
).decode
