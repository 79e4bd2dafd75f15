"""What a mail becomes after a try to hand it over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..domain.send_policy import Send
from ..store import sends
from .ledger import HandoverOutcome
from .providers.port import Accepted


def settled_one(send: Send, now: datetime, *, remembered: bool) -> Send:
    """Return what a mail becomes whose worker ended in the middle of its hand-over.

    Args:
        send: as it was marked.
        now: the present instant.
        remembered: whether the provider knows again what it took, so that repeating is harmless;
            else it may have left, is in doubt, and is never repeated blindly.
    """
    if remembered and send.reason is not None:
        # It was withdrawn while it was being handed over.
        return replace(send, status="cancelled", handed_at=None)
    if remembered:
        return replace(send, status="queued", due_at=now, handed_at=None)
    reply = "the process ended during the hand-over"
    tried = [*send.attempts, sends.attempt(now, "in_doubt", reply)]
    return replace(send, status="in_doubt", reason=reply, attempts=tried)


def sent(row: Send, now: datetime, provider: str, accepted: Accepted) -> HandoverOutcome:
    """Return what a mail becomes that the provider has taken.

    Args:
        row: as it was marked.
        now: the present instant.
        provider: the provider's name.
        accepted: what it said.
    """
    tried = [*row.attempts, sends.attempt(now, "accepted", line(accepted.reply))]
    return HandoverOutcome(
        replace(
            row,
            status="sent",
            reason=None,
            due_at=None,
            sent_at=now,
            provider=provider,
            provider_id=line(accepted.provider_id or "")[:200] or None,
            attempts=tried,
        )
    )


def failed(send: Send, now: datetime, reason: str, outcome: str, reply: str) -> HandoverOutcome:
    """Return what a mail becomes that will never leave.

    Args:
        send: as it stands.
        now: the present instant.
        reason: why, as screens show it.
        outcome: how the try is recorded.
        reply: what was said.
    """
    tried = [*send.attempts, sends.attempt(now, outcome, reply)]
    return HandoverOutcome(
        replace(send, status="failed", reason=reason, due_at=None, attempts=tried)
    )


def in_doubt(send: Send, now: datetime, reply: str) -> HandoverOutcome:
    """Return what a mail becomes that may have left, and is not repeated."""
    tried = [*send.attempts, sends.attempt(now, "in_doubt", reply)]
    return HandoverOutcome(
        replace(send, status="in_doubt", reason=reply[:200], due_at=None, attempts=tried)
    )


def line(reply: str) -> str:
    """Return what a provider said as one line; databases take neither NUL nor lone surrogates."""
    one = " ".join(reply.replace("\0", " ").split())
    return one.encode("utf-8", "replace").decode()
