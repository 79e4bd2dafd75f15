"""A call in the author's code: its arguments, as values and as text, and its node in the graph."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from ...domain.durations import describe_duration
from ...domain.graph import GraphStep
from .constants import UNKNOWN, Pattern
from .scopes import Scope

# The name of a call in the journal when nothing of it is known.
UNNAMED: Final = Pattern("*")
_MAX_KEY_LENGTH = 180


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call of the context.

    Args:
        call: its syntax node.
        path: what is called, such as `("history", "count")`.
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
            position: its position, from 0; -1 for one that is always given by name.
            name: its name.
        """
        for keyword in self.call.keywords:
            if name and keyword.arg == name:
                return keyword.value
        args = self.call.args
        if 0 <= position < len(args) and not any(isinstance(a, ast.Starred) for a in args):
            return args[position]
        return None

    def evaluate(self, position: int, name: str = "") -> Any:
        """Return an argument's value: None when it is not given, `UNKNOWN` when it is unclear."""
        node = self.find_argument(position, name)
        if node is None:
            return UNKNOWN if self._has_spread else None
        return self.scope.evaluate(node)

    def evaluate_text(self, position: int, name: str = "") -> str | None:
        """Return a text argument: None when it is not given, a `Pattern` when it is unclear."""
        value = self.evaluate(position, name)
        return None if value is None else value if isinstance(value, str) else UNNAMED

    def format_argument(self, position: int, name: str = "") -> str:
        """Return an argument for the screen: its value, or its code."""
        node = self.find_argument(position, name)
        return "" if node is None else format_value(node, self.scope)

    @property
    def code(self) -> str:
        """The call's own code, for the screen."""
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
            what: what the call is about: a template, an event.
            name: how the journal names it when it has no label; None when that is not known.
            span: how long it lasts, for a wait.
            key_kind: the kind in the journal; `kind` unless given.
            has_label: whether the call takes a `label=`.
        """
        label = self.evaluate_text(-1, "label") if has_label else None
        key = f"{key_kind or kind}:{label or name or UNNAMED}"[:_MAX_KEY_LENGTH]
        return GraphStep(
            kind=kind,
            what=what,
            label=self.format_argument(-1, "label") if label else "",
            span=span,
            key="" if key.endswith(f":{UNNAMED}") else key,
            file=self.scope.module.file,
            line=self.scope.module.find_line(self.call),
            title=what,
            caption=kind,
            text=f"{kind} {what}",
        )

    def build_question(self, key_kind: str, what: str, name: str | None) -> GraphStep:
        """Return the node of a read; where a condition asks for it, it is the decision itself.

        Args:
            key_kind: the kind in the journal.
            what: what is read.
            name: how the journal names it when it has no label; None when that is not known.
        """
        # `journeys show --json` has called this kind `look` since the first release.
        step = self.build_step("look", what, name, key_kind=key_kind)
        return replace(
            step, title=f"{what}?", caption="check", text=f"check: {what}", is_question=True
        )


# -- text -------------------------------------------------------------------------------------


def format_value(node: ast.expr, scope: Scope) -> str:
    """Return an expression for the screen: `2 days`, `plan.upgraded`, else its code."""
    value = scope.evaluate(node)
    if isinstance(value, Pattern) or value is UNKNOWN:
        return format_code(node, scope)
    return describe_duration(value) if isinstance(value, timedelta) else str(value)


def format_code(node: ast.AST, scope: Scope) -> str:
    """Return the code of a node, without what the reader can do without: `await`, `ctx.`."""
    text = ast.unparse(node).replace("await ", "")
    for name in scope.contexts:
        text = text.replace(f"{name}.history.", "").replace(f"{name}.", "")
    return text
