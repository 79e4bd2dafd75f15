"""Direct emails: those that a product, or a person, asks for without a journey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final, Literal
from uuid import UUID

from .send_policy import Send

# Limits of one email: characters of each text, addresses, headers and files.
MAX_SUBJECT: Final = 500
MAX_CONTENT: Final = 500_000
MAX_COPIES: Final = 50
MAX_REPLY_TO: Final = 10
MAX_HEADERS: Final = 25
MAX_HEADER_NAME: Final = 76
MAX_HEADER_VALUE: Final = 900
MAX_ATTACHMENTS: Final = 20
MAX_ATTACHMENT_BYTES: Final = 7 * 1024 * 1024
# A caller's clock may be behind ours by this much.
MAX_PAST: Final = timedelta(seconds=60)

# What replaces a sensitive value wherever an email is shown or stored after it has left.
MASK: Final = "•••"
NOT_KEPT: Final = "(content not kept)"

# Headers that the email has anyway, or that would change who gets it, who sent it or how it is
# read. Each prefix stands for all headers that begin with it.
_RESERVED_HEADERS: Final = frozenset(
    (
        "apparently-to",
        "authentication-results",
        "bcc",
        "cc",
        "date",
        "delivered-to",
        "disposition-notification-to",
        "errors-to",
        "feedback-id",
        "from",
        "message-id",
        "mime-version",
        "precedence",
        "received",
        "received-spf",
        "reply-to",
        "return-path",
        "return-receipt-to",
        "sender",
        "subject",
        "to",
    )
)
_RESERVED_PREFIXES: Final = ("arc-", "content-", "dkim-", "domainkey-", "list-", "resent-")

CallerStatus = Literal["sent", "suppressed", "unsubscribed", "skipped"]
_UNSUBSCRIBED: Final = ("unsubscribed_from_everything", "unsubscribed_from_list")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is attached to a mail.

    Args:
        filename: the name that recipients see.
        content_type: such as `application/pdf`.
        content: the file's bytes.
        content_id: the name by which the HTML shows an image, as `cid:` and this id; None for a
            file that recipients see beside the mail.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class MailContent:
    """The content of an email without a template, which is sent as it is.

    Args:
        subject: the subject.
        html: the HTML part; empty for an email that is plain text only.
        text: the plain part; empty to make it from the HTML.
    """

    subject: str
    html: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """A request to send one email.

    Args:
        to: the address that the email goes to; None for the address of the contact `user_id`.
        user_id: the contact's id in the product, used without `to` only.
        template: the key of the template; empty when the email has content of its own.
        content: the content of an email without a template.
        subject: replaces the template's subject.
        list_id: the list that the email belongs to; None for the template's, or else the
            transactional one.
        props: values for the template.
        sensitive: the names of the props whose values are removed once the email has left.
        sender: the From header, instead of the template's.
        reply_to: mailboxes for replies, as pairs of name and address.
        cc: mailboxes that get a copy and are named, as pairs of name and address.
        bcc: mailboxes that get a copy and are not named, as pairs of name and address.
        headers: further headers.
        attachments: the files.
        send_at: when the email is due; None for now.
        idempotency_key: a second request with the same key sends nothing.
        digest: the digest of the request, to detect the same key with another request.
        keeps_content: whether the email can be read after it has left.
        skips_consent: whether the email goes to a contact who has unsubscribed, too.
    """

    to: str | None = None
    user_id: str | None = None
    template: str = ""
    content: MailContent | None = None
    subject: str | None = None
    list_id: str | None = None
    props: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sensitive: Sequence[str] = ()
    sender: str | None = None
    reply_to: Sequence[Sequence[str]] = ()
    cc: Sequence[Sequence[str]] = ()
    bcc: Sequence[Sequence[str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    attachments: Sequence[Attachment] = ()
    send_at: datetime | None = None
    idempotency_key: str | None = None
    digest: bytes = b""
    keeps_content: bool = True
    skips_consent: bool = False


@dataclass(frozen=True, slots=True)
class DirectMail:
    """What a direct email has beside its row in the ledger; see `MailRequest`.

    Args:
        send_id: the email's row in the ledger.
        secrets: the values of the sensitive props; None once the email has left.
        attachments: how many files are attached.
    """

    send_id: UUID
    digest: bytes
    created_at: datetime
    sender: str | None = None
    reply_to: Sequence[Sequence[str]] = ()
    cc: Sequence[Sequence[str]] = ()
    bcc: Sequence[Sequence[str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: MailContent | None = None
    sensitive: Sequence[str] = ()
    secrets: Mapping[str, Any] | None = None
    keeps_content: bool = True
    skips_consent: bool = False
    attachments: int = 0

    @property
    def is_private(self) -> bool:
        """Whether a part of the email must not be readable after it has left."""
        return bool(self.sensitive) or not self.keeps_content

    @property
    def copies(self) -> list[str]:
        """The addresses that get a copy."""
        return [address for _, address in (*self.cc, *self.bcc)]

    def add_secrets(self, props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return props of the ledger with the sensitive values in place of their masks."""
        return {**props, **self.secrets} if self.secrets else props


