"""The shipped journeys, walked to the end by people who do different things."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from hogsend import Context, days
from hogsend.delivery.render import Renderer
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import Tokens
from hogsend.domain.contact import Contact
from hogsend.domain.event import Event
from hogsend.domain.sending import Send
from hogsend.turns.loader import load
from hogsend.turns.requests import Leave, Look, Note, Request, SendMail, Sleep, Trigger, WaitFor

FOLDER = Path(__file__).parents[2] / "journeys"
REGISTRY = load(FOLDER)
RENDERER = Renderer(
    Templates.load(FOLDER, REGISTRY.lists),
    REGISTRY.lists,
    Tokens(["a secret"]),
    base_url="https://mail.example.net",
    sender="Acme <post@example.com>",
)
START = datetime(2026, 5, 1, 9, tzinfo=UTC)
ADA = Contact(UUID(int=1), email="ada@example.com")


@dataclass
class Person:
    """Somebody in a journey.

    Args:
        does: the event that each wait finds, by the wait's label, with its properties.
        past: what a look at history or consent answers, by kind.
        arm: the arm of a variant.
    """

    does: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    past: dict[str, Any] = field(default_factory=dict)
    arm: str = "plain"
    now: datetime = START
    got: list[tuple[int, str]] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    triggered: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def walk(self, journey_id: str, **properties: Any) -> list[tuple[int, str]]:
        """Play a journey at once; return the day and template of each mail."""
        event = Event(UUID(int=2), "trigger", properties)
        play = REGISTRY.functions[journey_id](ADA, Context(event, UUID(int=3)))
        coroutine = cast("Coroutine[Request, Any, None]", play)
        answer: Any = None
        try:
            while not isinstance(request := coroutine.send(answer), Leave):
                answer = self._answer(request, journey_id, event)
            coroutine.close()
        except StopIteration:
            pass
        return self.got

    def _answer(self, request: Request, journey_id: str, event: Event) -> Any:
        answer: Any = None
        match request:
            case Sleep():
                ends = request.until
                self.now = self.now + ends if isinstance(ends, timedelta) else ends
            case WaitFor():
                answer = self._wait(request)
            case SendMail():
                answer = self._mail(request, journey_id, event)
            case Trigger():
                self.triggered.append((request.event, dict(request.properties)))
                answer = str(UUID(int=4))
            case Look():
                answer = self.past[request.kind]
            case Note():
                answer = {"now": self.now, "variant": self.arm}.get(request.kind)
            case _:
                raise AssertionError(f"no answer to {request}")
        return answer

    def _wait(self, request: WaitFor) -> dict[str, Any] | None:
        assert request.timeout is not None
        name, properties = self.does.get(request.label, ("", {}))
        if any(match.matches(name, properties, self.now) for match in request.matches):
            self.now += days(1)
            return {"id": str(UUID(int=5)), "name": name, "properties": properties}
        self.now += request.timeout
        return None

    def _mail(self, request: SendMail, journey_id: str, event: Event) -> dict[str, Any]:
        send = Send(
            id=UUID(int=6),
            contact_id=ADA.id,
            template=request.template,
            list_id=request.list_id or REGISTRY.journeys[journey_id].list_id,
            status="queued",
            created_at=self.now,
            subject=request.subject,
            props=request.props,
        )
        self.subjects.append(RENDERER.render(send, ADA, event, self.now).subject)
        self.got.append(((self.now - START).days, request.template))
        return {"status": "queued", "sendId": str(send.id)}


def test_activation_nudges_the_quiet_and_shows_the_plans():
    quiet = Person(past={"has_event": False})
    assert quiet.walk("activation-welcome") == [
        (0, "activation-welcome"),
        (2, "activation-nudge"),
        (9, "activation-plans"),
    ]


def test_activation_leaves_those_alone_who_need_nothing():
    busy = Person(past={"has_event": True}, does={"plan.upgraded": ("plan.upgraded", {})})
    assert busy.walk("activation-welcome") == [(0, "activation-welcome")]


@pytest.mark.parametrize(
    ("uses", "subject"),
    [
        (0, "Halfway through, and there is still time"),
        (12, "Halfway through: here is what you have built"),
    ],
)
def test_a_trial_gets_four_mails_that_fit_its_use(uses: int, subject: str):
    person = Person(past={"count": uses})
    assert person.walk("trial-conversion") == [
        (0, "trial-welcome"),
        (7, "trial-progress"),
        (11, "trial-ending"),
        (15, "trial-ended"),
    ]
    assert person.subjects[1] == subject
    assert person.subjects[2] == "Your trial ends on Friday, 15 May"


def test_an_unpaid_bill_ends_with_an_event():
    person = Person()
    bill = {"amount": 1249, "currency": "EUR", "invoice_id": "2026-0142"}
    assert person.walk("payment-recovery", **bill) == [
        (0, "payment-failed"),
        (3, "payment-reminder"),
        (7, "payment-final"),
    ]
    assert person.triggered == [("payment.unrecovered", {"invoice_id": "2026-0142"})]


def test_a_new_card_gets_a_day_to_be_charged():
    person = Person(does={"new-card": ("payment_method.updated", {})})
    assert person.walk("payment-recovery")[1] == (2, "payment-reminder")


def test_those_who_come_back_are_not_said_goodbye_to():
    person = Person(does={"return": ("feature.used", {})}, arm="question")
    assert person.walk("win-back") == [(0, "win-back-hello")]
    assert person.subjects == ["Could we show you what has changed?"]


@pytest.mark.parametrize(("subscribed", "last"), [(True, "win-back-goodbye"), (False, None)])
def test_goodbye_is_said_to_those_who_are_still_on_the_list(subscribed: bool, last: str | None):
    person = Person(past={"is_subscribed": subscribed})
    expected = [(0, "win-back-hello"), (10, last)] if last else [(0, "win-back-hello")]
    assert person.walk("win-back") == expected


@pytest.mark.parametrize(
    ("score", "subject", "triggered"),
    [
        (10, "Thank you! May we ask a small favour?", []),
        (8, None, []),
        (3, "Thank you for being frank", [("feedback.unhappy", {"score": 3, "order": "A-1"})]),
        ("x", None, []),
    ],
)
def test_thanks_fit_the_answer(score: Any, subject: str | None, triggered: list[Any]):
    person = Person(does={"answer": ("feedback.given", {"score": score})})
    person.walk("feedback", order_id="A-1")
    assert person.subjects[1:] == ([subject] if subject else [])
    assert person.triggered == triggered


def test_those_who_say_nothing_are_asked_twice_and_no_more():
    assert Person().walk("feedback") == [(3, "feedback-ask"), (7, "feedback-reminder")]
