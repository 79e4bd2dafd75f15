"""What a check of a template has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a template.

    Args:
        check: the name of the check, such as `link`.
        level: an error harms the mail or its recipients; a warning is worth a look.
        problem: what is wrong, in one sentence.
        remedy: what to do about it, in one sentence.
        text: the part of the mail that shows where it is, if there is one.
        file: relative to the journeys' folder.
        line: the line in the file; 0 when unknown.
    """

    check: str
    level: Level
    problem: str
    remedy: str
    text: str = ""
    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """The file, with the line if it is known."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class CheckedMail:
    """A mail as the checks see it.

    Args:
        subject: the subject.
        preheader: the text that mail programs show beside the subject; None if there is none.
        html: the HTML part with its links as the author wrote them.
        text: the plain part.
        weight: the bytes of the HTML part as it leaves.
        base_url: the public address of Hogsend, without a trailing slash.
        is_transactional: whether its recipients cannot unsubscribe.
    """

    subject: str
    preheader: str | None
    html: str
    text: str
    weight: int
    base_url: str
    is_transactional: bool


Findings = Sequence[Finding]
