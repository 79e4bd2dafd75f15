"""What a journey does, step by step, as read from its code: the graph that screens draw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# Steps in which a person can be.
WAITS = ("sleep", "wait", "digest")
# Steps after which nothing of the same flow comes.
LAST = ("end", "exit", "fail", "jump")

# What steps are about that concern no call.
COMPLETED = "completed"
FOREVER = "again and again"
LEAVES_LOOP = "leaves the loop"

_NUMBERED = re.compile(r"(.+)#([1-9]\d*)", re.DOTALL)
# In a key: what only the running journey knows, such as the number in a label of a loop.
_ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class GraphStep:
    """One step.

    Args:
        kind: a call of the context (`send sleep wait digest throttle step trigger variant
            checkpoint when look exit`), the head of a fork (`decision choice loop attempt`), or
            `start`, `end`, `fail` and `jump`.
        what: what it is about: a template, an event, a condition, where it ends.
        label: the label that the author gave, if any.
        span: how long, for a wait: `2 days`, `up to 7 days`, `until ends`.
        key: its key in the journal without the occurrence, such as `sleep:post-welcome`; `*` stands
            for what only the running journey knows; empty when nothing of it is known.
        first: the least occurrence number that the journal can give it.
        last: the greatest, None when there is no limit.
        file: relative to the journeys' folder; empty when not known.
        line: the line in the file, from 1; 0 when it is nowhere.
        number: its place among the steps of the flow, from 1.
    """

    kind: str
    what: str
    label: str = ""
    span: str = ""
    key: str = ""
    first: int = 1
    last: int | None = 1
    file: str = ""
    line: int = 0
    number: int = 0

    @property
    def is_wait(self) -> bool:
        """Whether people can be in it."""
        return self.kind in WAITS

    @property
    def first_key(self) -> str:
        """Its key when it is asked for as early as it can be."""
        return self.key if self.first == 1 else f"{self.key}#{self.first}"

    def answers_to(self, key: str) -> bool:
        """Say whether the journal may call this step so.

        Args:
            key: with its occurrence number, such as `sleep:later#2`.
        """
        if not self.key:
            return False
        numbered = _NUMBERED.fullmatch(key)
        return self._is(key, 1) or (
            numbered is not None and self._is(numbered[1], int(numbered[2]))
        )

    def _is(self, base: str, occurrence: int) -> bool:
        if occurrence < self.first or (self.last is not None and occurrence > self.last):
            return False
        pattern = ".*".join(re.escape(part) for part in self.key.split(_ANYTHING))
        return re.fullmatch(pattern, base, re.DOTALL) is not None

    def to_json(self) -> dict[str, Any]:
        """Return it as data."""
        return {
            "number": self.number,
            "kind": self.kind,
            "what": self.what,
            "label": self.label or None,
            "span": self.span or None,
            "key": self.key or None,
            "first": self.first,
            "last": self.last,
            "file": self.file or None,
            "line": self.line or None,
        }


@dataclass(frozen=True, slots=True)
class Branch:
    """One way on from a fork.

    Args:
        word: what is said at it: `yes`, `no`, `case "pro"`, `if StepFailed`.
        items: its steps.
    """

    word: str
    items: tuple[GraphStep | Fork, ...] = ()


@dataclass(frozen=True, slots=True)
class Fork:
    """Where there are several ways on, which meet again after it.

    Args:
        head: what decides; a `loop` has one way, which leads back to the head.
        ways: in the order of the code.
    """

    head: GraphStep
    ways: tuple[Branch, ...]


Item = GraphStep | Fork


@dataclass(frozen=True, slots=True)
class JourneyGraph:
    """The steps of a journey from its start to its end."""

    items: tuple[Item, ...] = ()

    def steps(self) -> Iterator[GraphStep]:
        """Yield every step in the order of the code, heads of forks included."""
        return steps_of(self.items)

    def people(
        self, waiting: Mapping[str, int]
    ) -> tuple[dict[int, dict[str, int]], dict[str, int]]:
        """Say where people are.

        Args:
            waiting: how many people wait, by the key of the wait, such as `sleep:later#2`.

        Returns:
            How many are at each step, by its number and then by the key, and those whose wait the
            graph does not show, by the key. Where two steps share a key, the first gets all.
        """
        # A key that is known to the letter is surer than one with gaps.
        waits = sorted(
            (step for step in self.steps() if step.is_wait and step.key),
            key=lambda step: (_ANYTHING in step.key, -len(step.key), step.number),
        )
        here: dict[int, dict[str, int]] = {}
        elsewhere: dict[str, int] = {}
        for key, count in waiting.items():
            step = next((step for step in waits if step.answers_to(key)), None)
            (elsewhere if step is None else here.setdefault(step.number, {}))[key] = count
        return here, elsewhere

    def to_json(self, waiting: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """Return it as data.

        Args:
            waiting: how many people wait, by the key of the wait; a wait then says how many.
        """
        here = None if waiting is None else self.people(waiting)[0]
        return _items_to_json(self.items, here)


def steps_of(items: Sequence[Item]) -> Iterator[GraphStep]:
    """Yield every step of a part of a flow, heads of forks included."""
    for item in items:
        if isinstance(item, Fork):
            yield item.head
            for way in item.ways:
                yield from steps_of(way.items)
        else:
            yield item


def never_goes_on(items: Sequence[Item]) -> bool:
    """Say whether nothing can come after a part of a flow."""
    if not items:
        return False
    last = items[-1]
    if isinstance(last, GraphStep):
        return last.kind in LAST
    if last.head.kind == "loop":
        return last.head.what == FOREVER and not _is_left(last.ways[0].items)
    return all(never_goes_on(way.items) for way in last.ways)


def _is_left(items: Sequence[Item]) -> bool:
    """Say whether a loop's body has a `break` of this loop."""
    for item in items:
        if isinstance(item, GraphStep):
            if item.kind == "jump" and item.what == LEAVES_LOOP:
                return True
        elif item.head.kind != "loop" and any(_is_left(way.items) for way in item.ways):
            return True
    return False


