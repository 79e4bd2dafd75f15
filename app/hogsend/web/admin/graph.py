"""The picture of a journey: where each step of its graph stands, and the lines between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...domain.graph import (
    COMPLETED,
    LAST,
    Branch,
    Fork,
    GraphStep,
    Item,
    JourneyGraph,
    never_goes_on,
)

NODE_WIDTH, NODE_HEIGHT = 196, 44
_GAP, _BRANCH_GAP, _COLUMN_GAP, _MARGIN = 24, 44, 28, 12
# How far beside its nodes a line leads back to the head of a loop.
_ROUND = 18
_LONGEST = 26

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Node:
    """A node with its place.

    Args:
        step: what it is.
        x: the left edge.
        y: the upper edge.
        wait: the journal key of the wait, when people can be there.
        waits: the keys by which people are there now.
        waiting: how many they are.
    """

    step: GraphStep
    x: float
    y: float
    wait: str = ""
    waits: Sequence[str] = ()
    waiting: int = 0

    @property
    def title(self) -> str:
        """The big line."""
        step = self.step
        if step.kind in ("decision", "look"):
            return _short(f"{step.what}?")
        return _short(step.span if step.kind == "sleep" else step.what)

    @property
    def kicker(self) -> str:
        """The small line above."""
        step = self.step
        if step.kind == "sleep" and step.label:
            return _short(f"sleep · {step.label}")
        if step.kind in ("wait", "digest") and step.span:
            return _short(f"{step.kind} · {step.span}")
        return _KICKERS.get(step.kind, step.kind)


_KICKERS = {
    "start": "starts on",
    "end": "ends",
    "exit": "exits",
    "fail": "fails",
    "attempt": "what may fail",
    "jump": "goes on",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between nodes, as an SVG path, with an optional word."""

    path: str
    word: str = ""
    x: float = 0
    y: float = 0
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Graph:
    """A drawn journey.

    Args:
        nodes: from top to bottom.
        edges: the lines between them.
        width: of the picture.
        height: of the picture.
        elsewhere: waits that people are in and that the picture does not show, with how many.
    """

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: float
    height: float
    elsewhere: Mapping[str, int]

    @property
    def told(self) -> str:
        """The picture in words, for those who do not see it."""
        parts = [
            f"{node.kicker} {node.title}" + (f", {node.waiting:,} waiting" if node.waiting else "")
            for node in self.nodes
        ]
        return "Steps in order: " + "; ".join(parts)


def draw(flow: JourneyGraph, trigger: str, waiting: Mapping[str, int]) -> Graph:
    """Draw a journey.

    Args:
        flow: its steps.
        trigger: the event that starts it.
        waiting: how many people wait, by the key of the wait.
    """
    items: list[Item] = [GraphStep("start", trigger), *flow.items]
    if not never_goes_on(items):
        items.append(GraphStep("end", COMPLETED))
    board = _Board()
    width = _width(items)
    bottom, _ = board.flow(items, _MARGIN + width / 2, _MARGIN, [])
    here, elsewhere = flow.people(waiting)
    nodes = [_with_people(node, here.get(node.step.number, {})) for node in board.nodes]
    return Graph(nodes, board.edges, width + 2 * _MARGIN, bottom + _MARGIN, elsewhere)


def _with_people(node: Node, here: Mapping[str, int]) -> Node:
    step = node.step
    if not step.is_wait or not step.key:
        return node
    # Those with most people first.
    keys = sorted(here, key=lambda key: (-here[key], key))
    return Node(step, node.x, node.y, step.first_key, keys, sum(here.values()))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _width(items: Sequence[Item]) -> float:
    widths: list[float] = [NODE_WIDTH]
    for item in items:
        if isinstance(item, Fork):
            widths.append(_spread(item))
    return max(widths)


def _spread(fork: Fork) -> float:
    columns = _columns(fork)
    room = 2 * _ROUND if fork.head.kind == "loop" else 0
    return sum(_side(way.items) for way in columns) + _COLUMN_GAP * (len(columns) - 1) + room


