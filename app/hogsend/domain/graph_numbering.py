"""Numbers the steps of a journey's graph, and computes which keys each can have in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .graph import Branch, Fork, GraphStep, Item, JourneyGraph, is_terminal, walk_steps
from .step_key import WILDCARD, StepKey

# The least and the greatest number of calls so far, by key; None stands for no limit.
Counts = dict[str, tuple[int, int | None]]
# Calls are numbered apart under the keys that they had before they were renamed.
_FORMER = "was "


def number_steps(items: Sequence[Item], *, once: bool = False) -> JourneyGraph:
    """Number the steps of a graph, and set the occurrence numbers that each step can have.

    Args:
        items: the steps and forks, not yet numbered.
        once: whether to assume that every loop runs at most once.
    """
    return JourneyGraph(_Numbering(once=once).number_items(items, {}))


@dataclass(slots=True)
class _Numbering:
    once: bool
    last: int = field(default=0)
    # The greatest number of calls at any point, by key; None stands for no limit.
    peaks: dict[str, int | None] = field(default_factory=dict[str, int | None])

    def number_items(self, items: Sequence[Item], counts: Counts) -> tuple[Item, ...]:
        return tuple(
            self.number_fork(item, counts)
            if isinstance(item, Fork)
            else self.number_step(item, counts)
            for item in items
        )

    def number_step(self, step: GraphStep, counts: Counts) -> GraphStep:
        self.last += 1
        first, last = self.count(step.key, counts) if step.key else (step.first, step.last)
        former = tuple(
            StepKey(was.key, *self.count(was.key, counts, _FORMER)) for was in step.former
        )
        return replace(step, number=self.last, first=first, last=last, former=former)

    def count(self, key: str, counts: Counts, prefix: str = "") -> tuple[int, int | None]:
        """Count a call, and return the least and the greatest number that it can have."""
        least, most = counts.get(prefix + key, (0, 0))
        # A wildcard may stand for another text at each call.
        has_wildcard = WILDCARD in key and not self.once
        least, most = (0 if has_wildcard else least) + 1, None if most is None else most + 1
        counts[prefix + key] = (least, most)
        self.raise_peak(prefix + key, most)
        return least, None if has_wildcard else most

    def raise_peak(self, key: str, most: int | None) -> None:
        """Note how many calls there may be at a point."""
        peak = self.peaks.get(key, 0)
        self.peaks[key] = None if most is None or peak is None else max(most, peak)

    def number_fork(self, fork: Fork, counts: Counts) -> Fork:
        head = self.number_step(fork.head, counts)
        before = dict(counts)
        if head.kind == "loop":
            return self.number_loop(replace(fork, head=head), counts, before)
        branches: list[Branch] = []
        ends: list[Counts] = []
        outer_peaks, self.peaks = self.peaks, {}
        start = before
        for branch in fork.branches:
            branch_counts = dict(start)
            branches.append(replace(branch, items=self.number_items(branch.items, branch_counts)))
            ends.append(branch_counts)
            if head.kind == "attempt" and start is before:
                # The `try` block can fail at any point.
                start = _reach_peaks(before, self.peaks)
        inner_peaks, self.peaks = self.peaks, outer_peaks
        for key, peak in inner_peaks.items():
            self.raise_peak(key, peak)
        continuing = [
            end
            for branch, end in zip(fork.branches, ends, strict=True)
            if not is_terminal(branch.items)
        ]
        counts.clear()
        counts.update(_merge_counts(continuing or ends))
        return Fork(head, tuple(branches))

    def number_loop(self, fork: Fork, counts: Counts, before: Counts) -> Fork:
        body = fork.branches[0].items
        keys = {step.key for step in walk_steps(body) if step.key}
        keys |= {_FORMER + was.key for step in walk_steps(body) for was in step.former}
        inside = dict(before)
        if not self.once:
            for key in keys:
                inside[key] = (before.get(key, (0, 0))[0], None)
        items = self.number_items(body, inside)
        counts.clear()
        counts.update(_merge_counts([before, inside]))
        return Fork(fork.head, (replace(fork.branches[0], items=items),))


def _reach_peaks(before: Counts, peaks: Mapping[str, int | None]) -> Counts:
    """Return the counts at any point of steps that come after others."""
    counts = dict(before)
    for key, peak in peaks.items():
        counts[key] = (before.get(key, (0, 0))[0], peak)
    return counts


def _merge_counts(alternatives: Sequence[Counts]) -> Counts:
    """Return the counts after a fork, of which any one branch was taken."""
    merged: Counts = {}
    for key in {key for counts in alternatives for key in counts}:
        ranges = [counts.get(key, (0, 0)) for counts in alternatives]
        limits = [most for _, most in ranges if most is not None]
        most = max(limits) if len(limits) == len(ranges) else None
        merged[key] = (min(least for least, _ in ranges), most)
    return merged
