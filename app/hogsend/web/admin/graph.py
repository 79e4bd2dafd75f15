"""The drawing of a journey's graph: the position of each node, and the lines between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...domain.graph import (
    Branch,
    Fork,
    GraphStep,
    Item,
    JourneyGraph,
    build_end_step,
    build_start_step,
    is_terminal,
)

NODE_WIDTH, NODE_HEIGHT = 196, 44
_GAP, _BRANCH_GAP, _COLUMN_GAP, _MARGIN = 24, 44, 28, 12
# The width of a branch without steps.
_EMPTY_WIDTH = 108
# How far beside its nodes a line leads back to the head of a loop.
_LOOP_MARGIN = 18
# The space between the edge of a node and its text.
_PADDING = 12
# The box of a branch's name: its height, and its distances from the line and from the next node.
_LABEL_HEIGHT, _LABEL_SIDE, _LABEL_BOTTOM = 15, 6, 4

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Node:
    """A node with its position.

    Args:
        step: the step that it shows.
        x: its left edge.
        y: its upper edge.
        wait: the journal key of the wait, when people can be in it.
        waits: the keys of the waits that people are in now, the most frequent first.
        waiting: how many people are in it.
    """

    step: GraphStep
    x: float
    y: float
    wait: str = ""
    waits: Sequence[str] = ()
    waiting: int = 0

    @property
    def title(self) -> str:
        """The large line; the browser cuts what is wider than the node."""
        return self.step.title

    @property
    def caption(self) -> str:
        """The small line above."""
        return self.step.caption

    @property
    def pill_width(self) -> int:
        """The width of the mark with the number of people; 0 without people."""
        return 20 + 7 * len(f"{self.waiting:,}") if self.waiting else 0

    @property
    def text_width(self) -> int:
        """The width that the text may take."""
        return NODE_WIDTH - 2 * _PADDING - self.pill_width


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between nodes.

    Args:
        path: the line, as an SVG path.
        label: the name of the branch that it leads to; empty for other lines.
        x: the left edge of the label's box.
        y: the upper edge of the label's box.
        width: the width of the label's box.
        is_left: whether the label is on the left of the line.
    """

    path: str
    label: str = ""
    x: float = 0
    y: float = 0
    width: float = 0
    is_left: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A journey's drawing.

    Args:
        nodes: from top to bottom.
        edges: the lines between them.
        width: its width.
        height: its height.
        removed_waits: how many people are in waits that the graph does not show, by key.
    """

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: float
    height: float
    removed_waits: Mapping[str, int]

    @property
    def description(self) -> str:
        """The drawing in words, for people who cannot see it."""
        parts = [
            f"{node.caption} {node.title}" + (f", {node.waiting:,} waiting" if node.waiting else "")
            for node in self.nodes
        ]
        return "Steps in order: " + "; ".join(parts)


def draw(graph: JourneyGraph, trigger: str, waiting: Mapping[str, int]) -> Graph:
    """Draw a journey.

    Args:
        graph: its steps.
        trigger: the event that starts it.
        waiting: how many people wait, by the key of the wait.
    """
    items: list[Item] = [build_start_step(trigger), *graph.items]
    if not is_terminal(items):
        items.append(build_end_step())
    layout = _Layout()
    width = _measure_items(items)
    bottom, _ = layout.place_items(items, _MARGIN + width / 2, _MARGIN, [])
    by_step, removed_waits = graph.count_people(waiting)
    nodes = [_add_people(node, by_step.get(node.step.number, {})) for node in layout.nodes]
    return Graph(nodes, layout.edges, width + 2 * _MARGIN, bottom + _MARGIN, removed_waits)


def _add_people(node: Node, people: Mapping[str, int]) -> Node:
    step = node.step
    if not step.is_wait and not people:
        return node
    keys = sorted(people, key=lambda key: (-people[key], key))
    # The address of a step whose key is not known.
    wait = step.first_key if step.key else f"{step.kind}:"
    return Node(step, node.x, node.y, wait, keys, sum(people.values()))


def _measure_items(items: Sequence[Item]) -> float:
    widths: list[float] = [NODE_WIDTH]
    for item in items:
        if isinstance(item, Fork):
            widths.append(_measure_fork(item))
    return max(widths)


def _measure_fork(fork: Fork) -> float:
    columns = _order_branches(fork)
    space = 2 * _LOOP_MARGIN if fork.head.kind == "loop" else 0
    gaps = _COLUMN_GAP * (len(columns) - 1)
    return sum(_measure_column(branch.items) for branch in columns) + gaps + space


def _measure_column(items: Sequence[Item]) -> float:
    return _measure_items(items) if items else _EMPTY_WIDTH


def _order_branches(fork: Fork) -> Sequence[Branch]:
    """Return the branches of a fork from left to right."""
    if fork.head.kind == "loop":
        return [Branch("then"), *fork.branches]
    # The branch "yes" is on the right.
    return fork.branches[::-1] if fork.head.kind == "decision" else fork.branches


@dataclass(slots=True)
class _Layout:
    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])

    def place_items(
        self, items: Sequence[Item], x: float, y: float, sources: list[Point]
    ) -> tuple[float, list[Point]]:
        """Place steps around `x` from `y` down.

        Args:
            items: the steps.
            x: their middle.
            y: the upper edge of the first.
            sources: the points from which lines lead to the first.

        Returns:
            The lower edge, and the points from which lines lead on.
        """
        bottom = y
        for n, item in enumerate(items):
            if n:
                y = bottom + (_BRANCH_GAP if len(sources) > 1 else _GAP)
            step = item.head if isinstance(item, Fork) else item
            for source in sources:
                self.add_edge(source, (x, y))
            self.nodes.append(Node(step, x - NODE_WIDTH / 2, y))
            bottom, sources = y + NODE_HEIGHT, [(x, y + NODE_HEIGHT)]
            if isinstance(item, Fork):
                bottom, sources = self.place_branches(item, x, bottom)
            elif step.ends_flow:
                sources = []
        return bottom, sources

    def place_branches(self, fork: Fork, x: float, top: float) -> tuple[float, list[Point]]:
        """Place the branches of a fork side by side; return what `place_items` does."""
        is_loop, left = fork.head.kind == "loop", x - _measure_fork(fork) / 2
        y, ends, empty = top + _BRANCH_GAP, list[Point](), list[float]()
        bottom = y
        for branch in _order_branches(fork):
            width = _measure_column(branch.items)
            centre, left = left + width / 2, left + width + _COLUMN_GAP
            self.add_edge((x, top), (centre, y), branch.word, width)
            if not branch.items:
                empty.append(centre)
                continue
            lower, sources = self.place_items(branch.items, centre, y, [])
            bottom = max(bottom, lower + _GAP if is_loop else lower)
            if is_loop:
                self.add_loop_back((x, top), centre + width / 2, sources)
            else:
                ends.extend(sources)
        if is_loop and is_terminal([fork]):
            return bottom, []
        self.extend_down([(centre, y) for centre in empty], bottom)
        self.extend_down([end for end in ends if end[1] < bottom], bottom)
        return bottom, [(centre, bottom) for centre in (*empty, *(end[0] for end in ends))]

    def extend_down(self, ends: Sequence[Point], bottom: float) -> None:
        """Draw lines from branches that are shorter than others down to their lower edge."""
        for centre, end in ends:
            self.edges.append(Edge(f"M{centre:.0f},{end:.0f} V{bottom:.0f}"))

    def add_loop_back(self, head: Point, right_edge: float, sources: Sequence[Point]) -> None:
        """Draw lines from the ends of a loop's body back up to the side of its head.

        Args:
            head: the middle of the head's lower edge.
            right_edge: the right edge of the body.
            sources: the ends of the body.
        """
        right, side = right_edge + _LOOP_MARGIN, head[0] + NODE_WIDTH / 2
        for x, y in sources:
            up = head[1] - NODE_HEIGHT / 2
            path = f"M{x:.0f},{y:.0f} V{y + _GAP / 2:.0f} H{right:.0f} V{up:.0f} H{side:.0f}"
            self.edges.append(Edge(path))

    def add_edge(
        self, source: Point, target: Point, label: str = "", column: float = NODE_WIDTH
    ) -> None:
        """Draw a line down to a node.

        Args:
            source: where it begins.
            target: where it ends.
            label: the name of the branch that it leads to, if any.
            column: the width of the column around the target.
        """
        (x1, y1), (x2, y2) = source, target
        middle = (y1 + y2) / 2
        path = f"M{x1:.0f},{y1:.0f} C{x1:.0f},{middle:.0f} {x2:.0f},{middle:.0f} {x2:.0f},{y2:.0f}"
        # The line comes from the other side.
        is_left, room = x2 < x1, column / 2
        at = x2 - room if is_left else x2 + _LABEL_SIDE
        self.edges.append(
            Edge(path, label, at, y2 - _LABEL_BOTTOM - _LABEL_HEIGHT, room - _LABEL_SIDE, is_left)
        )
