"""Decides whether a template can be compiled: it may only print values, not compute with them.

Placeholders must not reach an expression: `{{ button(name) | upper }}` or
`{% set x %}…{% endset %}` would compute with the placeholders. Printed output can reach an
expression only through macros, `caller`, `super`, `self`, a recursive `loop`, and blocks that set
or filter, so the check looks for these. In doubt it rejects the template, which then renders
correctly but more slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import meta, nodes

# Nodes that capture printed output, or change how it is escaped.
_CAPTURING = (
    nodes.AssignBlock,
    nodes.FilterBlock,
    nodes.ScopedEvalContextModifier,
    nodes.EvalContextModifier,
)
# The statements of an imported file that print nothing. Jinja discards the output of an import.
_SILENT = (nodes.Macro, nodes.Assign, nodes.Import, nodes.FromImport)
# The names that return printed output in every template.
_BUILT_IN_MAKERS = frozenset(("caller", "super", "self", "loop"))


def can_be_compiled(name: str, parse: Callable[[str], nodes.Template]) -> bool:
    """Return whether a template, with every file that it uses, only prints its values.

    Args:
        name: the template's file.
        parse: returns a file's syntax tree.

    Raises:
        jinja2.TemplateSyntaxError, KeyError: from `parse`, when a file is broken or missing.
    """
    trees: dict[str, nodes.Template] = {}
    unread = [name]
    while unread:
        name = unread.pop()
        if name in trees:
            continue
        tree = trees[name] = parse(name)
        for used in meta.find_referenced_templates(tree):
            if used is None:
                return False
            unread.append(used)
    makers = _BUILT_IN_MAKERS.union(*(_find_makers(tree, trees) for tree in trees.values()))
    return all(_is_print_only(tree, makers, trees) for tree in trees.values())


def _find_makers(tree: nodes.Template, trees: Mapping[str, nodes.Template]) -> set[str]:
    """Return the names through which a file can call macros, which return printed output."""
    names = {macro.name for macro in tree.find_all(nodes.Macro)}
    names.update(statement.target for statement in tree.find_all(nodes.Import))
    for statement in tree.find_all(nodes.FromImport):
        constants = _find_constants(statement.template, trees)
        for imported in statement.names:
            name, alias = (imported, imported) if isinstance(imported, str) else imported
            if name not in constants:
                names.add(alias)
    return names


def _find_constants(file: nodes.Expr, trees: Mapping[str, nodes.Template]) -> set[str]:
    """Return the names that an imported file only assigns: they are neither macros nor imports."""
    if not isinstance(file, nodes.Const) or file.value not in trees:
        return set()
    tree = trees[file.value]
    names = {
        statement.target.name
        for statement in tree.find_all(nodes.Assign)
        if isinstance(statement.target, nodes.Name)
    }
    names -= {macro.name for macro in tree.find_all(nodes.Macro)}
    names -= {statement.target for statement in tree.find_all(nodes.Import)}
    for statement in tree.find_all(nodes.FromImport):
        names -= {name if isinstance(name, str) else name[1] for name in statement.names}
    return names


def _is_print_only(
    tree: nodes.Template, makers: frozenset[str], trees: Mapping[str, nodes.Template]
) -> bool:
    if any(tree.find_all(_CAPTURING)):
        return False
    for statement in tree.find_all((nodes.Import, nodes.FromImport)):
        file = statement.template
        if not isinstance(file, nodes.Const) or not _is_silent(trees[file.value]):
            return False
    printed = {id(name) for name in _find_printed(tree)}
    return all(
        id(name) in printed
        for name in tree.find_all(nodes.Name)
        if name.ctx == "load" and name.name in makers
    )


def _is_silent(tree: nodes.Template) -> bool:
    return all(
        isinstance(statement, _SILENT)
        or (
            isinstance(statement, nodes.Output)
            and all(isinstance(part, nodes.TemplateData) for part in statement.nodes)
        )
        for statement in tree.body
    )


def _find_printed(tree: nodes.Template) -> list[nodes.Name]:
    """Return the names that are only printed unchanged, or whose use returns no output."""
    calls = [part for output in tree.find_all(nodes.Output) for part in output.nodes]
    calls += [block.call for block in tree.find_all(nodes.CallBlock)]
    names: list[nodes.Name] = []
    for call in calls:
        if isinstance(call, nodes.Call):
            callee = call.node.node if isinstance(call.node, nodes.Getattr) else call.node
            if isinstance(callee, nodes.Name):
                names.append(callee)
    # `loop.index` and other attributes are values, while `loop(…)` returns output.
    for attribute in tree.find_all(nodes.Getattr):
        if isinstance(attribute.node, nodes.Name) and attribute.node.name == "loop":
            names.append(attribute.node)
    return names
