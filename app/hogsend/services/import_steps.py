"""The steps of an import: rows are read and parsed, then written in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from ..domain.import_columns import find_preset, parse_target
from ..domain.import_job import ImportJob, ImportOptions
from ..domain.import_rows import ContactFacts, RowParser, RowRefused
from .import_records import Record, RecordReader, SourceFile


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row of a file, parsed or refused.

    Args:
        line: the line on which it begins.
        content: the row as it is in the file; a long one is cut.
        value: its cells or its object; None when the row cannot be read.
        facts: what it says about a contact; None when it is refused.
        problem: why it is refused; empty when it is not.
        end: the position of the byte after it.
        end_line: the line on which it ends.
    """

    line: int
    content: str
    value: list[str] | dict[str, object] | None
    facts: ContactFacts | None
    problem: str
    end: int
    end_line: int


def build_parser(job: ImportJob, now: datetime) -> RowParser:
    """Return the parser of an import's rows.

    Args:
        job: the import.
        now: the current time.
    """
    options = ImportOptions.from_json(job.options)
    columns = {name: parse_target(text) for name, text in options.columns.items()}
    return RowParser(job.kind, columns, find_preset(options.preset), options.lists, now=now)


class RowReader:
    """Reads and parses the rows of an import, from where it has come to.

    Args:
        path: the import's file.
        job: the import.
        parser: parses its rows.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, job: ImportJob, parser: RowParser) -> None:
        options = ImportOptions.from_json(job.options)
        source = SourceFile(path, job.format, options.encoding, options.separator)
        self._reader = RecordReader(source, job.position, job.line)
        self._rows: Iterator[ParsedRow] = (_parse(parser, record) for record in self._reader)

    def read(self, count: int) -> list[ParsedRow]:
        """Return the next rows, at most `count`; an empty list at the end."""
        return list(islice(self._rows, count))

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def read_sample(path: Path, job: ImportJob, parser: RowParser, count: int) -> Sequence[ParsedRow]:
    """Return the first rows of an import's file."""
    reader = RowReader(path, job, parser)
    try:
        return reader.read(count)
    finally:
        reader.close()


def _parse(parser: RowParser, record: Record) -> ParsedRow:
    facts: ContactFacts | None = None
    problem, value = record.problem, record.value
    if value is not None:
        try:
            is_row = isinstance(value, list)
            facts = parser.parse_cells(value) if is_row else parser.parse_object(value)
        except RowRefused as refusal:
            problem = str(refusal)
    return ParsedRow(
        record.line, record.content, value, facts, problem, record.end, record.end_line
    )
