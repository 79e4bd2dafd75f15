"""The picture of a journey, drawn from its code.

The source is read, never run: calls of the context become nodes, `if` becomes a branch, and what
cannot be read this way is left out rather than guessed.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...domain import durations

NODE_WIDTH, NODE_HEIGHT = 196, 44
_GAP, _BRANCH_GAP, _COLUMN_GAP, _MARGIN = 24, 44, 28, 12
_LONGEST = 26

_KINDS = {
    "send": "send",
    "sleep": "sleep",
    "sleep_until": "sleep",
    "wait_for": "wait",
    "wait_for_any": "wait",
    "trigger": "trigger",
    "checkpoint": "checkpoint",
    "variant": "variant",
    "step": "step",
    "digest": "digest",
    "throttle": "throttle",
    "exit": "exit",
    "has_event": "decision",
    "count": "look",
    "events": "look",
    "last_event": "look",
    "is_subscribed": "decision",
}
_INSIDE = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith)
_UNITS = {
    make.__name__: make
    for make in (
        durations.seconds,
        durations.minutes,
        durations.hours,
        durations.days,
        durations.weeks,
    )
}
_WAITS = ("sleep", "wait", "digest")


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the context in the source.

    Args:
        kind: `send sleep wait decision look trigger …`, or `start` and `end`.
        label: what it is called: template, event, label.
        title: the big line of the node.
        kicker: the small line above.
        line: the line in the source, from 1.
    """

    kind: str
    label: str
    title: str
    kicker: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """An `if`: two ways on."""

    decision: Step
    yes: Sequence[Step | Branch]
    no: Sequence[Step | Branch]


Flow = Sequence[Step | Branch]


@dataclass(frozen=True, slots=True)
class Node:
    """A node with its place.

    Args:
        step: what it is.
        x: the left edge.
        y: the upper edge.
        wait: the journal key of the wait, when people can be there.
        waiting: how many wait there now.
    """

    step: Step
    x: float
    y: float
    wait: str = ""
    waiting: int = 0


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
            f"{node.step.kicker} {node.step.title}"
            + (f", {node.waiting:,} waiting" if node.waiting else "")
            for node in self.nodes
        ]
        return "Steps in order: " + "; ".join(parts)


def draw(source: str, trigger: str, waiting: Mapping[str, int]) -> Graph:
    """Draw a journey.

    Args:
        source: the text of its function.
        trigger: the event that starts it.
        waiting: how many people wait, by the key of the wait.
    """
    flow = [Step("start", trigger, trigger, "starts on"), *read(source)]
    if not _ends(flow):
        flow.append(Step("end", "completed", "completed", "ends"))
    board = _Board()
    width = _width(flow)
    bottom, _ = board.flow(flow, _MARGIN + width / 2, _MARGIN, [])
    nodes, elsewhere = _count(board.nodes, waiting)
    return Graph(nodes, board.edges, width + 2 * _MARGIN, bottom + _MARGIN, elsewhere)


def read(source: str) -> Flow:
    """Read the steps of a journey out of its source; nothing when it cannot be parsed."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return []
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and len(node.args.args) >= 2:
            return _Reader(node.args.args[1].arg).block(node.body)
    return []


@dataclass(frozen=True, slots=True)
class _Reader:
    context: str

    def block(self, body: Sequence[ast.stmt]) -> list[Step | Branch]:
        flow: list[Step | Branch] = []
        for statement in body:
            flow.extend(self.statement(statement))
            if _ends(flow):
                break
        return flow

    def statement(self, node: ast.stmt) -> Iterator[Step | Branch]:
        if isinstance(node, ast.If):
            yield from self.branch(node)
        elif isinstance(node, _INSIDE):
            yield from self.block(node.body)
        elif isinstance(node, ast.Try):
            yield from self.block([*node.body, *node.finalbody])
        elif isinstance(node, ast.Return):
            yield from self.calls(node)
            yield Step("end", "completed", "completed", "ends", node.lineno)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from self.calls(node)

    def branch(self, node: ast.If) -> Iterator[Step | Branch]:
        yes, no = self.block(node.body), self.block(node.orelse)
        asked = list(self.calls(node.test))
        if not yes and not no:
            yield from asked
            return
        test = node.test
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yes, no, test = no, yes, test.operand
        if len(asked) == 1 and isinstance(test, ast.Await):
            said = asked[0]
            yield Branch(
                Step("decision", said.label, said.title, said.kicker, node.lineno), yes, no
            )
            return
        yield from asked
        text = ast.unparse(test).replace("await ", "").replace(f"{self.context}.", "")
        yield Branch(Step("decision", text, _short(f"{text}?"), "decision", node.lineno), yes, no)

    def calls(self, node: ast.AST) -> Iterator[Step]:
        for inner in ast.iter_child_nodes(node):
            yield from self.calls(inner)
        if isinstance(node, ast.Call):
            step = self.call(node)
            if step is not None:
                yield step

    def call(self, node: ast.Call) -> Step | None:
        path = ast.unparse(node.func).split(".")
        if path[0] != self.context or path[-1] not in _KINDS or len(path) > 3:
            return None
        kind = _KINDS[path[-1]]
        named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        first = _words(node.args[0]) if node.args else ""
        label = _words(named["label"]) if "label" in named else first
        kicker, title = kind, first
        if kind == "sleep":
            if "label" not in named:
                label = _unlabelled(node.args[0]) if path[-1] == "sleep" and node.args else "until"
            kicker = f"sleep · {label}" if "label" in named else "sleep"
        elif kind == "wait" and "timeout" in named:
            kicker = f"wait · up to {_words(named['timeout'])}"
        elif kind in ("decision", "look"):
            title = f"{first or 'list'}?"
        elif kind == "exit":
            return Step("end", first, _short(first or "exited"), "exits", node.lineno)
        return Step(kind, label, _short(title), _short(kicker), node.lineno)


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.func, ast.Name):
        unit, amount = node.func.id, node.args[0]
        if isinstance(amount, ast.Constant) and unit.endswith("s"):
            return f"{amount.value} {unit if amount.value != 1 else unit[:-1]}"
        if unit == "on":
            return _words(amount)
    return ast.unparse(node)


def _unlabelled(node: ast.expr) -> str:
    """Return what the journal calls a sleep that the author gave no label: its length."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        make, amount = _UNITS.get(node.func.id), node.args[0]
        if make and isinstance(amount, ast.Constant) and isinstance(amount.value, int | float):
            return str(make(amount.value))
    return ast.unparse(node)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _ends(flow: Flow) -> bool:
    if not flow:
        return False
    last = flow[-1]
    if isinstance(last, Branch):
        return _ends(last.yes) and _ends(last.no)
    return last.kind == "end"


