"""The log of a durable run: a replay must repeat the requests that are in it."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from datetime import UTC
from typing import Any

from hatchet_sdk.contracts.v1.shared.condition_pb2 import DurableEventListenerConditions

from tests.doubles.hatchet.rows import Condition, Entry, Event, Run

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_COMPARES = re.compile(r"input\.(\w+) >= (\d+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")


class NonDeterminism(Exception):
    """A replay sent another request than the log has at this position."""

    def __init__(self, run: Run, entry: Entry, received: str) -> None:
        super().__init__(
            f"non-determinism error in task {run.id} at node {entry.node_id}:1"
            f"\n  expected: {entry.description}\n  received: {received}"
        )
        self.node_id = entry.node_id


def seconds(duration: str) -> float:
    """Return the seconds of a duration such as `1h30m` or `12s`.

    Raises:
        ValueError: the text is no duration.
    """
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"not a duration: {duration}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def format_duration(duration: str) -> str:
    """Return a duration in the format of messages: `100s` is `1m40s`."""
    hours, seconds_left = divmod(int(seconds(duration)), 3600)
    minutes, seconds_left = divmod(seconds_left, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if minutes or hours else ""
    return text + f"{seconds_left}s"


def replay_or_append_entry(
    run: Run, kind: str, fingerprint: tuple[str, ...], description: str
) -> tuple[Entry, bool]:
    """Return the next entry of the log, and whether it existed before.

    The position starts at 0 in each invocation, so a replay meets its own entries in order.

    Raises:
        NonDeterminism: it existed and belongs to another request.
    """
    node_id = run.position + 1
    if node_id > len(run.log):
        entry = Entry(node_id, kind, fingerprint, description)
        run.log.append(entry)
        run.position = node_id
        return entry, False
    entry = run.log[node_id - 1]
    if entry.fingerprint != fingerprint:
        raise NonDeterminism(run, entry, description)
    run.position = node_id
    return entry, True


def parse_conditions(request: DurableEventListenerConditions) -> list[Condition]:
    """Return the conditions of a wait; sleeps begin now."""
    begin = time.time()
    sleeps = [
        Condition(
            kind="SLEEP",
            group=sleep.base.or_group_id,
            name=sleep.base.readable_data_key,
            sleep_for=sleep.sleep_for,
            due=begin + seconds(sleep.sleep_for),
        )
        for sleep in request.sleep_conditions
    ]
    events = [
        Condition(
            kind="USER_EVENT",
            group=event.base.or_group_id,
            name=event.base.readable_data_key,
            key=event.user_event_key,
            scope=event.event_scope if event.HasField("event_scope") else None,
            since=event.consider_events_since.ToDatetime(tzinfo=UTC)
            if event.HasField("consider_events_since")
            else None,
            expression=event.base.expression,
        )
        for event in request.user_event_conditions
    ]
    if any(c.expression and not _COMPARES.fullmatch(c.expression) for c in events):
        raise NotImplementedError("the double evaluates only `input.FIELD >= NUMBER`")
    return sleeps + events


def build_fingerprint(conditions: list[Condition]) -> tuple[str, ...]:
    """Return what a replay must repeat of a wait: not the scope, the look back or the order."""
    return ("WAIT_FOR", *sorted(_repeated(c) for c in conditions))


def _repeated(c: Condition) -> str:
    return c.name + c.kind + c.sleep_for + c.key + c.expression


def describe(conditions: list[Condition]) -> str:
    """Describe a wait for an error message."""
    groups: dict[str, list[str]] = defaultdict(list)
    for condition in conditions:
        text = (
            f"sleep({format_duration(condition.sleep_for)})"
            if condition.kind == "SLEEP"
            else f"event({condition.key})"
        )
        groups[condition.group].append(text)
    single = [group[0] for group in groups.values() if len(group) == 1]
    several = ["any of: " + ", ".join(group) for group in groups.values() if len(group) > 1]
    return " and ".join(single + several) or "waiting"


def end_by_sleep(entry: Entry, at: float) -> bool:
    """End the sleeps of a wait that are over; return whether the wait is satisfied now."""
    for condition in entry.conditions:
        if condition.due is not None and condition.due <= at and not condition.met_by:
            condition.met_by.append({"sleep_duration": condition.sleep_for})
    return _settle(entry)


def end_by_event(entry: Entry, event: Event) -> bool:
    """Apply an event to a wait; return whether the wait is satisfied now."""
    for condition in entry.conditions:
        if _matches(condition, event) and not condition.met_by:
            condition.met_by.append(json.loads(event.payload))
    return _settle(entry)


def end_by_earlier(entry: Entry, events: list[Event]) -> bool:
    """Apply earlier events to a wait; return whether the wait is satisfied now.

    Only conditions with a scope and a look back accept earlier events. Of several events each
    takes one: the real engine does not say which, the double takes the first.
    """
    for condition in entry.conditions:
        if condition.since is None or condition.scope is None or condition.met_by:
            continue
        for event in events:
            if event.seen_at >= condition.since and _matches(condition, event):
                condition.met_by.append(json.loads(event.payload))
                break
    return _settle(entry)


def _matches(condition: Condition, event: Event) -> bool:
    return (
        condition.kind == "USER_EVENT"
        and condition.key == event.key
        and (condition.scope is None or condition.scope == event.scope)
        and _holds(condition.expression, event.payload)
    )


def _holds(expression: str, payload: str) -> bool:
    compares = _COMPARES.fullmatch(expression)
    if compares is None:
        return True
    value = json.loads(payload).get(compares[1])
    return isinstance(value, int) and value >= int(compares[2])


def _settle(entry: Entry) -> bool:
    if entry.satisfied or entry.kind != "WAIT_FOR":
        return False
    open_groups = {c.group for c in entry.conditions} - {
        c.group for c in entry.conditions if c.met_by
    }
    if open_groups:
        return False
    results: dict[str, list[Any]] = {}
    for condition in entry.conditions:
        if condition.met_by:
            results.setdefault(condition.name, []).extend(condition.met_by)
    entry.payload = json.dumps({"CREATE": results}).encode()
    entry.satisfied = True
    return True
