"""The body of `POST /v1/emails`: parsed, checked, and turned into a request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import mimetypes
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from ..domain import direct_mail
from ..domain.address import parse_mailbox
from ..domain.direct_mail import Attachment, MailContent, MailRequest
from ..domain.forms import Body, Email, Instant, Text, UserId, describe_invalid
from ..domain.header_text import to_header_line
from ..domain.incoming import MAX_EVENT_BYTES, check_properties, check_text
from ..errors import InvalidInput, TooLarge
from ..ingest.parsing import check_key

__all__ = ["EmailBody", "parse_email_body"]

# A body with the greatest attachments, which base64 makes larger by a third.
MAX_BODY_BYTES = 10 * 1024 * 1024
# The type of a file that is only to be stored.
_ANY_FILE = "application/octet-stream"


def _check_text(text: str) -> str:
    problem = check_text(text)
    if problem:
        raise ValueError(problem)
    return text


def _check_mailbox(text: str) -> str:
    _check_line(text)
    try:
        parse_mailbox(text)
    except ValueError as error:
        raise ValueError(str(error)) from None
    return text.strip()


def _check_line(text: str) -> str:
    if not _check_text(text).isprintable():
        raise ValueError("has a line break or another control character")
    return text


def _to_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=direct_mail.MAX_SUBJECT),
    AfterValidator(_check_text),
]
Content = Annotated[
    str,
    StringConstraints(min_length=1, max_length=direct_mail.MAX_CONTENT),
    AfterValidator(_check_text),
]
Mailbox = Annotated[
    str, StringConstraints(min_length=1, max_length=320), AfterValidator(_check_mailbox)
]
FileName = Annotated[
    str, StringConstraints(min_length=1, max_length=255), AfterValidator(_check_line)
]
_PRINTABLE_TYPE = r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$"


class AttachmentBody(Body):
    """A file of an email."""

    filename: FileName
    content: str
    content_type: Annotated[str, StringConstraints(pattern=_PRINTABLE_TYPE)] = ""


Attachments = Annotated[list[AttachmentBody], Field(max_length=direct_mail.MAX_ATTACHMENTS)]


class EmailBody(Body):
    """The body of `POST /v1/emails` (docs/api.md)."""

    to: Email = ""
    user_id: UserId = ""
    template: Text = ""
    subject: Line = ""
    html: Content = ""
    text: Content = ""
    props: dict[str, Any] = Field(default_factory=dict)
    sensitive_props: Annotated[list[Text], Field(max_length=100)] = Field(default_factory=list)
    keep_content: bool = True
    sender: Annotated[Mailbox, Field(alias="from")] = ""
    reply_to: Annotated[list[Mailbox], Field(max_length=direct_mail.MAX_REPLY_TO)] = Field(
        default_factory=list
    )
    cc: Annotated[list[Mailbox], Field(max_length=direct_mail.MAX_COPIES)] = Field(
        default_factory=list
    )
    bcc: Annotated[list[Mailbox], Field(max_length=direct_mail.MAX_COPIES)] = Field(
        default_factory=list
    )
    headers: Annotated[dict[str, str], Field(max_length=direct_mail.MAX_HEADERS)] = Field(
        default_factory=dict
    )
    attachments: Attachments = Field(default_factory=list[AttachmentBody])
    send_at: Instant = ""
    list_id: Annotated[Text, Field(alias="list")] = ""
    category: Text = ""
    skip_preference_check: bool = False
    idempotency_key: Text = ""

    _lists = field_validator("reply_to", "cc", "bcc", mode="before")(_to_list)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, body: Any) -> Any:
        """Take a field that is null as absent: the values of a product's form often are."""
        if not isinstance(body, dict):
            return body
        fields = cast("dict[str, Any]", body)
        return {name: value for name, value in fields.items() if value is not None}

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            problem = check_text(name + value) or direct_mail.find_header_problem(name, value)
            if problem:
                raise ValueError(f"{name[:100]!r} {problem}")
        if len({name.lower() for name in headers}) < len(headers):
            raise ValueError("names a header twice")
        return headers


def parse_email_body(raw: bytes) -> EmailBody:
    """Parse the body of `POST /v1/emails`.

    Raises:
        InvalidInput: the body is not JSON, or a field is invalid.
    """
    try:
        return EmailBody.model_validate_json(raw)
    except ValidationError as error:
        raise describe_invalid(error) from None


