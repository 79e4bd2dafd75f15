"""The graph of a journey: what it does, step by step, as read from its code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

COMPLETED = "completed"
# The text of a loop without an end, and of the `break` that leaves a loop.
FOREVER = "again and again"
LEAVES_LOOP = "leaves the loop"

_NUMBERED = re.compile(r"(.+)#([1-9]\d*)", re.DOTALL)
# In a key, the part that only the running journey knows, such as the number in a label of a loop.
_ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class GraphStep:
    """One step: a call of the context, the head of a fork, a start or an end.

    A call's class gives its step (`turns/calls/`); the functions below give all others.

    Args:
        kind: the kind of step, as data and style sheets name it.
        what: what it is about: a template, an event, a condition, where it ends.
        label: the label that the author gave, if any.
        span: how long it lasts, for a wait: `2 days`, `up to 7 days`, `until ends`.
        key: its key in the journal without the occurrence, such as `sleep:post-welcome`; `*` stands
            for what only the running journey knows; empty when nothing of it is known.
        first: the least occurrence number that the journal can give it.
        last: the greatest, None when there is no limit.
        file: relative to the journeys' folder; empty when not known.
        line: the line in the file, from 1; 0 when it is nowhere.
        number: its position among the steps of the graph, from 1.
        title: the large line of its node.
        caption: the small line above.
        text: the step as one line, without its label.
        is_wait: whether contacts can be in it.
        ends_turn: whether a turn may end in it.
        ends_flow: whether nothing of the same branch comes after it.
        is_question: whether it is itself the decision where a condition asks for its answer.
        condition: the text of a decision by its answer; empty when the code is shown.
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
    title: str = ""
    caption: str = ""
    text: str = ""
    is_wait: bool = False
    ends_turn: bool = False
    ends_flow: bool = False
    is_question: bool = False
    condition: str = ""

    @property
    def first_key(self) -> str:
        """Its key at the least occurrence number."""
        return self.key if self.first == 1 else f"{self.key}#{self.first}"

    def matches_key(self, key: str) -> bool:
        """Return whether the journal may call this step so.

        Args:
            key: with its occurrence number, such as `sleep:later#2`.
        """
        if not self.key:
            return False
        numbered = _NUMBERED.fullmatch(key)
        return self._matches(key, 1) or (
            numbered is not None and self._matches(numbered[1], int(numbered[2]))
        )

    def _matches(self, base: str, occurrence: int) -> bool:
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


# -- steps that are no calls ------------------------------------------------------------------


def start_step(trigger: str) -> GraphStep:
    """Return the start of a journey."""
    return GraphStep("start", trigger, title=trigger, caption="starts on")


def end_step(file: str = "", line: int = 0) -> GraphStep:
    """Return the end of a journey that is completed."""
    return _step("end", COMPLETED, file, line, caption="ends", ends_flow=True)


def fail_step(error: str, file: str = "", line: int = 0) -> GraphStep:
    """Return a `raise`."""
    return _step("fail", error, file, line, caption="fails", text=f"fail: {error}", ends_flow=True)


def jump_step(target: str, file: str = "", line: int = 0) -> GraphStep:
    """Return a `break`, `continue`, `return` of a function, or a call of itself."""
    return _step("jump", target, file, line, caption="goes on", ends_flow=True)


def decision_step(condition: str, file: str = "", line: int = 0) -> GraphStep:
    """Return the head of an `if`."""
    question = f"{condition}?"
    return _step("decision", condition, file, line, title=question, text=question)


def choice_step(subject: str, file: str = "", line: int = 0) -> GraphStep:
    """Return the head of a `match`."""
    return _step("choice", subject, file, line, text=f"which: {subject}")


def loop_step(loop: str, file: str = "", line: int = 0) -> GraphStep:
    """Return the head of a loop."""
    return _step("loop", loop, file, line, text=f"loop: {loop}")


def attempt_step(file: str = "", line: int = 0) -> GraphStep:
    """Return the head of a `try`."""
    return _step("attempt", "try", file, line, caption="what may fail", text="try")


def as_decision(step: GraphStep) -> GraphStep:
    """Return a step that is a question as the head of an `if`."""
    question = f"{step.what}?"
    return replace(step, kind="decision", title=question, caption="decision", text=question)


