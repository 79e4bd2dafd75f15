"""The steps of an import: rows are read and parsed, then written in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..domain.import_columns import find_preset, parse_target
from ..domain.import_job import ImportJob, ImportOptions
from ..domain.import_rows import ContactFacts, RowParser, RowRefused
from ..ingest.contact_import import ImportedContact
from .import_records import Record, RecordReader, SourceFile

# About the most that is read of a file at once: long rows make small steps.
MAX_READ_BYTES = 2 * 1024 * 1024


class ParsedRow(NamedTuple):
    """A row of a file, parsed or refused.

    Args:
        record: the row as it is in the file.
        facts: what it says about a contact; None when it is refused.
        problem: why it is refused; empty when it is not.
    """

    record: Record
    facts: ContactFacts | None
    problem: str


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
        """Return the next rows; an empty list at the end.

        Args:
            count: how many at most; fewer when they are long.
        """
        rows: list[ParsedRow] = []
        last = self._reader.position + MAX_READ_BYTES
        for row in islice(self._rows, count):
            rows.append(row)
            if row.record.end > last:
                break
        return rows

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
            facts = (
                parser.parse_cells(value) if isinstance(value, list) else parser.parse_object(value)
            )
        except RowRefused as refusal:
            problem = str(refusal)
    return ParsedRow(record, facts, problem)


def describe_result(result: ImportedContact) -> str:
    """Return what is remarkable about a row that was imported; empty for nothing."""
    remarks: list[str] = []
    if result.has_conflict:
        remarks.append("Imported without an identity that another contact owns")
    if result.kept_unsubscribed:
        names = ", ".join("all mail" if name == "*" else name for name in result.kept_unsubscribed)
        remarks.append(f"Still unsubscribed from {names}, as the contact chose")
    return "; ".join(remarks)