def build_request(body: EmailBody, idempotency_key: str | None) -> MailRequest:
    """Build the request of a body whose fields are valid.

    Args:
        body: the body.
        idempotency_key: the key of the header, which takes precedence over the key of the body.

    Raises:
        InvalidInput: fields contradict each other, or cannot be stored.
        TooLarge: the attachments or the props are larger than their limit.
    """
    _check_fields(body)
    taken = {body.to}
    cc, bcc = _read_copies(body.cc, taken), _read_copies(body.bcc, taken)
    if len(cc) + len(bcc) > direct_mail.MAX_COPIES:
        raise _refuse("cc", f"and bcc have more than {direct_mail.MAX_COPIES} addresses together")
    content = None
    if not body.template:
        content = MailContent(to_header_line(body.subject), body.html, body.text)
    return MailRequest(
        to=body.to or None,
        user_id=body.user_id or None,
        template=body.template,
        content=content,
        subject=to_header_line(body.subject) or None,
        list_id=body.list_id or body.category or None,
        props=body.props,
        sensitive=tuple(dict.fromkeys(body.sensitive_props)),
        sender=body.sender or None,
        reply_to=[parse_mailbox(text) for text in body.reply_to],
        cc=cc,
        bcc=bcc,
        headers=body.headers,
        attachments=_read_attachments(body.attachments),
        send_at=datetime.fromisoformat(body.send_at).astimezone(UTC) if body.send_at else None,
        idempotency_key=check_key(idempotency_key) or body.idempotency_key or None,
        digest=_compute_digest(body),
        keeps_content=body.keep_content,
        skips_consent=body.skip_preference_check,
    )


def _compute_digest(body: EmailBody) -> bytes:
    """Return what two requests have in common that ask for the same email, white space aside."""
    fields = body.model_dump(by_alias=True, exclude_unset=True, exclude={"idempotency_key"})
    text = json.dumps(fields, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _check_fields(body: EmailBody) -> None:
    """Raise if fields contradict each other, or props cannot be stored."""
    if not body.to and not body.user_id:
        raise InvalidInput("to or userId is required")
    if body.template and (body.html or body.text):
        raise _refuse("template", "cannot be given together with html or text")
    if not body.template and not (body.html or body.text):
        raise _refuse("template", "is required, or subject with html or text")
    if not body.template and not to_header_line(body.subject):
        raise _refuse("subject", "is required without a template")
    if body.props and not body.template:
        raise _refuse("props", "are values for a template, and html and text are sent as they are")
    if body.list_id and body.category and body.list_id != body.category:
        raise _refuse("category", "is another name of list; give one of them")
    problem = check_properties(body.props, escapes=True)
    if problem:
        raise _refuse("props", problem)
    size = len(json.dumps(body.props, ensure_ascii=False).encode())
    if size > MAX_EVENT_BYTES:
        raise TooLarge(f"props have {size} bytes as JSON; at most {MAX_EVENT_BYTES} are allowed.")
    if unknown := [name for name in body.sensitive_props if name not in body.props]:
        raise _refuse("sensitiveProps", f"names {unknown[0]!r}, which props lacks")


def _refuse(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}.", details=[{"path": [field], "message": problem}])


def _read_copies(texts: Sequence[str], taken: set[str]) -> list[tuple[str, str]]:
    """Return mailboxes without those whose address gets the email already."""
    mailboxes: list[tuple[str, str]] = []
    for name, address in map(parse_mailbox, texts):
        if address.lower() not in taken:
            taken.add(address.lower())
            mailboxes.append((name, address))
    return mailboxes


def _read_attachments(bodies: Sequence[AttachmentBody]) -> list[Attachment]:
    files: list[Attachment] = []
    for number, body in enumerate(bodies):
        try:
            content = base64.b64decode("".join(body.content.split()), validate=True)
        except (binascii.Error, ValueError):
            problem = "must be base64"
            path: list[object] = ["attachments", number, "content"]
            raise InvalidInput(
                f"attachments.{number}.content {problem}.",
                details=[{"path": path, "message": problem}],
            ) from None
        kind = body.content_type or mimetypes.guess_type(body.filename)[0] or _ANY_FILE
        # These contain other parts, and must not be in base64 (RFC 2046, section 5).
        if kind.lower().startswith(("message/", "multipart/")):
            kind = _ANY_FILE
        files.append(Attachment(body.filename, kind, content))
    size = sum(len(file.content) for file in files)
    if size > direct_mail.MAX_ATTACHMENT_BYTES:
        raise TooLarge(
            f"The attachments have {size} bytes; at most {direct_mail.MAX_ATTACHMENT_BYTES} are "
            "allowed."
        )
    return files
