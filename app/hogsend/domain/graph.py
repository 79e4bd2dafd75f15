"""The graph of a journey's steps, as read from its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .step_key import WILDCARD, StepKey

COMPLETED = "completed"
# The text of a loop without an end, and of the `break` that leaves a loop.
FOREVER = "again and again"
LEAVES_LOOP = "leaves the loop"


@dataclass(frozen=True, slots=True)
class GraphStep:
    """One step: a `ctx` call, the head of a fork, a start or an end.

    The class of a call builds its step (`turns/calls/`); the functions below build all other steps.

    Args:
        kind: the kind of step, as JSON and style sheets name it.
        what: the step's subject: a template, an event, a condition, or where the journey ends.
        label: the label that the author gave, if any.
        span: how long a wait lasts: `2 days`, `up to 7 days`, `until ends`.
        key: the key in the journal without the occurrence number, such as `sleep:post-welcome`; `*`
            stands for a part that is only known at run time; empty when no part is known.
        first: the least occurrence number that the step can have in the journal.
        last: the greatest occurrence number; None when there is no limit.
        former: the keys that the step had before it was renamed, as `was=` says.
        file: the file, relative to the journeys' folder; empty when unknown.
        line: the line in the file, from 1; 0 when unknown.
        number: the step's position in the graph, from 1.
        title: the large line of the step's node.
        caption: the small line above the title.
        text: the step as one line, without its label.
        is_wait: whether contacts can wait in the step.
        ends_turn: whether a turn can end in the step.
        ends_flow: whether the branch ends with the step.
        is_question: whether a condition that asks for the step's answer is drawn as this step.
        condition: the text of a decision that depends on the step's answer; empty shows the code.
        leaves: how many of the loops around it the step leaves; 1 for a `break`.
        arms: the arms of a variant with their weights, in the order of the code; empty when they
            are not known.
    """

    kind: str
    what: str
    label: str = ""
    span: str = ""
    key: str = ""
    first: int = 1
    last: int | None = 1
    former: tuple[StepKey, ...] = ()
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
    leaves: int = 0
    arms: tuple[tuple[str, float], ...] = ()

    @property
    def first_key(self) -> str:
        """The step's key with its least occurrence number."""
        return self.key if self.first == 1 else f"{self.key}#{self.first}"

    def matches_key(self, key: str) -> bool:
        """Return whether a key of the journal can belong to this step.

        Args:
            key: a key with its occurrence number, such as `sleep:later#2`.
        """
        own = [StepKey(self.key, self.first, self.last)] if self.key else []
        return any(each.matches(key) for each in (*own, *self.former))

    def can_have_key(self, key: str) -> bool:
        """Return whether a wait with this key can be this step, whose own key may be unknown."""
        return self.matches_key(key) or (not self.key and key.startswith(f"{self.kind}:"))

    def to_json(self) -> dict[str, Any]:
        """Return the step in JSON form."""
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


# -- steps that are not `ctx` calls ------------------------------------------------------------


def build_start_step(trigger: str) -> GraphStep:
    """Build the start of a journey."""
    return GraphStep("start", trigger, title=trigger, caption="starts on")


def build_end_step(file: str = "", line: int = 0) -> GraphStep:
    """Build the end of a completed journey."""
    return _build_step("end", COMPLETED, file, line, caption="ends", ends_flow=True)


def build_fail_step(error: str, file: str = "", line: int = 0) -> GraphStep:
    """Build the step of a `raise`."""
    return _build_step(
        "fail", error, file, line, caption="fails", text=f"fail: {error}", ends_flow=True
    )


def build_jump_step(target: str, file: str = "", line: int = 0, *, leaves: int = 0) -> GraphStep:
    """Build the step of a `break`, a `continue`, or a function's `return`.

    Args:
        target: where the flow continues, as the screen shows it.
        file: the file.
        line: the line in the file.
        leaves: how many of the loops around it the jump leaves.
    """
    step = _build_step("jump", target, file, line, caption="goes on", ends_flow=True)
    return replace(step, leaves=leaves)


def build_recursion_step(name: str, file: str = "", line: int = 0) -> GraphStep:
    """Build the step of a function's call of itself, after which the function continues."""
    return _build_step("jump", f"{name} again", file, line, caption="calls")


def build_decision_step(condition: str, file: str = "", line: int = 0) -> GraphStep:
    """Build the head of an `if`."""
    question = f"{condition}?"
    return _build_step("decision", condition, file, line, title=question, text=question)


def build_choice_step(subject: str, file: str = "", line: int = 0) -> GraphStep:
    """Build the head of a `match`."""
    return _build_step("choice", subject, file, line, text=f"which: {subject}")


