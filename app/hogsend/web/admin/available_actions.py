"""What an operator may do to someone in a journey, or to everyone in a state: said beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...domain.enrollment import Enrollment
from ...services.enrollments import ActionName
from .. import formatting


@dataclass(frozen=True, slots=True)
class AvailableAction:
    """An act that is offered, and what it will do.

    Args:
        act: which.
        title: what opens the question.
        says: what will happen.
        sure: what the button says that does it.
        harsh: whether it ends something.
        reason: whether it asks for a reason.
    """

    act: ActionName
    title: str
    says: str
    sure: str
    harsh: bool = False
    reason: bool = False


# By state, in the order in which they are shown.
ACTS: Mapping[str, Sequence[ActionName]] = {
    "active": ("exit",),
    "waiting": ("exit",),
    "parked": ("exit",),
    "drifted": ("exit", "restart", "continue"),
    "failed": ("retry",),
}
# States whose people are dealt with together.
TOGETHER = ("failed", "drifted", "parked")

_TITLES: Mapping[ActionName, str] = {
    "exit": "Exit",
    "restart": "Restart",
    "continue": "Continue",
    "retry": "Retry",
    "wake": "Wake now",
}


def _says(act: ActionName, who: str, one: bool) -> str:
    goes, gets, leaves = ("goes", "gets", "leaves") if one else ("go", "get", "leave")
    if act == "continue":
        return (
            f"{who} {goes} on now, with the code as it is, as if the wait that is gone were over. "
            "What is recorded is not done again; whatever else the code asks for is done."
        )
    if act == "restart":
        return (
            f"{who} {goes} back to the beginning, with the same trigger, and {gets} the "
            "journey's mails again. Its guards are asked anew: whom they refuse stays drifted."
        )
    if act == "retry":
        return (
            f"{who} {goes} on where the turn failed, now, with the code as it is. What earlier "
            "turns did is not done again. Where an event that ends the journey has come since, "
            "it ends now."
        )
    return (
        f"{who} {leaves} this journey at once. Mails of it that have not left are cancelled. "
        "This cannot be undone."
    )


def for_one(enrollment: Enrollment, label: str) -> list[AvailableAction]:
    """Return what is offered for one enrollment.

    Args:
        enrollment: as it stands.
        label: what its contact is called.
    """
    return [
        _offer(act, _TITLES[act], _says(act, label, True), "1 person")
        for act in ACTS.get(enrollment.state, ())
    ]


def for_everyone(state: str, count: int) -> list[AvailableAction]:
    """Return what is offered for all people in a state.

    Args:
        state: which state.
        count: how many they are; nothing is offered for nobody.
    """
    if not count or state not in TOGETHER:
        return []
    people = formatting.many(count, "person", "people")
    return [
        _offer(act, f"{_TITLES[act]} all", _says(act, people, count == 1), people)
        for act in ACTS[state]
    ]


def _offer(act: ActionName, title: str, says: str, people: str) -> AvailableAction:
    harsh = act in ("exit", "restart")
    return AvailableAction(act, title, says, f"{_TITLES[act]} {people}", harsh, reason=harsh)