def _step(
    kind: str,
    what: str,
    file: str,
    line: int,
    *,
    title: str = "",
    caption: str = "",
    text: str = "",
    ends_flow: bool = False,
) -> GraphStep:
    return GraphStep(
        kind,
        what,
        file=file,
        line=line,
        title=title or what,
        caption=caption or kind,
        text=text or what,
        ends_flow=ends_flow,
    )


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a fork.

    Args:
        word: its name: `yes`, `no`, `case "pro"`, `if StepFailed`.
        items: its steps.
    """

    word: str
    items: tuple[GraphStep | Fork, ...] = ()


@dataclass(frozen=True, slots=True)
class Fork:
    """Several branches, which meet again after it.

    Args:
        head: what decides; a `loop` has one branch, which leads back to the head.
        branches: in the order of the code.
    """

    head: GraphStep
    branches: tuple[Branch, ...]


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
        """Return how many people are at each step.

        Args:
            waiting: how many people wait, by the key of the wait, such as `sleep:later#2`.

        Returns:
            How many are at each step, by its number and then by the key, and how many are in
            waits that the graph does not show, by the key. Where two steps share a key, the first
            gets all.
        """
        # A key that is known completely is more certain than one with gaps.
        waits = sorted(
            (step for step in self.steps() if step.is_wait and step.key),
            key=lambda step: (_ANYTHING in step.key, -len(step.key), step.number),
        )
        by_step: dict[int, dict[str, int]] = {}
        elsewhere: dict[str, int] = {}
        for key, count in waiting.items():
            step = next((step for step in waits if step.matches_key(key)), None)
            (elsewhere if step is None else by_step.setdefault(step.number, {}))[key] = count
        return by_step, elsewhere

    def to_json(self, waiting: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """Return it as data.

        Args:
            waiting: how many people wait, by the key of the wait; each wait then has its number.
        """
        by_step = None if waiting is None else self.people(waiting)[0]
        return _items_to_json(self.items, by_step)


def steps_of(items: Sequence[Item]) -> Iterator[GraphStep]:
    """Yield every step of a part of a graph, heads of forks included."""
    for item in items:
        if isinstance(item, Fork):
            yield item.head
            for branch in item.branches:
                yield from steps_of(branch.items)
        else:
            yield item


def never_goes_on(items: Sequence[Item]) -> bool:
    """Return whether nothing can come after a part of a graph."""
    if not items:
        return False
    last = items[-1]
    if isinstance(last, GraphStep):
        return last.ends_flow
    if last.head.kind == "loop":
        return last.head.what == FOREVER and not _has_break(last.branches[0].items)
    return all(never_goes_on(branch.items) for branch in last.branches)


def _has_break(items: Sequence[Item]) -> bool:
    """Return whether the body of a loop has a `break` of this loop."""
    for item in items:
        if isinstance(item, GraphStep):
            if item.kind == "jump" and item.what == LEAVES_LOOP:
                return True
        elif item.head.kind != "loop" and any(_has_break(b.items) for b in item.branches):
            return True
    return False


# How many people are at each step, by its number and then by the key of the wait.
PeopleByStep = Mapping[int, Mapping[str, int]]


def _items_to_json(items: Sequence[Item], people: PeopleByStep | None) -> list[dict[str, Any]]:
    return [_item_to_json(item, people) for item in items]


def _item_to_json(item: Item, people: PeopleByStep | None) -> dict[str, Any]:
    step = item.head if isinstance(item, Fork) else item
    data = step.to_json()
    if people is not None and step.is_wait:
        data["waiting"] = sum(people.get(step.number, {}).values())
    if isinstance(item, Fork):
        data["ways"] = [
            {"word": branch.word, "steps": _items_to_json(branch.items, people)}
            for branch in item.branches
        ]
    return data


# -- occurrences ------------------------------------------------------------------------------

# For each key, the least and the greatest number of times that it can have been called.
Counts = dict[str, tuple[int, int | None]]


def numbered(items: Sequence[Item], *, once: bool = False) -> JourneyGraph:
    """Number the steps of a graph, and set the occurrences that each can have.

    Args:
        items: the steps, not yet numbered.
        once: whether every loop counts as if it ran at most once.
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
        # The part that a key leaves open may be another text each time.
        is_open = _ANYTHING in step.key and not self.once
        least, most = (0 if is_open else least) + 1, None if most is None else most + 1
        counts[step.key] = (least, most)
        return replace(step, number=self.last, first=least, last=None if is_open else most)

    def fork(self, fork: Fork, counts: Counts) -> Fork:
        head = self.step(fork.head, counts)
        before = dict(counts)
        if head.kind == "loop":
            return self.loop(replace(fork, head=head), counts, before)
        branches: list[Branch] = []
        ends: list[Counts] = []
        for branch in fork.branches:
            # A failure can come anywhere in what was tried.
            is_handler = head.kind == "attempt" and ends
            branch_counts = dict(_merge([before, *ends[:1]]) if is_handler else before)
            branches.append(replace(branch, items=self.items(branch.items, branch_counts)))
            ends.append(branch_counts)
        continuing = [
            end
            for branch, end in zip(fork.branches, ends, strict=True)
            if not never_goes_on(branch.items)
        ]
        counts.clear()
        counts.update(_merge(continuing or ends))
        return Fork(head, tuple(branches))

    def loop(self, fork: Fork, counts: Counts, before: Counts) -> Fork:
        body = fork.branches[0].items
        keys = {step.key for step in steps_of(body) if step.key}
        inside = dict(before)
        if not self.once:
            for key in keys:
                inside[key] = (before.get(key, (0, 0))[0], None)
        items = self.items(body, inside)
        counts.clear()
        counts.update(_merge([before, inside]))
        return Fork(fork.head, (replace(fork.branches[0], items=items),))


def _merge(alternatives: Sequence[Counts]) -> Counts:
    """Return the counts when any one of several is the case."""
    merged: Counts = {}
    for key in {key for counts in alternatives for key in counts}:
        each = [counts.get(key, (0, 0)) for counts in alternatives]
        tops = [most for _, most in each if most is not None]
        most = max(tops) if len(tops) == len(each) else None
        merged[key] = (min(least for least, _ in each), most)
    return merged
