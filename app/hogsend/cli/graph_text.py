"""A journey's graph as text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..domain.graph import Fork, GraphStep, Item, JourneyGraph, build_end_step, is_terminal
from .output import make_printable

_WIDEST = 72


def render_graph(graph: JourneyGraph, trigger: str, waiting: Mapping[str, int]) -> list[str]:
    """Return the lines of a tree: every step, and how many people wait at it.

    Args:
        graph: the steps.
        trigger: the event that starts them.
        waiting: how many people wait, by the key of the wait.
    """
    by_step, removed_waits = graph.count_people(waiting)
    items = list(graph.items)
    if not is_terminal(items):
        items.append(build_end_step())
    rows = [(make_printable(text), number) for text, number in _render_items(items, "")]
    width = min(max((len(text) for text, _ in rows), default=0), _WIDEST)
    lines = [make_printable(f"on {trigger}")]
    for text, number in rows:
        count = sum(by_step.get(number, {}).values())
        lines.append(f"{text:<{width}}  {count:,} waiting" if count else text)
    if removed_waits:
        lines += ["", "Waits that the graph does not show:"]
        lines += [
            make_printable(f"  {key}  {count:,} waiting") for key, count in removed_waits.items()
        ]
    return lines


def _render_items(items: Sequence[Item], prefix: str) -> Iterator[tuple[str, int]]:
    """Yield each line of a part of the tree, with the number of its step.

    Args:
        items: the steps.
        prefix: the start of each line, from the branches around it.
    """
    for position, item in enumerate(items):
        is_last = position == len(items) - 1
        step = item.head if isinstance(item, Fork) else item
        yield f"{prefix}{'└' if is_last else '├'} {_format_step(step)}", step.number
        if isinstance(item, Fork):
            yield from _render_branches(item, prefix + ("  " if is_last else "│ "))


def _render_branches(fork: Fork, prefix: str) -> Iterator[tuple[str, int]]:
    if fork.head.kind == "loop":
        yield from _render_items(fork.branches[0].items, prefix)
        return
    branches = [branch for branch in fork.branches if branch.items]
    for position, branch in enumerate(branches):
        is_last = position == len(branches) - 1
        yield f"{prefix}{'└' if is_last else '├'} {branch.word}", 0
        yield from _render_items(branch.items, prefix + ("  " if is_last else "│ "))


def _format_step(step: GraphStep) -> str:
    """Return a step as one line: `sleep 2 days (post-welcome)`."""
    has_label = step.label and step.label != step.what and not step.ends_flow
    return f"{step.text} ({step.label})" if has_label else step.text
