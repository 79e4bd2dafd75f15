"""A call in the author's code: its arguments, as values and as text, and its node in the graph."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, cast

from ...domain.durations import describe_duration
from ...domain.graph import GraphStep
from ...domain.step_key import StepKey
from .constants import UNKNOWN, Pattern
from .scopes import Scope

# The name of a call in the journal when no part of the name is known.
UNNAMED: Final = Pattern("*")
_MAX_KEY_LENGTH = 180


@dataclass(frozen=True, slots=True)
class CallSite:
    """A `ctx` call in the author's code.

    Args:
        call: the syntax node.
        path: the path of the method in the context, such as `("history", "count")`.
        scope: the names around it.
        trigger: the event that starts the journey; empty when not known.
    """

    call: ast.Call
    path: tuple[str, ...]
    scope: Scope
    trigger: str = ""

    # -- arguments ----------------------------------------------------------------------------

    @property
    def arguments(self) -> list[ast.expr]:
        """All arguments, in the order of the code."""
        return [*self.call.args, *(keyword.value for keyword in self.call.keywords)]

    def find_argument(self, position: int, name: str = "") -> ast.expr | None:
        """Return an argument.

        Args:
            position: the position, from 0; -1 for an argument that is always passed by name.
            name: the name.
        """
        for keyword in self.call.keywords:
            if name and keyword.arg == name:
                return keyword.value
        args = self.call.args
        if 0 <= position < len(args) and not any(isinstance(a, ast.Starred) for a in args):
            return args[position]
        return None

    def evaluate(self, position: int, name: str = "") -> Any:
        """Return an argument's value: None without the argument, `UNKNOWN` when not constant."""
        node = self.find_argument(position, name)
        if node is None:
            return UNKNOWN if self._has_spread else None
        return self.scope.evaluate(node)

    def is_unknown(self, value: Any) -> bool:
        """Return whether a result of `evaluate` is not constant, or only in part."""
        return value is UNKNOWN or isinstance(value, Pattern)

    def evaluate_text(self, position: int, name: str = "") -> str | None:
        """Return a text argument: None without the argument, a `Pattern` when not constant."""
        value = self.evaluate(position, name)
        return None if value is None else value if isinstance(value, str) else UNNAMED

    def list_former_labels(self) -> list[str]:
        """Return the labels of `was=` that are known; `*` stands for an unknown part of a label."""
        value = self.evaluate(-1, "was")
        labels = cast("list[Any]", value) if isinstance(value, list) else [value]
        return [label for label in labels if isinstance(label, str)]

    def format_argument(self, position: int, name: str = "") -> str:
        """Return the text that the screen shows for an argument: the value, or the code."""
        node = self.find_argument(position, name)
        return "" if node is None else format_value(node, self.scope)

    @property
    def code(self) -> str:
        """The code of the call, as the screen shows it."""
        return format_code(self.call, self.scope)

    @property
    def _has_spread(self) -> bool:
        is_starred = any(isinstance(node, ast.Starred) for node in self.call.args)
        return is_starred or any(keyword.arg is None for keyword in self.call.keywords)

    # -- nodes of the graph -------------------------------------------------------------------

    def build_step(
        self,
        kind: str,
        what: str,
        name: str | None,
        *,
        span: str = "",
        key_kind: str = "",
        has_label: bool = True,
    ) -> GraphStep:
        """Return the node of this call.

        Args:
            kind: the kind of the node.
            what: the subject of the call, such as a template or an event.
            name: the call's name in the journal without `label=`; None when the name is not known.
            span: the length of a wait, as text.
            key_kind: the kind of the call in the journal; `kind` unless given.
            has_label: whether the call takes a `label=`.
        """
        label = self.evaluate_text(-1, "label") if has_label else None
        prefix = f"{key_kind or kind}:"
        key = f"{prefix}{label or name or UNNAMED}"[:_MAX_KEY_LENGTH]
        former = (f"{prefix}{was}"[:_MAX_KEY_LENGTH] for was in self.list_former_labels())
        return GraphStep(
            kind=kind,
            what=what,
            label=self.format_argument(-1, "label") if label else "",
            span=span,
            key="" if key.endswith(f":{UNNAMED}") else key,
            former=tuple(map(StepKey, former)),
            file=self.scope.module.file,
            line=self.scope.module.find_line(self.call),
            title=what,
            caption=kind,
            text=f"{kind} {what}",
        )

    def build_question(self, key_kind: str, what: str, name: str | None) -> GraphStep:
        """Return the node of a read, which becomes the decision when an `if` tests the read.

        Args:
            key_kind: the kind of the call in the journal.
            what: the subject of the read.
            name: the call's name in the journal without `label=`; None when the name is not known.
        """
        # `journeys show --json` has called this kind `look` since the first release.
        step = self.build_step("look", what, name, key_kind=key_kind)
        return replace(
            step, title=f"{what}?", caption="check", text=f"check: {what}", is_question=True
        )


# -- text -------------------------------------------------------------------------------------


def format_value(node: ast.expr, scope: Scope) -> str:
    """Return the text that the screen shows for an expression: its value, or else its code."""
    value = scope.evaluate(node)
    if isinstance(value, Pattern) or value is UNKNOWN:
        return format_code(node, scope)
    return describe_duration(value) if isinstance(value, timedelta) else str(value)


def format_code(node: ast.AST, scope: Scope) -> str:
    """Return the code of a node without `await`, `ctx.` and `ctx.history.`."""
    text = ast.unparse(node).replace("await ", "")
    for name in scope.contexts:
        text = text.replace(f"{name}.history.", "").replace(f"{name}.", "")
    return text
