"""Checks the subject, the preheader, the plain part and the weight of a mail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .finding import CheckedMail, Finding

# Gmail shows less of an HTML part than this, and a link to the remaining mail.
CLIPPING_BYTES: Final = 102 * 1024
MAX_PREHEADER_LENGTH: Final = 150
_FEWEST_CAPITALS = 5
_FAKE_PREFIXES = ("re:", "fw:", "fwd:", "aw:", "wg:", "sv:", "tr:")


def check_words(mail: CheckedMail) -> Iterator[Finding]:
    """Yield what is wrong with the texts of a mail."""
    yield from _check_subject(mail.subject)
    yield from _check_preheader(mail.preheader)
    if not mail.text.strip():
        yield Finding(
            "text",
            "error",
            "The plain-text part is empty.",
            "Write text in the mail, or a .txt file.",
        )
    if mail.weight > CLIPPING_BYTES:
        yield Finding(
            "weight",
            "error",
            f"The HTML has {mail.weight / 1024:.0f} KB, and Gmail cuts mails at 102 KB.",
            "Shorten the mail, or move styles and repeated markup out of it.",
        )


def _check_subject(subject: str) -> Iterator[Finding]:
    letters = [character for character in subject if character.isalpha()]
    if len(letters) >= _FEWEST_CAPITALS and subject.isupper():
        yield Finding(
            "subject", "warning", "The subject is all capitals.", "Write it as a sentence.", subject
        )
    if subject.casefold().startswith(_FAKE_PREFIXES):
        yield Finding(
            "subject",
            "warning",
            "The subject looks like a reply or a forwarded mail.",
            f"Leave out “{subject.split(':')[0]}:”.",
            subject,
        )
    if "!!" in subject or "$$" in subject:
        yield Finding(
            "subject",
            "warning",
            "The subject repeats a sign that filters take for advertising.",
            "Write at most one of it.",
            subject,
        )


def _check_preheader(preheader: str | None) -> Iterator[Finding]:
    if not preheader:
        yield Finding(
            "preheader",
            "warning",
            "There is no preheader, so mail programs show the first words of the mail.",
            "Add preheader to the front matter.",
        )
    elif len(preheader) > MAX_PREHEADER_LENGTH:
        yield Finding(
            "preheader",
            "warning",
            f"The preheader has {len(preheader)} characters; "
            f"mail programs show at most {MAX_PREHEADER_LENGTH}.",
            "Shorten it.",
            preheader,
        )
