"""The variables of every template and their fields, and uses of names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from jinja2 import meta, nodes

from ..domain.footer_texts import FOOTER_TEXTS

# The variables of every template.
SCOPE: Final = frozenset(
    {
        "contact",
        "event",
        "props",
        "list",
        "subject",
        "preheader",
        "unsubscribe_url",
        "preferences_url",
        "view_url",
        "language",
        "footer",
    }
)
# The fields of the variables that have the same fields for all contacts.
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "contact": frozenset({"email", "user_id", "properties", "first_seen_at", "last_seen_at"}),
    "event": frozenset({"name", "properties", "occurred_at", "received_at"}),
    "footer": frozenset(FOOTER_TEXTS),
    "list": frozenset({"id", "name", "description", "transactional"}),
}


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A variable or a field that no template has.

    Args:
        problem: what is wrong, one sentence.
        remedy: what to do about it, one sentence.
        line: the line in the text, from 1.
    """

    problem: str
    remedy: str
    line: int


def find_unknown_names(
    tree: nodes.Template, declared: Collection[str], hidden: Collection[str]
) -> Iterator[UnknownName]:
    """Yield the variables and the fields that do not exist.

    Args:
        tree: the syntax tree of a template.
        declared: names that the template gets from elsewhere, such as from a layout.
        hidden: variables that may have another meaning, such as in a loop over events.
    """
    known = SCOPE | find_declared_names(tree) | set(declared)
    for name in sorted(meta.find_undeclared_variables(tree) - known):
        lines = (node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        remedy = "Templates have: " + ", ".join(sorted(SCOPE)) + "."
        yield UnknownName(f"There is no variable {name!r}.", remedy, min(lines, default=1))
    for use in tree.find_all((nodes.Getattr, nodes.Getitem)):
        owner = use.node
        if not isinstance(owner, nodes.Name) or owner.name in hidden:
            continue
        field = _read_field(use)
        if field is not None and field not in FIELDS.get(owner.name, (field,)):
            problem = f"There is no {owner.name}.{field}."
            yield UnknownName(problem, _find_remedy(owner.name, field), use.lineno)


def _read_field(use: nodes.Expr) -> str | None:
    """Return the field of `contact.email` or `contact["email"]`; None when it is not constant."""
    if isinstance(use, nodes.Getattr):
        return use.attr
    key = use.arg if isinstance(use, nodes.Getitem) else None
    return key.value if isinstance(key, nodes.Const) and isinstance(key.value, str) else None


def _find_remedy(variable: str, field: str) -> str:
    fields = FIELDS[variable]
    close = difflib.get_close_matches(field, fields, n=1)
    if close:
        return f"Did you mean {variable}.{close[0]}?"
    if "properties" in fields:
        return f"What your product sent is in {variable}.properties.{field}."
    return f"There are {', '.join(sorted(fields))}."


def find_local_names(tree: nodes.Template) -> set[str]:
    """Return the names that a template sets itself: in loops, macros, blocks and assignments."""
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}


def find_declared_names(tree: nodes.Template) -> set[str]:
    """Return the names that a template sets, imports or defines as macros."""
    names = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    names.update(macro.name for macro in tree.find_all(nodes.Macro))
    names.update(statement.target for statement in tree.find_all(nodes.Import))
    for statement in tree.find_all(nodes.FromImport):
        names.update(name if isinstance(name, str) else name[1] for name in statement.names)
    return names
