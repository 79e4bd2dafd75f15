"""Decides whether too much of a sender's mail bounces or is reported as spam."""

from __future__ import annotations

from dataclasses import dataclass

from .sending_policy import SendingPolicy


@dataclass(frozen=True, slots=True)
class SenderFigures:
    """The outcomes of a sender's recent mail.

    Args:
        sent: the mails that providers accepted.
        bounced: those that bounced.
        complained: those that recipients reported as spam.
    """

    sent: int
    bounced: int
    complained: int


def decide_stop(policy: SendingPolicy, figures: SenderFigures) -> str | None:
    """Return why the mail of a sender must stop; None when it need not.

    Args:
        policy: has the greatest shares.
        figures: the outcomes of the mail.
    """
    # A mail that the server refused at once was never accepted.
    total = max(figures.sent, figures.bounced)
    if total < policy.min_sample:
        return None
    if figures.bounced / total > policy.max_bounce_rate:
        return f"{figures.bounced} of {total} mails bounced, {figures.bounced / total:.1%}"
    if figures.complained / total > policy.max_complaint_rate:
        share = figures.complained / total
        return f"{figures.complained} of {total} mails were reported as spam, {share:.2%}"
    return None
