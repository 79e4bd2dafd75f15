"""A durable run's log: what it asks for is checked against what it asked for before."""

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


class NotAsBefore(Exception):
    """A replay asked for something else than the log has at this position."""

    def __init__(self, run: Run, entry: Entry, asked: str) -> None:
        super().__init__(
            f"non-determinism error in task {run.id} at node {entry.node_id}:1"
            f"\n  expected: {entry.says}\n  received: {asked}"
        )
        self.node_id = entry.node_id


def seconds(duration: str) -> float:
    """How long a duration such as `1h30m` or `12s` is.

    Raises:
        ValueError: it is none.
    """
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"not a duration: {duration}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def written(duration: str) -> str:
    """The same duration as messages say it: `100s` is `1m40s`."""
    hours, rest = divmod(int(seconds(duration)), 3600)
    minutes, left = divmod(rest, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if minutes or hours else ""
    return text + f"{left}s"


def entry_at(run: Run, kind: str, fingerprint: tuple[str, ...], says: str) -> tuple[Entry, bool]:
    """The log's next line, and whether it was there before.

    The position counts per invocation, so a replay meets its own lines again in their order.

    Raises:
        NotAsBefore: it was, and is about something else.
    """
    node_id = run.position + 1
    if node_id > len(run.log):
        entry = Entry(node_id, kind, fingerprint, says)
        run.log.append(entry)
        run.position = node_id
        return entry, False
    entry = run.log[node_id - 1]
    if entry.fingerprint != fingerprint:
        raise NotAsBefore(run, entry, says)
    run.position = node_id
    return entry, True


def conditions_of(asked: DurableEventListenerConditions) -> list[Condition]:
    """What a wait can end by; sleeps begin now."""
    begin = time.time()
    sleeps = [
        Condition(
            kind="SLEEP",
            group=sleep.base.or_group_id,
            name=sleep.base.readable_data_key,
            sleep_for=sleep.sleep_for,
            due=begin + seconds(sleep.sleep_for),
        )
        for sleep in asked.sleep_conditions
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
        for event in asked.user_event_conditions
    ]
    if any(one.expression and not _COMPARES.fullmatch(one.expression) for one in events):
        raise NotImplementedError("the double evaluates `input.FIELD >= NUMBER` alone")
    return sleeps + events


def fingerprint_of(conditions: list[Condition]) -> tuple[str, ...]:
    """What of a wait a replay must repeat: not the scope, not the look back, not the order."""
    return ("WAIT_FOR", *sorted(_repeated(c) for c in conditions))


def _repeated(c: Condition) -> str:
    return c.name + c.kind + c.sleep_for + c.key + c.expression


def words_for(conditions: list[Condition]) -> str:
    """A wait as an error message describes it."""
    groups: dict[str, list[str]] = defaultdict(list)
    for condition in conditions:
        what = (
            f"sleep({written(condition.sleep_for)})"
            if condition.kind == "SLEEP"
            else f"event({condition.key})"
        )
        groups[condition.group].append(what)
    alone = [group[0] for group in groups.values() if len(group) == 1]
    several = ["any of: " + ", ".join(group) for group in groups.values() if len(group) > 1]
    return " and ".join(alone + several) or "waiting"


def end_by_sleep(entry: Entry, at: float) -> bool:
    """Whether a wait is satisfied by the sleeps that are over at an instant."""
    for condition in entry.conditions:
        if condition.due is not None and condition.due <= at and not condition.met_by:
            condition.met_by.append({"sleep_duration": condition.sleep_for})
    return _settle(entry)


def end_by_event(entry: Entry, event: Event) -> bool:
    """Whether a wait is satisfied by an event that comes while it waits."""
    for condition in entry.conditions:
        if _matches(condition, event) and not condition.met_by:
            condition.met_by.append(json.loads(event.payload))
    return _settle(entry)


def end_by_earlier(entry: Entry, events: list[Event]) -> bool:
    """Whether a wait is satisfied by events that came before it.

    Only a condition with a scope and a look back looks. Of several events it is handed one; the
    real engine does not say which, here it is the first.
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
    found: dict[str, list[Any]] = {}
    for condition in entry.conditions:
        if condition.met_by:
            found.setdefault(condition.name, []).extend(condition.met_by)
    entry.payload = json.dumps({"CREATE": found}).encode()
    entry.satisfied = True
    return True
