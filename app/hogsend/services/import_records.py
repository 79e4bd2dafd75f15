"""Reads the records of a file one after the other, from any position, in little memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ..domain.import_job import ImportFormat

# A longer line is refused without being read into memory.
MAX_LINE_BYTES = 1024 * 1024
# What is kept of a refused row, in characters.
MAX_CONTENT_LENGTH = 4000
_CELL_LIMIT = f"has a cell of more than {csv.field_size_limit():,} characters"
_UNCLOSED = "; perhaps a quote on this line is never closed"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of rows, and how to read it.

    Args:
        path: where it is.
        format: its format.
        encoding: its encoding; a line break is the byte 10 in it.
        separator: what separates the cells of a CSV.
    """

    path: Path
    format: ImportFormat
    encoding: str
    separator: str = ","


# A reader makes one for every row; a frozen dataclass takes three times as long.
class Record(NamedTuple):
    """A record of a file.

    Args:
        line: the line on which it begins, from 1.
        lines: its lines as they are in the file; when it cannot be read, the first of them.
        value: the cells of a CSV, or the object of JSON Lines; None when it cannot be read.
        problem: why it cannot be read; empty when it can.
        end: the position of the byte after it.
        end_line: the line on which it ends.
    """

    line: int
    lines: Sequence[str]
    value: list[str] | dict[str, object] | None
    problem: str
    end: int
    end_line: int

    @property
    def content(self) -> str:
        """The record as it is in the file; a long one is cut."""
        return "".join(self.lines)[:MAX_CONTENT_LENGTH].rstrip("\r\n").replace("\0", "")


class _Unreadable(Exception):
    """A record cannot be read; the message completes "the row …"."""


class RecordReader:
    """Reads the records of a file; empty lines are left out.

    Args:
        source: the file.
        position: the byte to begin at, which is the first of a record.
        line: the number of lines before it.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, source: SourceFile, position: int = 0, line: int = 0) -> None:
        self._source = source
        self._file: BinaryIO = source.path.open("rb")
        self._file.seek(position)
        self._position, self._line = position, line
        # The lines of the present record, and where the first of them ends.
        self._lines: list[str] = []
        self._first_end = position
        self._is_at_end = False
        self._records = self._read_csv() if source.format == "csv" else self._read_json()

    def __iter__(self) -> Iterator[Record]:
        return self._records

    @property
    def position(self) -> int:
        """The byte that is read next."""
        return self._position

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_csv(self) -> Iterator[Record]:
        reader = csv.reader(self._read_lines(), delimiter=self._source.separator)
        while True:
            first = self._line + 1
            self._lines.clear()
            self._is_at_end = False
            try:
                cells = next(reader)
                if self._is_at_end:
                    raise _Unreadable(f"ends inside a quoted cell{_UNCLOSED}")
            except StopIteration:
                return
            except (_Unreadable, csv.Error, UnicodeDecodeError) as error:
                yield self._refuse(first, error)
                reader = csv.reader(self._read_lines(), delimiter=self._source.separator)
                continue
            if cells:
                yield self._build(first, cells)

    def _read_json(self) -> Iterator[Record]:
        while True:
            first = self._line + 1
            self._lines.clear()
            try:
                text = next(self._read_lines(), None)
                if text is None:
                    return
                value = json.loads(text) if not text.isspace() else ...
            except (_Unreadable, UnicodeDecodeError) as error:
                yield self._refuse(first, error)
                continue
            except (ValueError, RecursionError) as error:
                yield self._build(first, None, f"is not valid JSON: {error}")
                continue
            if value is ...:
                continue
            if isinstance(value, dict):
                yield self._build(first, cast("dict[str, object]", value))
            else:
                yield self._build(first, None, "is not a JSON object")

    def _read_lines(self) -> Iterator[str]:
        """Yield lines, and note where the record that they belong to begins."""
        encoding = self._source.encoding
        while raw := self._file.readline(MAX_LINE_BYTES + 1):
            self._position += len(raw)
            self._line += 1
            if not self._lines:
                self._first_end = self._position
            if len(raw) > MAX_LINE_BYTES:
                self._lines.append(raw[:MAX_CONTENT_LENGTH].decode(encoding, "replace"))
                self._skip_line(raw)
                raise _Unreadable(f"has more than {MAX_LINE_BYTES:,} bytes on one line")
            if b"\0" in raw:
                self._lines.append(raw[:MAX_CONTENT_LENGTH].decode(encoding, "replace"))
                raise _Unreadable("contains a NUL character")
            text = raw.decode(encoding)
            self._lines.append(text)
            yield text
        self._is_at_end = True

    def _skip_line(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._file.readline(MAX_LINE_BYTES)
            self._position += len(raw)
        if len(self._lines) == 1:
            self._first_end = self._position

    def _refuse(self, first: int, error: Exception) -> Record:
        """Refuse a record; the next one begins on the line after its first line."""
        if isinstance(error, _Unreadable):
            problem = str(error)
        elif isinstance(error, UnicodeDecodeError):
            problem = f"is not in the encoding {self._source.encoding}"
        elif "field larger" in str(error):
            problem = _CELL_LIMIT + (_UNCLOSED if self._line > first else "")
        else:
            problem = "has a line break outside of quotes"
        if self._line > first:
            self._file.seek(self._first_end)
            self._position, self._line = self._first_end, first
        return self._build(first, None, problem)

    def _build(
        self, first: int, value: list[str] | dict[str, object] | None, problem: str = ""
    ) -> Record:
        lines = self._lines if value is not None else self._lines[:1]
        self._lines = []
        return Record(
            first, lines, value, problem and f"The row {problem}", self._position, self._line
        )
