"""Direct emails: what they have beside their rows in the ledger, and their attachments.

Personal data: in `direct_mails` the columns `sender`, `reply_to`, `cc`, `bcc`, `headers`, `content`
and `secrets`, in `attachments` the columns `filename` and `content`. Both tables name the email by
`send_id`; `sends` has its contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.direct_mail import Attachment, DirectMail, MailContent
from ..domain.ids import new_id
from ..domain.send_policy import PENDING, Send
from .corrupt_rows import parse_object
from .db import Query, Row, Write
from .fields import to_micros
from .json_text import to_json
from .models import AttachmentRow, DirectMailRow
from .rows import RowMapper
from .sends import SENDS
from .stored import Stored, json_list, json_object, optional_json_object


def _read_content(stored: Any) -> MailContent | None:
    return MailContent(**parse_object(stored)) if stored else None


def _write_content(content: MailContent | None) -> str | None:
    return None if content is None else to_json(asdict(content))


_MAILS = RowMapper(
    DirectMail,
    DirectMailRow,
    "d",
    reply_to=json_list(),
    cc=json_list(),
    bcc=json_list(),
    headers=json_object(),
    content=Stored(_read_content, _write_content),
    sensitive=json_list(),
    secrets=optional_json_object(),
    row_id=("send_id",),
)
_NEW = _MAILS.build_write_columns()
_SHOWN = _MAILS.with_expressions(content="NULL", secrets="NULL")


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """A file of a direct email, without its content."""

    position: int
    filename: str
    content_type: str
    size: int


_INFOS = RowMapper(AttachmentInfo, AttachmentRow, row_id=("position",))
# The API takes no images that the HTML shows, so no row has a content id.
_FILES = RowMapper(Attachment, AttachmentRow, row_id=("filename",), content_id="NULL")


class _KeyOwner(NamedTuple):
    send: Send
    digest: bytes | None


_KEY_OWNERS = RowMapper(_KeyOwner, send=SENDS, digest="d.digest")


def _read_key_owner(rows: list[Row]) -> tuple[Send, bytes | None] | None:
    owner = _KEY_OWNERS.read_first(rows)
    return None if owner is None else (owner.send, owner.digest)


def find_by_key(idempotency_key: str) -> Query[tuple[Send, bytes | None] | None]:
    """Query the email that an idempotency key was used for, and the digest of its request.

    The digest is None once retention has removed it, and empty once the email is over and a part of
    it is not kept.
    """
    return Query(
        f"SELECT {_KEY_OWNERS.columns} FROM sends s LEFT JOIN direct_mails d ON d.send_id = s.id "
        "WHERE s.idempotency_key = ?",
        [idempotency_key],
        _read_key_owner,
    )


def set_key(send_id: UUID, idempotency_key: str) -> Write:
    """Give a new email its idempotency key, which no other email may have."""
    return Write("UPDATE sends SET idempotency_key = ? WHERE id = ?", [(idempotency_key, send_id)])


def find(send_ids: Sequence[UUID]) -> Query[dict[UUID, DirectMail]]:
    """Query what direct emails have, by the id of the send; other emails have no row."""
    return Query(
        f"SELECT {_MAILS.columns} FROM direct_mails d WHERE d.send_id IN ?",
        [list(send_ids)],
        _MAILS.read_by("send_id"),
    )


def find_shown(send_id: UUID) -> Query[DirectMail | None]:
    """Query what a direct email has, without its content and its secrets."""
    return Query(
        f"SELECT {_SHOWN.columns} FROM direct_mails d WHERE d.send_id = ?",
        [send_id],
        _SHOWN.read_first,
    )


def insert(mail: DirectMail, attachments: Sequence[Attachment]) -> list[Write]:
    """Add a direct email with its files."""
    at = to_micros(mail.created_at)
    return [
        Write(
            f"INSERT INTO direct_mails ({_NEW.names}) VALUES ({_NEW.placeholders})",
            [_NEW.values(mail)],
        ),
        Write(
            "INSERT INTO attachments (id, send_id, position, filename, content_type, size, "
            "content, created_at) VALUES (?,?,?,?,?,?,?,?)",
            [
                (
                    new_id(mail.created_at),
                    mail.send_id,
                    position,
                    file.filename,
                    file.content_type,
                    len(file.content),
                    file.content,
                    at,
                )
                for position, file in enumerate(attachments)
            ],
        ),
    ]


def find_attachment_infos(send_id: UUID) -> Query[list[AttachmentInfo]]:
    """Query the files of an email, without their content."""
    return Query(
        f"SELECT {_INFOS.columns} FROM attachments WHERE send_id = ? ORDER BY position",
        [send_id],
        _INFOS.read_all,
    )


def find_attachments(send_id: UUID) -> Query[list[Attachment]]:
    """Query the files of an email."""
    return Query(
        f"SELECT {_FILES.columns} FROM attachments WHERE send_id = ? ORDER BY position",
        [send_id],
        _FILES.read_all,
    )


def find_attachment(send_id: UUID, position: int) -> Query[Attachment | None]:
    """Query one file of an email by its place, from 0."""
    return Query(
        f"SELECT {_FILES.columns} FROM attachments WHERE send_id = ? AND position = ?",
        [send_id, position],
        _FILES.read_first,
    )


def forget(send_ids: Iterable[UUID]) -> list[Write]:
    """Remove what must not be kept of emails that have left, or that never will.

    That is the sensitive values with a subject that has one, and of an email whose content is not
    kept also its content, its props, its headers and its files. The digest goes, too: a code of six
    digits could be found by trying all of them.
    """
    ids = [(send_id,) for send_id in send_ids]
    return [
        Write(
            "UPDATE sends SET props = '{}' WHERE id = ? AND EXISTS (SELECT 1 FROM direct_mails d "
            "WHERE d.send_id = sends.id AND NOT d.keeps_content)",
            ids,
        ),
        Write(
            "UPDATE direct_mails SET secrets = NULL, "
            "digest = CASE WHEN keeps_content AND secrets IS NULL THEN digest ELSE ? END, "
            "content = CASE WHEN keeps_content AND secrets IS NULL THEN content END, "
            "reply_to = CASE WHEN keeps_content THEN reply_to ELSE '[]' END, "
            "headers = CASE WHEN keeps_content THEN headers ELSE '{}' END WHERE send_id = ?",
            [(b"", *row) for row in ids],
        ),
        Write(
            "DELETE FROM attachments WHERE send_id = ? AND EXISTS (SELECT 1 FROM direct_mails d "
            "WHERE d.send_id = attachments.send_id AND NOT d.keeps_content)",
            ids,
        ),
    ]


def forget_ended(changed: Iterable[Send]) -> list[Write]:
    """Remove the same of those of some changed emails that are direct and over."""
    ended = [s.id for s in changed if s.enrollment_id is None and s.status not in PENDING]
    return forget(ended) if ended else []
