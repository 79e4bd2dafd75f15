"""Decides how an attempt to deliver a send changes its row; pure functions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ..config.author_environment import mask_author_secrets
from ..domain.direct_mail import mask_secrets
from ..domain.incoming import Suppress
from ..domain.retry_schedule import GIVE_UP_AFTER, compute_retry_time, describe_period
from ..domain.send_policy import OnDoubt, Send
from ..store.sends import build_attempt
from .providers.port import Accepted, Rejected, TryLater

# Characters of a provider's reply that are stored.
MAX_REPLY_LENGTH: Final = 1000
# How often a mail is sent again whose template says `on_doubt: resend`; then it fails.
MAX_RESENDS: Final = 3
DROPPED: Final = "may or may not have left"
_IN_DOUBT: Final = "in_doubt"
# The outcome of an attempt that a provider asked to repeat later.
DEFERRED: Final = "deferred"
# Why a mail waits that has its place in a spread.
PACED: Final = "paced"
_BLOCKED: Final = "blocked"


@dataclass(frozen=True, slots=True)
class Block:
    """Why a mail cannot be made.

    Args:
        version: the version of the template that has failed.
        facts: the values that the template had.
    """

    version: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The result of one attempt to deliver a send.

    Args:
        send: the changed row of the ledger.
        suppress: the address to suppress, if the attempt showed that the address does not exist.
        block: why the mail cannot be made, if it is blocked.
        soft_bounced: the address whose mailbox was full.
        sender: the domain of the sender, if the mail was made.
    """

    send: Send
    suppress: Suppress | None = None
    block: Block | None = None
    soft_bounced: str | None = None
    sender: str | None = None

    @property
    def is_bounce(self) -> bool:
        """Whether the attempt was a bounce, which may become an event."""
        return self.suppress is not None or self.soft_bounced is not None


