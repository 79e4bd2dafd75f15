"""What a mail that came back says: the values that all formats are read into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# `refused` is a failure whose cause is not known.
ReportKind = Literal[
    "hard", "soft", "content", "policy", "refused", "delayed", "delivered", "complaint"
]
# The longest address that is stored.
MAX_ADDRESS = 320
ReadingKind = Literal["bounce", "complaint", "auto_reply", "other"]


@dataclass(frozen=True, slots=True)
class MailReport:
    """What happened to a mail for one recipient.

    Args:
        kind: `hard`: the address does not exist; `soft`: its mailbox is full, or its server could
            not be reached for days; `content` and `policy`: the mail, or its sender, is refused;
            `delayed`: the server still tries; `complaint`: the recipient calls the mail spam.
        recipient: the address that the report names; empty if it names none.
        code: the enhanced status code (RFC 3463), such as `5.1.1`.
        reply: the words of the server, on one line.
    """

    kind: ReportKind
    recipient: str = ""
    code: str | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail is.

    Args:
        kind: a report of a server (`bounce`, which may say that a mail is delayed or delivered),
            a complaint, an automatic reply such as that of someone on vacation, or another mail.
        reports: one for each recipient of a bounce or a complaint; otherwise none.
    """

    kind: ReadingKind
    reports: Sequence[MailReport] = ()


AUTO_REPLY, OTHER = Reading("auto_reply"), Reading("other")
