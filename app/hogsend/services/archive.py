"""The access archive of a person: everything that is stored about them, as one file.

The archive is a ZIP file with `data.json` for programs, `data.html` for the person, and the emails
as files. It is made while it is sent, so it needs little memory, whatever its size.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from ..errors import HogsendError
from ..store import personal_data
from ..store.personal_data import PARTS, Part, PersonalRow
from ..store.private_files import PRIVATE
from .actor import Actor, Permission
from .audit import apply_audited
from .contacts import get_contact
from .installation import Installation

__all__ = ["PersonalArchive", "open_archive", "write_archive"]

# Where the whole mail is: too long for a table, and a file of its own.
_MAIL = "mail"
# Bytes that are collected before they are sent.
_CHUNK_BYTES = 64 * 1024
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border:1px solid #ccc;"
    "overflow-wrap:anywhere}th{width:12rem;font-weight:600}pre{white-space:pre-wrap;margin:0}"
)


@dataclass(frozen=True, slots=True)
class PersonalArchive:
    """An archive that is ready to be read.

    Args:
        file_name: a name for the file, without personal data.
        chunks: its bytes.
    """

    file_name: str
    chunks: AsyncIterator[bytes]


async def open_archive(
    installation: Installation, actor: Actor, contact_id: UUID
) -> PersonalArchive:
    """Return everything that is stored about a person, as a ZIP file; this is audited.

    Args:
        installation: where it is stored.
        actor: who reads it.
        contact_id: the contact, or one that was merged into it.

    Raises:
        Forbidden: the actor may not operate: the emails have links that act for the person.
        NotFound: there is no such contact.
    """
    actor.require(Permission.OPERATE)
    contact = await get_contact(installation, actor, contact_id)
    await apply_audited(
        installation, actor, [], "download archive", f"/contacts/{contact.id}", "audit"
    )
    return PersonalArchive(f"person-{contact.id}.zip", _write_zip(installation, contact.id))


async def write_archive(
    installation: Installation, actor: Actor, contact_id: UUID, file: Path | None
) -> Path:
    """Write everything that is stored about a person into a new file that only its owner can read.

    Args:
        installation: where it is stored.
        actor: who reads it.
        contact_id: the contact, or one that was merged into it.
        file: the file to create; None for one in the working folder.

    Returns:
        The file.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact.
        HogsendError: the file exists, or cannot be written.
    """
    archive = await open_archive(installation, actor, contact_id)
    target = file or Path(archive.file_name)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        try:
            with os.fdopen(handle, "wb") as opened:
                async for chunk in archive.chunks:
                    opened.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HogsendError(
            f"{target} cannot be written: {error.strerror}.", "Name another file with `--output`."
        ) from None
    return target


class _Pipe:
    """A file that cannot seek, from which the written bytes are taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data, self._parts, self.size = b"".join(self._parts), [], 0
        return data


async def _write_zip(installation: Installation, contact_id: UUID) -> AsyncGenerator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(cast("Any", pipe), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, texts in (
            ("data.json", _write_json(installation, contact_id)),
            ("data.html", _write_html(installation, contact_id)),
        ):
            with archive.open(name, "w", force_zip64=True) as file:
                async for text in texts:
                    file.write(text.encode("utf-8", "replace"))
                    if pipe.size >= _CHUNK_BYTES:
                        yield pipe.take()
        async for name, mail in _list_mails(installation, contact_id):
            archive.writestr(name, mail)
            yield pipe.take()
    yield pipe.take()


async def _list_rows(
    installation: Installation, contact_id: UUID, part: Part
) -> AsyncGenerator[PersonalRow]:
    database, after = installation.database, None
    while True:
        page = await database.read_one(
            personal_data.find_page(part, contact_id, after, is_sqlite=database.is_sqlite)
        )
        for after, row in page:  # noqa: B007 (the key of the last row)
            yield row
        if len(page) < part.page_size:
            return


async def _list_mails(
    installation: Installation, contact_id: UUID
) -> AsyncGenerator[tuple[str, str]]:
    known: set[UUID] = set()
    for part in PARTS:
        if part.name in ("messages", "captured emails"):
            async for row in _list_rows(installation, contact_id, part):
                if row["send_id"] not in known:
                    known.add(row["send_id"])
                    yield f"emails/{row['send_id']}.eml", str(row[_MAIL])


async def _write_json(installation: Installation, contact_id: UUID) -> AsyncGenerator[str]:
    separator = "{\n"
    for part in PARTS:
        yield f"{separator}{json.dumps(part.name)}: ["
        separator, between = "],\n", "\n"
        async for row in _list_rows(installation, contact_id, part):
            yield between + json.dumps(_describe(row), ensure_ascii=False, default=_to_text)
            between = ",\n"
    yield "]\n}\n"


async def _write_html(installation: Installation, contact_id: UUID) -> AsyncGenerator[str]:
    as_of = _to_text(installation.clock.now())
    yield (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Stored data</title>'
        f"<style>{_STYLE}</style><h1>What is stored about you</h1><p>As of {as_of}. "
        "The file <code>data.json</code> has the same for programs.</p>"
    )
    for part in PARTS:
        title, is_empty = part.name.capitalize(), True
        async for row in _list_rows(installation, contact_id, part):
            if is_empty:
                yield f"<h2>{escape(title)}</h2><p>{escape(part.meaning)}</p>"
            is_empty = False
            lines = (
                f"<tr><th>{escape(name.replace('_', ' '))}<td>{_show(value)}"
                for name, value in _describe(row).items()
            )
            yield f"<table>{''.join(lines)}</table>"
    yield "</html>"


def _describe(row: PersonalRow) -> Mapping[str, Any]:
    """Return a row as archives show it: a mail by the name of its file."""
    if _MAIL not in row:
        return row
    return {**row, _MAIL: f"emails/{row['send_id']}.eml"}


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        text = json.dumps(value, indent=2, ensure_ascii=False, default=_to_text)
        return f"<pre>{escape(text)}</pre>"
    return escape(_to_text(value))


def _to_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