def _width(flow: Flow) -> float:
    widths: list[float] = [NODE_WIDTH]
    for item in flow:
        if isinstance(item, Branch):
            widths.append(_side(item.no) + _side(item.yes) + _COLUMN_GAP)
    return max(widths)


def _side(flow: Flow) -> float:
    return _width(flow) if flow else NODE_WIDTH / 3


@dataclass(slots=True)
class _Board:
    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])

    def flow(
        self, flow: Flow, x: float, y: float, sources: list[tuple[float, float]]
    ) -> tuple[float, list[tuple[float, float]]]:
        """Place a flow around `x` from `y` down; return its bottom and the ends to go on from."""
        bottom = y
        for n, item in enumerate(flow):
            if n:
                y = bottom + (_BRANCH_GAP if len(sources) > 1 else _GAP)
            step = item.decision if isinstance(item, Branch) else item
            for source in sources:
                self.edge(source, (x, y))
            self.nodes.append(Node(step, x - NODE_WIDTH / 2, y))
            bottom, sources = y + NODE_HEIGHT, [(x, y + NODE_HEIGHT)]
            if isinstance(item, Branch):
                bottom, sources = self.sides(item, x, bottom)
            elif step.kind == "end":
                sources = []
        return bottom, sources

    def sides(
        self, branch: Branch, x: float, top: float
    ) -> tuple[float, list[tuple[float, float]]]:
        no, yes = _side(branch.no), _side(branch.yes)
        left = x - (no + yes + _COLUMN_GAP) / 2
        ways = (
            (branch.no, left + no / 2, "no", "end"),
            (branch.yes, left + no + _COLUMN_GAP + yes / 2, "yes", "start"),
        )
        y, ends, empty = top + _BRANCH_GAP, list[tuple[float, float]](), list[float]()
        bottom = y
        for way, centre, word, anchor in ways:
            self.edge((x, top), (centre, y), word, anchor)
            if not way:
                empty.append(centre)
                continue
            reached, sources = self.flow(way, centre, y, [])
            bottom = max(bottom, reached)
            ends.extend(sources)
        for centre in empty:
            self.edges.append(Edge(f"M{centre:.0f},{y:.0f} V{bottom:.0f}"))
            ends.append((centre, bottom))
        # A side that is shorter than the other is led down beside it.
        for n, (centre, end) in enumerate(ends):
            if end < bottom:
                self.edges.append(Edge(f"M{centre:.0f},{end:.0f} V{bottom:.0f}"))
                ends[n] = (centre, bottom)
        return bottom, ends

    def edge(
        self,
        source: tuple[float, float],
        target: tuple[float, float],
        word: str = "",
        anchor: str = "middle",
    ) -> None:
        (x1, y1), (x2, y2) = source, target
        middle = (y1 + y2) / 2
        path = f"M{x1:.0f},{y1:.0f} C{x1:.0f},{middle:.0f} {x2:.0f},{middle:.0f} {x2:.0f},{y2:.0f}"
        at = (x1 + x2) / 2 + (-8 if anchor == "end" else 8)
        self.edges.append(Edge(path, word, at, middle - 5, anchor))


def _count(nodes: Sequence[Node], waiting: Mapping[str, int]) -> tuple[list[Node], dict[str, int]]:
    """Say at each wait how many are there: the n-th of a name is the key's n-th occurrence."""
    seen: dict[str, int] = {}
    placed: list[Node] = []
    left = dict(waiting)
    for node in nodes:
        if node.step.kind in _WAITS:
            base = f"{node.step.kind}:{node.step.label}"
            seen[base] = seen.get(base, 0) + 1
            key = base if seen[base] == 1 else f"{base}#{seen[base]}"
            node = Node(node.step, node.x, node.y, key, left.pop(key, 0))
        placed.append(node)
    return placed, left
