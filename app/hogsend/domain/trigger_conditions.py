"""Conditions that name the trigger, such as `prop("invoice_id") == trigger("invoice_id")`.

A wait's conditions are resolved to plain values when the wait begins, those of an exit when an
event arrives that the exit rule names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from .conditions import MISSING, AllOf, AnyOf, Compare, Condition, Not, look_up
from .event import EventMatch
from .trigger_property import TriggerProperty


def names_trigger(condition: Condition | None) -> bool:
    """Return whether a condition compares with a property of the trigger."""
    if isinstance(condition, Compare):
        return isinstance(condition.value, TriggerProperty)
    if isinstance(condition, AllOf | AnyOf):
        return any(map(names_trigger, condition.parts))
    return isinstance(condition, Not) and names_trigger(condition.part)


def resolve_trigger(condition: Condition, trigger: Mapping[str, Any]) -> Condition:
    """Return a condition with the trigger's values in place of the names of its properties.

    A comparison with a property that the trigger lacks stays as it is, and so never holds.

    Args:
        condition: the condition.
        trigger: the properties of the trigger.
    """
    if isinstance(condition, Compare):
        return _resolve_comparison(condition, trigger)
    if isinstance(condition, AllOf | AnyOf):
        parts = tuple(resolve_trigger(part, trigger) for part in condition.parts)
        return replace(condition, parts=parts)
    if isinstance(condition, Not):
        return Not(resolve_trigger(condition.part, trigger))
    return condition


def resolve_match(match: EventMatch, trigger: Mapping[str, Any]) -> EventMatch:
    """Return a pattern of events with the trigger's values in its condition.

    Args:
        match: the pattern.
        trigger: the properties of the trigger.
    """
    if match.where is None or not names_trigger(match.where):
        return match
    return EventMatch(match.event, resolve_trigger(match.where, trigger))


def _resolve_comparison(comparison: Compare, trigger: Mapping[str, Any]) -> Compare:
    if not isinstance(comparison.value, TriggerProperty):
        return comparison
    value = look_up(trigger, comparison.value.path)
    if value is MISSING or value is None:
        return comparison
    if comparison.operator == "in":
        if not isinstance(value, list):
            return comparison
        value = tuple(cast("list[Any]", value))
    return replace(comparison, value=value)
