"""A journey's graph as text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..domain.graph import COMPLETED, LAST, Fork, GraphStep, Item, JourneyGraph, never_goes_on
from .output import plain

_WIDEST = 72


def drawn(flow: JourneyGraph, trigger: str, waiting: Mapping[str, int]) -> list[str]:
    """Return the lines of a tree: every step, and how many people wait at it.

    Args:
        flow: the steps.
        trigger: the event that starts them.
        waiting: how many people wait, by the key of the wait.
    """
    here, elsewhere = flow.people(waiting)
    items = list(flow.items)
    if not never_goes_on(items):
        items.append(GraphStep("end", COMPLETED))
    rows = [(plain(text), number) for text, number in _branches(items, "")]
    width = min(max((len(text) for text, _ in rows), default=0), _WIDEST)
    lines = [plain(f"on {trigger}")]
    for text, number in rows:
        count = sum(here.get(number, {}).values())
        lines.append(f"{text:<{width}}  {count:,} waiting" if count else text)
    if elsewhere:
        lines += ["", "Waits that today's code no longer shows:"]
        lines += [plain(f"  {key}  {count:,} waiting") for key, count in elsewhere.items()]
    return lines


def _branches(items: Sequence[Item], before: str) -> Iterator[tuple[str, int]]:
    """Yield each line of a part of the tree, with the number of its step.

    Args:
        items: the steps.
        before: what stands before each line, from the branches around it.
    """
    for place, item in enumerate(items):
        is_last = place == len(items) - 1
        step = item.head if isinstance(item, Fork) else item
        yield f"{before}{'└' if is_last else '├'} {words(step)}", step.number
        if isinstance(item, Fork):
            yield from _ways(item, before + ("  " if is_last else "│ "))


def _ways(fork: Fork, before: str) -> Iterator[tuple[str, int]]:
    if fork.head.kind == "loop":
        yield from _branches(fork.ways[0].items, before)
        return
    ways = [way for way in fork.ways if way.items]
    for place, way in enumerate(ways):
        is_last = place == len(ways) - 1
        yield f"{before}{'└' if is_last else '├'} {way.word}", 0
        yield from _branches(way.items, before + ("  " if is_last else "│ "))


def words(step: GraphStep) -> str:
    """Return a step as one line: `sleep 2 days (post-welcome)`."""
    label = f" ({step.label})" if step.label and step.label != step.what else ""
    if step.kind in LAST:
        return _LAST_WORDS.get(step.kind, "") + step.what
    span = {"wait": f", {step.span}", "digest": f" over {step.span}"}.get(step.kind, "")
    text = {
        "sleep": f"sleep {step.span}",
        "wait": f"wait for {step.what}",
        "digest": f"digest of {step.what}",
        "decision": f"{step.what}?",
        "look": f"look: {step.what}",
        "loop": f"loop: {step.what}",
        "choice": f"which: {step.what}",
        "attempt": "try",
    }.get(step.kind, f"{step.kind} {step.what}")
    return text + (span if step.span else "") + label


_LAST_WORDS = {"exit": "exit: ", "fail": "fail: "}
