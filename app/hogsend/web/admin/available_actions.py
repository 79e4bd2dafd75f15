"""The actions that a page offers for an enrollment, or for all enrollments in a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...domain.enrollment import Enrollment
from ...services.enrollment_actions import (
    ActionName,
    list_available_actions,
    list_bulk_actions,
)
from .. import formatting


@dataclass(frozen=True, slots=True)
class AvailableAction:
    """An action that a page offers, and what it will do.

    Args:
        name: the action.
        title: the button that opens the confirmation.
        description: what will happen.
        confirmation: the button that runs it.
        is_destructive: whether it ends an enrollment.
        asks_reason: whether it asks for a reason.
    """

    name: ActionName
    title: str
    description: str
    confirmation: str
    is_destructive: bool = False
    asks_reason: bool = False


_TITLES: Mapping[ActionName, str] = {
    "exit": "Exit",
    "restart": "Restart",
    "continue": "Continue",
    "retry": "Retry",
    "wake": "Wake now",
}


def describe_enrollment_actions(enrollment: Enrollment, label: str) -> list[AvailableAction]:
    """Return the actions on one enrollment that need a confirmation.

    Args:
        enrollment: as it is stored.
        label: what its contact is called.
    """
    return [
        _build_action(name, _TITLES[name], _describe(name, label, is_single=True), "enrollment")
        for name in list_available_actions(enrollment)
        if name != "wake"
    ]


def can_wake(enrollment: Enrollment) -> bool:
    """Return whether an enrollment waits for a time that can be cut short."""
    return "wake" in list_available_actions(enrollment)


def describe_bulk_actions(
    state: str, count: int, *, is_filtered: bool = False, is_counted: bool = True
) -> list[AvailableAction]:
    """Return the actions on all enrollments in a state.

    Args:
        state: the state.
        count: how many enrollments are meant; without any, no action is offered.
        is_filtered: whether they are only some of those in the state.
        is_counted: whether there are no more of them.
    """
    if is_counted and not count:
        return []
    enrollments = (
        formatting.pluralize(count, "enrollment") if is_counted else "all matching enrollments"
    )
    return [
        _build_action(
            name,
            f"{_TITLES[name]} {'these' if is_filtered else 'all'}",
            _describe(
                name, enrollments[0].upper() + enrollments[1:], is_single=is_counted and count == 1
            ),
            enrollments,
        )
        for name in list_bulk_actions(state)
    ]


def _build_action(name: ActionName, title: str, description: str, subject: str) -> AvailableAction:
    is_destructive = name in ("exit", "restart")
    return AvailableAction(
        name,
        title,
        description,
        f"{_TITLES[name]} {subject}",
        is_destructive,
        asks_reason=is_destructive,
    )


def _describe(name: ActionName, subject: str, *, is_single: bool) -> str:
    s = "s" if is_single else ""
    if name == "continue":
        return (
            f"{subject} continue{s} now with the current code, as if the removed wait were over. "
            "Recorded steps are not repeated; everything else that the code calls runs."
        )
    if name == "restart":
        return (
            f"{subject} start{s} over with the same trigger and get{s} the journey's emails again. "
            "The entry rules are checked again; an enrollment that they reject stays drifted."
        )
    if name == "retry":
        return (
            f"{subject} retr{'ies' if is_single else 'y'} the failed turn now with the current "
            "code. Steps of earlier turns are not repeated. If it has failed for good and an event "
            "that ends the journey has arrived since, the enrollment ends."
        )
    return (
        f"{subject} leave{s} this journey immediately. Its emails that have not been sent are "
        "cancelled. This cannot be undone."
    )
