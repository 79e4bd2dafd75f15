"""What a turn does to the outside: mails and events, made here and committed with the turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.ids import new_id
from ..domain.incoming import LONGEST_NAME, IncomingEvent, check_properties, check_text
from ..domain.journal import decode, encode, plain
from ..domain.journey import JOURNEY_LIST, Journey
from ..domain.send_policy import Queue, Send, SendFacts, decide_send, leaves_at
from ..errors import JourneyCodeError
from .requests import SendMail, Trigger
from .turn import TurnEnvironment, TurnInput


def decide_mail(
    key: str,
    request: SendMail,
    *,
    journey: Journey,
    facts: TurnInput,
    sending: SendFacts,
    world: TurnEnvironment,
) -> Send:
    """Make the ledger's row of a `ctx.send`, queued or refused with the reason.

    Args:
        key: its journal key.
        request: what the author asked for.
        journey: whose mail it is.
        facts: whom it goes to.
        sending: whether mail may go there.
        world: what there is to send.

    Raises:
        JourneyCodeError: its template or its list does not exist.
        ValueNotStorable: its props cannot be kept.
    """
    if request.template not in world.templates:
        raise JourneyCodeError(
            f"There is no template {request.template!r}.",
            f"Add journeys/emails/{request.template}.html.",
        )
    own = journey.list_id
    # A template may name a list of its own, for journeys that name none.
    named = world.templates[request.template] if own == JOURNEY_LIST else None
    list_id = request.list_id or named or own
    if list_id not in world.lists:
        raise JourneyCodeError(f"There is no list {list_id!r}.", "Define it in journeys/lists.py.")
    verdict = decide_send(world.lists[list_id], sending, gap=journey.suppress, now=world.now)
    queued = isinstance(verdict, Queue)
    enrollment = facts.enrollment
    return Send(
        id=new_id(world.now),
        contact_id=enrollment.contact_id,
        template=request.template,
        list_id=list_id,
        status="queued" if isinstance(verdict, Queue) else verdict.status,
        created_at=world.now,
        enrollment_id=enrollment.id,
        journey_id=enrollment.journey_id,
        step_key=key,
        reason=None if isinstance(verdict, Queue) else verdict.reason,
        to_email=sending.email,
        address=request.to,
        subject=request.subject,
        props=decode(encode(request.props)),
        due_at=leaves_at(journey, facts.contact.properties, world.now) if queued else None,
    )


def verdict_of(send: Send) -> dict[str, Any]:
    """Return what the journal keeps of a send."""
    answer: dict[str, Any] = {"status": send.status, "sendId": str(send.id)}
    return answer | ({"reason": send.reason} if send.reason else {})


def make_event(
    request: Trigger, event_id: UUID, enrollment: Enrollment, depth: int
) -> IncomingEvent:
    """Make the fact that a `ctx.trigger` is, within the limits of every event.

    Args:
        request: what the author asked for.
        event_id: the id it gets.
        enrollment: who triggers it.
        depth: how many causes it is away from the outside.

    Raises:
        JourneyCodeError: its name or properties are past a limit.
        ValueNotStorable: its properties are not JSON.
    """
    name, properties = request.event, _properties(request.properties)
    problem = check_text(name) or check_properties(properties, escapes=True)
    if not 0 < len(name) <= LONGEST_NAME:
        problem = f"has a name that is not 1 to {LONGEST_NAME} characters long"
    if problem:
        raise JourneyCodeError(f"The event {name[:60]!r} {problem}.")
    return IncomingEvent(
        name=name,
        contact_id=enrollment.contact_id,
        properties=properties,
        source="journey",
        cause_id=enrollment.id,
        depth=depth,
        event_id=event_id,
    )


def _properties(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in decode(encode(given)).items()}