def _side(items: Sequence[Item]) -> float:
    return _width(items) if items else NODE_WIDTH / 3


def _columns(fork: Fork) -> Sequence[Branch]:
    """Return the ways of a fork from left to right."""
    if fork.head.kind == "loop":
        return [Branch("then"), *fork.ways]
    # Where there is a yes, it stands on the right.
    return fork.ways[::-1] if fork.head.kind == "decision" else fork.ways


@dataclass(slots=True)
class _Board:
    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])

    def flow(
        self, items: Sequence[Item], x: float, y: float, sources: list[Point]
    ) -> tuple[float, list[Point]]:
        """Place a flow around `x` from `y` down; return its bottom and the ends to go on from."""
        bottom = y
        for n, item in enumerate(items):
            if n:
                y = bottom + (_BRANCH_GAP if len(sources) > 1 else _GAP)
            step = item.head if isinstance(item, Fork) else item
            for source in sources:
                self.edge(source, (x, y))
            self.nodes.append(Node(step, x - NODE_WIDTH / 2, y))
            bottom, sources = y + NODE_HEIGHT, [(x, y + NODE_HEIGHT)]
            if isinstance(item, Fork):
                bottom, sources = self.ways(item, x, bottom)
            elif step.kind in LAST:
                sources = []
        return bottom, sources

    def ways(self, fork: Fork, x: float, top: float) -> tuple[float, list[Point]]:
        is_loop, left = fork.head.kind == "loop", x - _spread(fork) / 2
        y, ends, empty = top + _BRANCH_GAP, list[Point](), list[float]()
        bottom = y
        for way in _columns(fork):
            side = _side(way.items)
            centre, left = left + side / 2, left + side + _COLUMN_GAP
            self.edge((x, top), (centre, y), way.word)
            if not way.items:
                empty.append(centre)
                continue
            reached, sources = self.flow(way.items, centre, y, [])
            bottom = max(bottom, reached + _GAP if is_loop else reached)
            if is_loop:
                self.back((x, top), centre + side / 2, sources)
            else:
                ends.extend(sources)
        if is_loop and never_goes_on([fork]):
            return bottom, []
        self.lead_down([(centre, y) for centre in empty], bottom)
        self.lead_down([end for end in ends if end[1] < bottom], bottom)
        return bottom, [(centre, bottom) for centre in (*empty, *(end[0] for end in ends))]

    def lead_down(self, ends: Sequence[Point], bottom: float) -> None:
        """Lead sides that are shorter than the others down beside them."""
        for centre, end in ends:
            self.edges.append(Edge(f"M{centre:.0f},{end:.0f} V{bottom:.0f}"))

    def back(self, head: Point, edge: float, sources: Sequence[Point]) -> None:
        """Lead the ends of a loop's body back up to the side of its head.

        Args:
            head: the middle of the head's lower edge.
            edge: the right edge of the body.
            sources: the ends of the body.
        """
        right, side = edge + _ROUND, head[0] + NODE_WIDTH / 2
        for x, y in sources:
            up = head[1] - NODE_HEIGHT / 2
            path = f"M{x:.0f},{y:.0f} V{y + _GAP / 2:.0f} H{right:.0f} V{up:.0f} H{side:.0f}"
            self.edges.append(Edge(path))

    def edge(self, source: Point, target: Point, word: str = "") -> None:
        (x1, y1), (x2, y2) = source, target
        middle = (y1 + y2) / 2
        path = f"M{x1:.0f},{y1:.0f} C{x1:.0f},{middle:.0f} {x2:.0f},{middle:.0f} {x2:.0f},{y2:.0f}"
        anchor = "end" if x2 < x1 else "start"
        at = (x1 + x2) / 2 + (-8 if anchor == "end" else 8)
        self.edges.append(Edge(path, _short(word), at, middle - 5, anchor))