def accept(send: Send, now: datetime, provider: str, accepted: Accepted) -> DeliveryOutcome:
    """Return the outcome of a mail that the provider accepted.

    Args:
        send: the row, recorded as being handed over.
        now: the current time.
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
        provider_id=to_one_line(accepted.provider_id or "")[:200] or None,
        attempts=_add_attempt(send, now, "accepted", to_one_line(accepted.reply)),
    )
    return DeliveryOutcome(sent)


def fail(send: Send, now: datetime, reason: str, outcome: str, reply: str) -> DeliveryOutcome:
    """Return the outcome of a mail that will never leave.

    Args:
        send: the row.
        now: the current time.
        reason: the reason that the dashboard shows.
        outcome: the outcome of the attempt.
        reply: the provider's answer, or what happened.
    """
    attempts = _add_attempt(send, now, outcome, reply)
    return DeliveryOutcome(
        replace(send, status="failed", reason=reason[:200], due_at=None, attempts=attempts)
    )


def reject(
    send: Send, now: datetime, error: Rejected, contact_email: str | None
) -> DeliveryOutcome:
    """Return the outcome of a permanent refusal; a hard bounce also suppresses the address.

    Args:
        send: the row.
        now: the current time.
        error: the provider's refusal.
        contact_email: the address that a hard bounce suppresses; None in test mode, where the
            mail does not go to the contact.
    """
    reply = to_one_line(error.reply)
    if error.kind != "hard_bounce" or contact_email is None:
        return fail(send, now, f"{error.kind}: {reply}", "refused", reply)
    attempts = _add_attempt(send, now, "bounced", reply)
    bounced = replace(send, status="bounced", reason=reply[:200], due_at=None, attempts=attempts)
    return DeliveryOutcome(bounced, Suppress(contact_email, "hard_bounce"))


def defer(
    send: Send,
    now: datetime,
    error: TryLater,
    contact_email: str | None = None,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> DeliveryOutcome:
    """Schedule the next attempt at a mail that did not leave; after a while the mail fails.

    Args:
        send: the row.
        now: the current time.
        error: the provider's refusal.
        contact_email: the address whose soft bounces are counted; None in test mode.
        give_up_after: for how long the provider's mails are tried again.
    """
    reply = to_one_line(error.reply)
    outcome = "soft bounce" if error.soft_bounce else DEFERRED
    retried = _retry(
        send, now, outcome, reply, retry_at=error.retry_at, give_up_after=give_up_after
    )
    if not error.soft_bounce:
        return retried
    bounced = replace(retried, soft_bounced=contact_email)
    if retried.send.status != "failed":
        return bounced
    reason = f"the mailbox was full for {describe_period(give_up_after)}: {reply}"[:200]
    return replace(bounced, send=replace(retried.send, reason=reason))


def resolve_doubt(
    send: Send, now: datetime, reply: str, window: timedelta | None, on_doubt: OnDoubt = "ask"
) -> DeliveryOutcome:
    """Decide about a mail that may have left: queue it again if a repeat is harmless.

    Args:
        send: the row, recorded as being handed over.
        now: the current time.
        reply: what happened, for people to read.
        window: how long the provider recognizes a repeated send; None if it never does.
        on_doubt: what happens if a repeat is not harmless.
    """
    outcome = _retry(send, now, _IN_DOUBT, reply)
    repeat_at = outcome.send.due_at
    if repeat_at is not None and is_repeat_harmless(outcome.send, repeat_at, window):
        return outcome
    return leave_in_doubt(send, now, reply, on_doubt)


def leave_in_doubt(
    send: Send, now: datetime, reply: str, on_doubt: OnDoubt = "ask"
) -> DeliveryOutcome:
    """Return the outcome of a mail that may have left and is not known to be repeatable.

    Args:
        send: the row.
        now: the current time.
        reply: what happened, for people to read.
        on_doubt: what the mail's template says about it.
    """
    attempts = _add_attempt(send, now, _IN_DOUBT, reply)
    doubtful = replace(send, status="in_doubt", reason=reply[:200], due_at=None, attempts=attempts)
    return DeliveryOutcome(_apply_on_doubt(doubtful, now, on_doubt))


def _apply_on_doubt(send: Send, now: datetime, on_doubt: OnDoubt) -> Send:
    """Return a mail in doubt as its template wants it: as it is, queued again, or failed."""
    doubts = sum(attempt["outcome"] == _IN_DOUBT for attempt in send.attempts)
    if on_doubt == "drop" or (on_doubt == "resend" and doubts > MAX_RESENDS):
        reason = f"{DROPPED}: {send.reason}"[:200]
        return replace(send, status="failed", reason=reason, due_at=None, handed_at=None)
    if on_doubt == "resend":
        return replace(send, status="queued", reason=None, due_at=now, handed_at=None)
    return send


def resolve_interrupted(
    send: Send, now: datetime, window: timedelta | None, on_doubt: OnDoubt = "ask"
) -> Send:
    """Decide about a mail whose worker ended in the middle of the hand-over.

    Args:
        send: the row, recorded as being handed over.
        now: the current time.
        window: how long the provider recognizes a repeated send; None if it never does.
        on_doubt: what the mail's template says about it.
    """
    reply = "the process ended during the hand-over"
    attempts = _add_attempt(send, send.handed_at or now, _IN_DOUBT, reply)
    interrupted = replace(send, attempts=attempts)
    if not is_repeat_harmless(interrupted, now, window):
        doubtful = replace(interrupted, status="in_doubt", reason=reply)
        # A mail that was withdrawn during the hand-over is not sent again.
        if on_doubt == "resend" and send.reason is not None:
            return doubtful
        return _apply_on_doubt(doubtful, now, on_doubt)
    if send.reason is not None:
        # The mail was withdrawn during the hand-over.
        return replace(interrupted, status="cancelled", handed_at=None)
    return replace(interrupted, status="queued", due_at=now, handed_at=None)


def is_repeat_harmless(send: Send, at: datetime, window: timedelta | None) -> bool:
    """Return whether repeating a mail at an instant cannot deliver it twice.

    Args:
        send: the row, whose attempts say whether and when the mail may have left.
        at: the time of the repeated hand-over.
        window: how long the provider recognizes a repeated send; None if it never does.
    """
    doubts = [
        datetime.fromisoformat(attempt["at"])
        for attempt in send.attempts
        if attempt["outcome"] == _IN_DOUBT
    ]
    return not doubts or (window is not None and at - min(doubts) < window)


def block(send: Send, now: datetime, reason: str, block: Block) -> DeliveryOutcome:
    """Let a mail that cannot be made wait for its template to change, or for an operator.

    Args:
        send: the row.
        now: the current time.
        reason: what is wrong, such as a missing variable.
        block: which version of the template has failed, and with which values.
    """
    reply = reason[:200]
    last = [(attempt["outcome"], attempt["reply"]) for attempt in send.attempts[-1:]]
    is_known = last == [(_BLOCKED, reply)]
    attempts = send.attempts if is_known else _add_attempt(send, now, _BLOCKED, reply)
    blocked = replace(send, status=_BLOCKED, reason=reply, due_at=None, attempts=attempts)
    return DeliveryOutcome(blocked, block=block)


def may_have_left(send: Send) -> bool:
    """Return whether an earlier attempt may have delivered the mail."""
    return any(attempt["outcome"] == _IN_DOUBT for attempt in send.attempts)


def postpone(send: Send, until: datetime, reason: str) -> DeliveryOutcome:
    """Let a mail wait, without counting an attempt.

    Args:
        send: the row.
        until: when it is due again.
        reason: why it waits.
    """
    return DeliveryOutcome(replace(send, status="queued", due_at=until, reason=reason))


def wait_for_provider(send: Send, now: datetime) -> DeliveryOutcome:
    """Let a mail wait, without counting an attempt, for a provider that takes no mail at all."""
    return DeliveryOutcome(replace(send, status="queued", due_at=now, handed_at=None))


def mask(outcome: DeliveryOutcome, secrets: Mapping[str, Any]) -> DeliveryOutcome:
    """Return an outcome whose texts do not repeat the sensitive values of a direct email."""
    send = outcome.send
    attempts = [
        {**attempt, "reply": mask_secrets(str(attempt["reply"]), secrets)}
        for attempt in send.attempts
    ]
    reason = send.reason and mask_secrets(send.reason, secrets)
    return replace(outcome, send=replace(send, reason=reason, attempts=attempts))


def to_one_line(reply: str) -> str:
    """Return a reply as one line, without the NUL and lone surrogates that databases reject.

    A line that is longer than `MAX_REPLY_LENGTH` is cut, and the author's secrets are masked: the
    errors of a provider of the author's own may have them.
    """
    reply = mask_author_secrets(reply)
    line = " ".join(reply[: 2 * MAX_REPLY_LENGTH].replace("\0", " ").split())
    return line[:MAX_REPLY_LENGTH].encode("utf-8", "replace").decode()


def _retry(
    send: Send,
    now: datetime,
    outcome: str,
    reply: str,
    *,
    retry_at: datetime | None = None,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> DeliveryOutcome:
    attempts = _add_attempt(send, now, outcome, reply)
    count, began_at = _measure_attempts(attempts)
    chance = random.random()  # noqa: S311
    scheduled_at = compute_retry_time(count, began_at, now, chance, give_up_after)
    if scheduled_at is None:
        reason = f"refused for {describe_period(give_up_after)}"
        failed = replace(send, status="failed", reason=reason, due_at=None, attempts=attempts)
        return DeliveryOutcome(failed)
    due_at = scheduled_at if retry_at is None else max(retry_at, now)
    return DeliveryOutcome(
        replace(send, status="queued", reason=None, due_at=due_at, attempts=attempts)
    )


def _measure_attempts(attempts: Sequence[Mapping[str, Any]]) -> tuple[int, datetime]:
    """Return how many attempts to hand over a mail there were, and when they began.

    A mail may wait for days for its place, and while it was blocked nobody was asked to take it, so
    neither counts.
    """
    since = attempts
    for position in range(len(attempts) - 1, -1, -1):
        if attempts[position]["outcome"] == _BLOCKED:
            since = attempts[position + 1 :]
            break
    return len(since), datetime.fromisoformat(since[0]["at"])


def _add_attempt(send: Send, at: datetime, outcome: str, reply: str) -> Sequence[Mapping[str, Any]]:
    return [*send.attempts, build_attempt(at, outcome, reply)]
