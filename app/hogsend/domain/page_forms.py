"""The verdict whether a person submitted a form of a public page, or a program that scans mail.

Scanners follow the links of a mail as it is delivered, and some submit the forms of the pages. They
have the same links as the recipient, so only when and how a form comes tells them apart. A wrong
verdict costs a person one more press of a button, and never more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from .engagement import judge_request

# A scanner is at work in the first minute after the hand-over.
SCAN_TIME = timedelta(seconds=60)
# Nobody reads a page and presses a button in less time than this.
READING_TIME = timedelta(seconds=1)
# Nobody reads the question whether it was they in less time than this.
ANSWER_TIME = timedelta(seconds=2)
# Submissions of as many different forms of a mail within this time come from a program.
MANY_FORMS, MANY_FORMS_TIME = 3, timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class FormToken:
    """When the page of a form was shown.

    Args:
        shown_at: when it was shown.
        asks_again: whether the page asks to press a button again.
    """

    shown_at: datetime
    asks_again: bool


def is_by_person(
    token: FormToken | None,
    agent: str,
    now: datetime,
    *,
    sent_at: datetime | None,
    forms: Collection[str],
) -> bool:
    """Return whether a person submitted a form; otherwise they are asked to press a button again.

    Args:
        token: the signed token of the form; None when it has none, or another page's.
        agent: the User-Agent header.
        now: the current time.
        sent_at: when the mail with the link was handed over; None when the link was in none.
        forms: the different forms of this mail that were submitted lately, this one included.
    """
    if token is None:
        return False
    age = now - token.shown_at
    if token.asks_again:
        # Only a person reads the question before answering it, so nothing else counts.
        return age >= ANSWER_TIME
    if sent_at is not None and now - sent_at < SCAN_TIME:
        return False
    if judge_request("click", "POST", agent) == "machine" or len(forms) >= MANY_FORMS:
        return False
    return age >= READING_TIME