def _items_to_json(
    items: Sequence[Item], here: Mapping[int, Mapping[str, int]] | None
) -> list[dict[str, Any]]:
    return [_item_to_json(item, here) for item in items]


def _item_to_json(item: Item, here: Mapping[int, Mapping[str, int]] | None) -> dict[str, Any]:
    step = item.head if isinstance(item, Fork) else item
    stored = step.to_json()
    if here is not None and step.is_wait:
        stored["waiting"] = sum(here.get(step.number, {}).values())
    if isinstance(item, Fork):
        stored["ways"] = [
            {"word": way.word, "steps": _items_to_json(way.items, here)} for way in item.ways
        ]
    return stored


# -- occurrences ------------------------------------------------------------------------------

# For each key: how often it has surely been asked for, and how often at most.
Counts = dict[str, tuple[int, int | None]]


def numbered(items: Sequence[Item], *, once: bool = False) -> JourneyGraph:
    """Number the steps of a flow, and say which occurrences each can be.

    Args:
        items: the steps as they were read.
        once: take every loop as if it were gone through at most once.
    """
    return JourneyGraph(_Numbering(once=once).items(items, {}))


@dataclass(slots=True)
class _Numbering:
    once: bool
    last: int = field(default=0)

    def items(self, items: Sequence[Item], counts: Counts) -> tuple[Item, ...]:
        return tuple(
            self.fork(item, counts) if isinstance(item, Fork) else self.step(item, counts)
            for item in items
        )

    def step(self, step: GraphStep, counts: Counts) -> GraphStep:
        self.last += 1
        if not step.key:
            return replace(step, number=self.last)
        least, most = counts.get(step.key, (0, 0))
        # What a key leaves open may be another text each time.
        open_ended = _ANYTHING in step.key and not self.once
        least, most = (0 if open_ended else least) + 1, None if most is None else most + 1
        counts[step.key] = (least, most)
        return replace(step, number=self.last, first=least, last=None if open_ended else most)

    def fork(self, fork: Fork, counts: Counts) -> Fork:
        head = self.step(fork.head, counts)
        before = dict(counts)
        if head.kind == "loop":
            return self.loop(replace(fork, head=head), counts, before)
        ways: list[Branch] = []
        ends: list[Counts] = []
        for way in fork.ways:
            # A failure can come anywhere in what was tried.
            begin = _either([before, *ends[:1]]) if head.kind == "attempt" and ends else before
            reached = dict(begin)
            ways.append(replace(way, items=self.items(way.items, reached)))
            ends.append(reached)
        going_on = [
            reached
            for way, reached in zip(fork.ways, ends, strict=True)
            if not never_goes_on(way.items)
        ]
        counts.clear()
        counts.update(_either(going_on or ends))
        return Fork(head, tuple(ways))

    def loop(self, fork: Fork, counts: Counts, before: Counts) -> Fork:
        body = fork.ways[0].items
        keys = {step.key for step in steps_of(body) if step.key}
        reached = dict(before)
        if not self.once:
            for key in keys:
                reached[key] = (before.get(key, (0, 0))[0], None)
        items = self.items(body, reached)
        counts.clear()
        counts.update(_either([before, reached]))
        return Fork(fork.head, (replace(fork.ways[0], items=items),))


def _either(many: Sequence[Counts]) -> Counts:
    """Return what is sure, and what is possible, when any of these may be the case."""
    found: Counts = {}
    for key in {key for counts in many for key in counts}:
        each = [counts.get(key, (0, 0)) for counts in many]
        tops = [most for _, most in each if most is not None]
        most = max(tops) if len(tops) == len(each) else None
        found[key] = (min(least for least, _ in each), most)
    return found
