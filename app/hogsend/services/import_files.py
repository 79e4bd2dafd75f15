"""The files of imports: where they are kept, and what they are found to be."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from uuid import UUID

from ..config.settings import Settings
from ..domain.address import is_plain_address
from ..domain.formula_text import unescape_formula
from ..domain.import_job import ImportFormat
from ..errors import InvalidInput
from .import_records import Record, RecordReader, SourceFile

_FOLDER, _FILE, _SEEN_FILE = "imports", "source", "seen"
SEPARATORS = (",", ";", "\t", "|")
MAX_COLUMNS = 1000
_CHUNK = 1024 * 1024
_SAMPLE_BYTES = 128 * 1024
_SAMPLE_RECORDS = 20
# What is looked for in a file that is not UTF-8: the encodings of spreadsheets.
_ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "big5")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP file", "Save the sheet as CSV, and import that."),
    (b"\x1f\x8b", "compressed with gzip", "Decompress it first."),
    (b"%PDF", "a PDF", "Export the contacts as CSV."),
)


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """What a file was found to be.

    Args:
        source: the file, and how to read it.
        columns: the names of its columns.
        position: the byte at which its first row begins.
        line: the number of lines before that.
        size: its bytes.
    """

    source: SourceFile
    columns: Sequence[str]
    position: int
    line: int
    size: int


def get_folder(settings: Settings, import_id: UUID | None = None) -> Path:
    """Return the folder of an import's file, or the folder of all imports."""
    folder = settings.data / _FOLDER
    return folder / str(import_id) if import_id else folder


def get_file(settings: Settings, import_id: UUID) -> Path:
    """Return the path of an import's file."""
    return get_folder(settings, import_id) / _FILE


def get_seen_file(settings: Settings, import_id: UUID) -> Path:
    """Return the path of what a dry run remembers until it ends."""
    return get_folder(settings, import_id) / _SEEN_FILE