def split_props(
    props: Mapping[str, Any], sensitive: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return props with masks in place of sensitive values, and the sensitive values.

    A prop that repeats a sensitive text, such as a link with the code that another prop has, is
    sensitive, too.

    Args:
        props: the values for the template.
        sensitive: the names of the props that are sensitive; absent ones are ignored.
    """
    secrets = {name: props[name] for name in sensitive if name in props}
    if texts := _list_texts(secrets):
        secrets |= {name: value for name, value in props.items() if _has_text(value, texts)}
    return {**props, **{name: mask_value(value) for name, value in secrets.items()}}, secrets


def mask_value(value: Any) -> Any:
    """Return a mask for a value; an object's names may be as sensitive as its values."""
    return value if value is None or isinstance(value, bool) else MASK


def has_secret(text: str, secrets: Mapping[str, Any]) -> bool:
    """Return whether a text has a sensitive value, also one that is escaped as in HTML."""
    return any(value in text or escape(value) in text for value in _list_texts(secrets))


def mask_secrets(text: str, secrets: Mapping[str, Any]) -> str:
    """Return a text, such as an error, in which sensitive values are masked."""
    for value in sorted(_list_texts(secrets), key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _list_texts(value: Any) -> set[str]:
    """Return the texts of a value that are long enough to stand out from other text."""
    if isinstance(value, Mapping):
        items: list[Any] = list(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    elif isinstance(value, list):
        items = value  # pyright: ignore[reportUnknownVariableType]
    else:
        text = "" if value is None or isinstance(value, bool) else str(value)
        return {text} if len(text) > 3 else set()
    return set[str]().union(*map(_list_texts, items))


def _has_text(value: Any, texts: set[str]) -> bool:
    """Return whether a value, or a part of it, has one of some texts, names included."""
    if isinstance(value, Mapping):
        return any(_has_text(part, texts) for item in value.items() for part in item)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return any(_has_text(part, texts) for part in value)  # pyright: ignore[reportUnknownVariableType]
    return any(text in str(value) for text in texts)


def find_header_problem(name: str, value: str) -> str | None:
    """Return why an email cannot have a header of its caller; None when it can."""
    known = name.lower()
    is_name = name.isascii() and all(c.isalnum() or c == "-" for c in name)
    if not is_name or not 0 < len(name) <= MAX_HEADER_NAME:
        return "is not the name of a header: use letters, digits and hyphens"
    if known in _RESERVED_HEADERS or known.startswith(_RESERVED_PREFIXES):
        return "is set by Hogsend, or by a field of its own"
    if not value.isprintable():
        return "has a line break or another control character"
    if not value.strip() or len(value) > MAX_HEADER_VALUE:
        return f"must have 1 to {MAX_HEADER_VALUE} characters"
    return None


def describe_for_caller(send: Send) -> tuple[CallerStatus, str | None]:
    """Return the status and the reason of a direct email in the words of the API.

    An email is `sent` once the ledger has it and nothing refuses it.
    """
    if send.status == "suppressed":
        return "suppressed", send.reason
    if send.status == "skipped":
        is_unsubscribed = send.reason in _UNSUBSCRIBED
        return "unsubscribed" if is_unsubscribed else "skipped", send.reason
    return "sent", None