def build_loop_step(loop: str, file: str = "", line: int = 0) -> GraphStep:
    """Build the head of a loop."""
    return _build_step("loop", loop, file, line, text=f"loop: {loop}")


def build_attempt_step(file: str = "", line: int = 0) -> GraphStep:
    """Build the head of a `try`."""
    return _build_step("attempt", "try", file, line, caption="what may fail", text="try")


def to_decision(step: GraphStep) -> GraphStep:
    """Return a question step as the head of an `if`."""
    question = f"{step.what}?"
    return replace(step, kind="decision", title=question, caption="decision", text=question)


def _build_step(
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
        word: the branch's name: `yes`, `no`, `case "pro"`, `if StepFailed`.
        items: the steps and forks of the branch.
    """

    word: str
    items: tuple[GraphStep | Fork, ...] = ()


@dataclass(frozen=True, slots=True)
class Fork:
    """Several branches that join again afterwards.

    Args:
        head: the step that chooses a branch; a `loop` has one branch, which leads back to its head.
        branches: the branches in the order of the code.
    """

    head: GraphStep
    branches: tuple[Branch, ...]


Item = GraphStep | Fork


@dataclass(frozen=True, slots=True)
class JourneyGraph:
    """The steps of a journey from its start to its end."""

    items: tuple[Item, ...] = ()

    def walk_steps(self) -> Iterator[GraphStep]:
        """Yield every step in the order of the code, heads of forks included."""
        return walk_steps(self.items)

    def count_people(
        self, waiting: Mapping[str, int]
    ) -> tuple[dict[int, dict[str, int]], dict[str, int]]:
        """Count the people at each step.

        Args:
            waiting: how many people are in each wait, by key, such as `sleep:later#2`; the pause
                before a step's next attempt is a wait too.

        Returns:
            The number of people by step number and key, and the number of people by key in waits
            that the graph does not show. Where several steps match a key, the first gets all.
        """
        # A key without a wildcard is a better match than a key with one, and an unknown key is the
        # last resort.
        waits = sorted(
            (step for step in self.walk_steps() if step.ends_turn or step.is_wait),
            key=lambda step: (not step.key, WILDCARD in step.key, -len(step.key), step.number),
        )
        by_step: dict[int, dict[str, int]] = {}
        elsewhere: dict[str, int] = {}
        for key, count in waiting.items():
            step = next((step for step in waits if step.can_have_key(key)), None)
            (elsewhere if step is None else by_step.setdefault(step.number, {}))[key] = count
        return by_step, elsewhere

    def to_json(self, waiting: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """Return the graph in JSON form.

        Args:
            waiting: how many people are in each wait, by key; None leaves the counts out.
        """
        by_step = None if waiting is None else self.count_people(waiting)[0]
        return _items_to_json(self.items, by_step)


def walk_steps(items: Sequence[Item]) -> Iterator[GraphStep]:
    """Yield every step of some items, heads of forks included."""
    for item in items:
        if isinstance(item, Fork):
            yield item.head
            for branch in item.branches:
                yield from walk_steps(branch.items)
        else:
            yield item


def is_terminal(items: Sequence[Item]) -> bool:
    """Return whether the flow never continues after some items."""
    if not items:
        return False
    last = items[-1]
    if isinstance(last, GraphStep):
        return last.ends_flow
    if last.head.kind == "loop":
        return last.head.what == FOREVER and not is_left(last.branches[0].items)
    return all(is_terminal(branch.items) for branch in last.branches)


def is_left(body: Sequence[Item], loops: int = 1) -> bool:
    """Return whether a step in the body of a loop leaves this loop, and no loop around it.

    Args:
        body: the steps of the body, or of a part of it.
        loops: how many loops there are around these steps, up to this loop.
    """
    for item in body:
        if isinstance(item, GraphStep):
            if item.leaves == loops:
                return True
        else:
            inner = loops + 1 if item.head.kind == "loop" else loops
            if any(is_left(branch.items, inner) for branch in item.branches):
                return True
    return False


# The number of people by step number and key of the wait.
PeopleByStep = Mapping[int, Mapping[str, int]]


def _items_to_json(items: Sequence[Item], people: PeopleByStep | None) -> list[dict[str, Any]]:
    return [_item_to_json(item, people) for item in items]


def _item_to_json(item: Item, people: PeopleByStep | None) -> dict[str, Any]:
    step = item.head if isinstance(item, Fork) else item
    data = step.to_json()
    if people is not None and (step.is_wait or step.number in people):
        data["waiting"] = sum(people.get(step.number, {}).values())
    if isinstance(item, Fork):
        data["ways"] = [
            {"word": branch.word, "steps": _items_to_json(branch.items, people)}
            for branch in item.branches
        ]
    return data
