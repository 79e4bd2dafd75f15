"""Which events a digest collects."""

from __future__ import annotations

from ..domain.conditions import All
from ..domain.enrollment import LookBack
from ..domain.event import EventMatch
from .requests import Digest
from .turn import TurnInput


def collected(request: Digest, facts: TurnInput) -> EventMatch:
    """Return which events a digest collects: those like the trigger when it names none."""
    match = request.match or EventMatch(facts.trigger.name)
    if request.where is None:
        return match
    both = request.where if match.where is None else All((match.where, request.where))
    return EventMatch(match.event, both)


def begins_with_trigger(request: Digest, facts: TurnInput, look_back: LookBack) -> bool:
    """Say whether the trigger itself is the first event of a digest.

    It is when the digest names no event and nothing was waited for before it.

    Args:
        request: the digest.
        facts: what its turn starts from.
        look_back: from where it looks back.
    """
    first = look_back.at is None and look_back.event == facts.trigger.id
    return request.match is None and first