def create_file(settings: Settings, import_id: UUID) -> int:
    """Create the empty file of an import, for this user alone; return its descriptor.

    Raises:
        OSError: the file cannot be created.
    """
    folder = get_folder(settings)
    folder.mkdir(mode=0o700, exist_ok=True)
    get_folder(settings, import_id).mkdir(mode=0o700)
    return os.open(get_file(settings, import_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def remove_file(settings: Settings, import_id: UUID) -> None:
    """Remove the file of an import, if there is one."""
    shutil.rmtree(get_folder(settings, import_id), ignore_errors=True)


def inspect_file(
    path: Path, format: ImportFormat | None, encoding: str = "", separator: str = ""
) -> InspectedFile:
    """Find out how to read a file.

    A file in which a line does not end with the byte 10 is rewritten, UTF-16 and UTF-32 as UTF-8.

    Args:
        path: the file.
        format: its format; None to find that out.
        encoding: its encoding; empty to find that out.
        separator: what separates its cells; empty to find that out.

    Raises:
        InvalidInput: it is empty, of another kind, or has no usable header.
    """
    head = _read_head(path)
    _check_kind(head)
    _check_separator(separator)
    encoding, mark, head = _settle_encoding(path, head, _check_encoding(encoding))
    position = len(mark) if encoding == "utf-8" else 0
    text = head[position:].decode(encoding, "replace").lstrip()
    format = format or ("jsonl" if text.startswith(("{", "[")) else "csv")
    source = SourceFile(path, format, encoding)
    size = path.stat().st_size
    if format == "jsonl":
        if text.startswith("["):
            raise InvalidInput(
                "This file is one JSON array.",
                "Write one object on each line, for example with `jq -c '.[]' FILE`.",
            )
        columns = _list_keys(_read_sample(source, position))
        return InspectedFile(source, columns, position, 0, size)
    named, position, line = _read_separator_line(head, position)
    separator = separator or named or _detect_separator(source, position)
    source = replace(source, separator=separator)
    header = next(iter(_read_sample(source, position, 1, line)), None)
    if header is None or not isinstance(header.value, list):
        raise InvalidInput(
            f"The header of this file cannot be read. {header.problem if header else ''}".strip(),
            "The first line has to name the columns.",
        )
    columns = _check_header(header.value)
    return InspectedFile(source, columns, header.end, header.end_line, size)


def _settle_encoding(path: Path, head: bytes, encoding: str) -> tuple[str, bytes, bytes]:
    """Find out the encoding, and rewrite the file if its lines do not end with the byte 10.

    Returns:
        The encoding, the mark with which the file begins, and its head.
    """
    mark, marked = next(((m, name) for m, name in _MARKS if head.startswith(m)), (b"", ""))
    chosen, encoding = encoding, encoding or marked or _detect_encoding(path)
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        if chosen:
            _check_wide_text(head, chosen)
        _rewrite(path, encoding, "utf-8")
        return "utf-8", b"", _read_head(path)
    if _has_old_line_ends(head):
        # Byte by byte, so that the file can still be read in another encoding.
        _rewrite(path, "latin-1", "latin-1")
        head = _read_head(path)
    return encoding, mark, head


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_SAMPLE_BYTES)


def _check_kind(head: bytes) -> None:
    if not head.strip():
        raise InvalidInput("This file is empty.", "Choose a CSV or JSON Lines file with rows.")
    for start, kind, remedy in _OTHER_FILES:
        if head.startswith(start):
            raise InvalidInput(f"This file is {kind}.", remedy)


def _check_encoding(encoding: str) -> str:
    if not encoding:
        return ""
    try:
        name = codecs.lookup(encoding).name
        # Some are not for text, and some only for names of hosts: they cannot replace bad bytes.
        b"\xff".decode(name, "replace")
    except (LookupError, ValueError):
        raise InvalidInput(
            f"There is no encoding {encoding!r}.", "Use a name such as utf-8 or cp1252."
        ) from None
    return "utf-8" if name in ("ascii", "utf-8-sig") else name


def _check_separator(separator: str) -> None:
    if separator and (len(separator) > 1 or separator in '"\r\n\0'):
        raise InvalidInput(
            f"The separator cannot be {separator[:20]!r}.",
            "Use one character, such as a comma, a semicolon, a tab or a vertical bar.",
        )


def _check_wide_text(head: bytes, encoding: str) -> None:
    """Refuse an encoding in which the file has no lines, before the file is rewritten for good."""
    text = head.decode(encoding, "replace")
    if "\n" not in text and "\r" not in text:
        raise _build_encoding_error(encoding)


def _build_encoding_error(encoding: str) -> InvalidInput:
    return InvalidInput(
        f"This file is not in the encoding {encoding}.", "Choose another, or save it as UTF-8."
    )


def _detect_encoding(path: Path) -> str:
    """Return UTF-8 when the whole file is valid, and otherwise the most likely encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return _guess_encoding(chunk)
    return "utf-8"


def _guess_encoding(chunk: bytes) -> str:
    # It takes as long to load as most commands do.
    import charset_normalizer

    # Lines with letters beyond ASCII tell more than the others.
    lines = [line for line in chunk.splitlines() if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE_BYTES]
    matches = charset_normalizer.from_bytes(sample, cp_isolation=list(_ENCODINGS))
    best = matches.best()
    if best is None:
        return "cp1252"
    # Few accents fit several encodings; the usual one is right more often.
    alike = {
        name
        for match in matches
        if match.chaos <= best.chaos + 0.05
        for name in match.could_be_from_charset
    }
    return "cp1252" if "cp1252" in alike else best.encoding


def _has_old_line_ends(head: bytes) -> bool:
    return b"\r" in head and b"\n" not in head


def _rewrite(path: Path, encoding: str, new_encoding: str) -> None:
    """Rewrite a file in another encoding with the usual line ends."""
    new = path.with_name("rewritten")
    try:
        with (
            path.open(encoding=encoding, errors="replace", newline=None) as old,
            os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        ):
            while text := old.read(_CHUNK):
                file.write(text.encode(new_encoding))
    except UnicodeError:
        new.unlink()
        raise _build_encoding_error(encoding) from None
    new.replace(path)


def _read_separator_line(head: bytes, position: int) -> tuple[str, int, int]:
    """Return the separator that a first line `sep=;` names, and where the header begins.

    Excel reads and writes such a line. Without one, the separator is empty.

    Returns:
        The separator, the byte at which the header begins, and the number of lines before it.
    """
    first, end, _ = head[position:].partition(b"\n")
    text = first.rstrip(b"\r").lower()
    if not end or not text.startswith(b"sep=") or len(text) != len("sep=") + 1:
        return "", position, 0
    separator = text[-1:].decode("ascii", "replace")
    if separator not in SEPARATORS:
        return "", position, 0
    return separator, position + len(first) + len(end), 1


def _read_sample(
    source: SourceFile, position: int, count: int = _SAMPLE_RECORDS, line: int = 0
) -> list[Record]:
    reader = RecordReader(source, position, line)
    try:
        return list(islice(reader, count))
    finally:
        reader.close()


def _detect_separator(source: SourceFile, position: int) -> str:
    """Return the separator by which the first records have the most cells."""

    def count_cells(separator: str) -> int:
        sample = _read_sample(replace(source, separator=separator), position)
        widths = [len(record.value) for record in sample if isinstance(record.value, list)]
        # A separator that only the header has is part of a column's name.
        return min(widths[:2], default=0)

    counts = {separator: count_cells(separator) for separator in SEPARATORS}
    return max(counts, key=lambda separator: counts[separator])


def _check_header(cells: Sequence[str]) -> list[str]:
    names = [
        unescape_formula(cell.strip()) or f"column {number}" for number, cell in enumerate(cells, 1)
    ]
    if len(names) > MAX_COLUMNS:
        raise InvalidInput(
            f"This file has {len(names):,} columns; at most {MAX_COLUMNS:,} are allowed.",
            "Check the separator, or leave columns out.",
        )
    if any(is_plain_address(name.lower()) for name in names):
        raise InvalidInput(
            "The first line of this file is a row, not a header.",
            "Add a line at the top that names the columns, such as email,name.",
        )
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InvalidInput(
            f"This file has two columns named {repeated!r}.", "Give every column its own name."
        )
    return names


def _list_keys(sample: Sequence[Record]) -> list[str]:
    objects = [record.value for record in sample if isinstance(record.value, dict)]
    if not objects:
        raise InvalidInput(
            "The first lines of this file are not JSON objects.",
            "Write one object on each line, or import the file as CSV.",
        )
    names = list(dict.fromkeys(name for value in objects for name in value))
    return names[:MAX_COLUMNS]
