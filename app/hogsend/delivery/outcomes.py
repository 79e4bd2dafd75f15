"""Decides what happens to a send after an attempt to deliver it; pure functions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ..domain.incoming import Suppress
from ..domain.retry_schedule import retry_at
from ..domain.send_policy import Send
from ..store.sends import attempt
from .providers.port import Accepted, Rejected, TryLater

# How long a mail whose template is missing or broken waits for the next attempt.
MISSING_CONTENT_PAUSE: Final = timedelta(minutes=1)
_IN_DOUBT: Final = "in_doubt"


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The result of one attempt to deliver a send.

    Args:
        send: the row of the ledger as it becomes.
        suppress: the address to suppress, if the attempt showed that it does not exist.
    """

    send: Send
    suppress: Suppress | None = None


def accept(send: Send, now: datetime, provider: str, accepted: Accepted) -> DeliveryOutcome:
    """Record that the provider took the mail.

    Args:
        send: the row, recorded as being handed over.
        now: the present instant.
        provider: the provider's name.
        accepted: the provider's answer.
    """
    sent = replace(
        send,
        status="sent",
        reason=None,
        due_at=None,
        sent_at=now,
        provider=provider,
        provider_id=one_line(accepted.provider_id or "")[:200] or None,
        attempts=_with_attempt(send, now, "accepted", one_line(accepted.reply)),
    )
    return DeliveryOutcome(sent)


def fail(send: Send, now: datetime, reason: str, outcome: str, reply: str) -> DeliveryOutcome:
    """Record that the mail will never leave.

    Args:
        send: the row.
        now: the present instant.
        reason: the reason that screens show.
        outcome: the outcome of the attempt.
        reply: the provider's answer, or what happened.
    """
    attempts = _with_attempt(send, now, outcome, reply)
    return DeliveryOutcome(
        replace(send, status="failed", reason=reason[:200], due_at=None, attempts=attempts)
    )


def reject(
    send: Send, now: datetime, error: Rejected, contact_email: str | None
) -> DeliveryOutcome:
    """Record a permanent refusal; a hard bounce also suppresses the address.

    Args:
        send: the row.
        now: the present instant.
        error: the provider's refusal.
        contact_email: the address that a hard bounce suppresses; None in test mode, where the
            mail does not go to the contact.
    """
    reply = one_line(error.reply)
    if error.kind != "hard_bounce" or contact_email is None:
        return fail(send, now, f"{error.kind}: {reply}", "refused", reply)
    attempts = _with_attempt(send, now, "bounced", reply)
    bounced = replace(send, status="bounced", reason=reply[:200], due_at=None, attempts=attempts)
    return DeliveryOutcome(bounced, Suppress(contact_email, "hard_bounce"))


def defer(send: Send, now: datetime, error: TryLater) -> DeliveryOutcome:
    """Schedule the next attempt at a mail that did not leave; after four days it has failed."""
    return _retry(send, now, "deferred", one_line(error.reply), error.retry_at)


def resolve_doubt(
    send: Send, now: datetime, reply: str, window: timedelta | None
) -> DeliveryOutcome:
    """Decide about a mail that may have left: repeat it where that is harmless.

    Args:
        send: the row, recorded as being handed over.
        now: the present instant.
        reply: what happened.
        window: how long the provider recognizes a repeated send; None if it never does.
    """
    outcome = _retry(send, now, _IN_DOUBT, reply, None)
    again = outcome.send.due_at
    if again is not None and is_repeat_harmless(outcome.send, again, window):
        return outcome
    return leave_in_doubt(send, now, reply)


def leave_in_doubt(send: Send, now: datetime, reply: str) -> DeliveryOutcome:
    """Record a mail that may have left and is not repeated."""
    attempts = _with_attempt(send, now, _IN_DOUBT, reply)
    return DeliveryOutcome(
        replace(send, status="in_doubt", reason=reply[:200], due_at=None, attempts=attempts)
    )


def resolve_interrupted(send: Send, now: datetime, window: timedelta | None) -> Send:
    """Decide about a mail whose worker ended in the middle of the hand-over.

    Args:
        send: the row, recorded as being handed over.
        now: the present instant.
        window: how long the provider recognizes a repeated send; None if it never does.
    """
    reply = "the process ended during the hand-over"
    attempts = _with_attempt(send, send.handed_at or now, _IN_DOUBT, reply)
    tried = replace(send, attempts=attempts)
    if not is_repeat_harmless(tried, now, window):
        return replace(tried, status="in_doubt", reason=reply)
    if send.reason is not None:
        # It was withdrawn during the hand-over.
        return replace(tried, status="cancelled", handed_at=None)
    return replace(tried, status="queued", due_at=now, handed_at=None)


def is_repeat_harmless(send: Send, at: datetime, window: timedelta | None) -> bool:
    """Return whether repeating a mail at an instant cannot deliver it twice.

    Args:
        send: the row; its attempts tell whether and when it may have left.
        at: when the mail is handed over again.
        window: how long the provider recognizes a repeated send; None if it never does.
    """
    doubts = [
        datetime.fromisoformat(tried["at"])
        for tried in send.attempts
        if tried["outcome"] == _IN_DOUBT
    ]
    return not doubts or (window is not None and at - min(doubts) < window)


def wait_for_content(send: Send, now: datetime, reason: str) -> DeliveryOutcome:
    """Let a mail wait for its template: the file may come back, a failed mail would not."""
    again = now + MISSING_CONTENT_PAUSE
    return DeliveryOutcome(replace(send, reason=f"waits: {reason}"[:200], due_at=again))


def wait_for_provider(send: Send, now: datetime) -> DeliveryOutcome:
    """Let a mail wait, without an attempt, for a provider that takes no mail at all."""
    return DeliveryOutcome(replace(send, status="queued", due_at=now, handed_at=None))


def one_line(reply: str) -> str:
    """Return a reply as one line; databases take neither NUL nor lone surrogates."""
    return " ".join(reply.replace("\0", " ").split()).encode("utf-8", "replace").decode()


def _retry(
    send: Send, now: datetime, outcome: str, reply: str, earliest: datetime | None
) -> DeliveryOutcome:
    attempts = _with_attempt(send, now, outcome, reply)
    again = retry_at(len(attempts), send.created_at, now, random.random())  # noqa: S311
    if again is None:
        reason = "refused for four days"
        failed = replace(send, status="failed", reason=reason, due_at=None, attempts=attempts)
        return DeliveryOutcome(failed)
    due_at = again if earliest is None else max(earliest, now)
    return DeliveryOutcome(
        replace(send, status="queued", reason=None, due_at=due_at, attempts=attempts)
    )


def _with_attempt(
    send: Send, at: datetime, outcome: str, reply: str
) -> Sequence[Mapping[str, Any]]:
    return [*send.attempts, attempt(at, outcome, reply)]
