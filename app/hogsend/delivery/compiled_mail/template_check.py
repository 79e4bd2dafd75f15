"""Decides whether a template can be compiled: it only prints its values, and computes with none.

Placeholders must not reach an expression: `{{ button(name) | upper }}` or
`{% set x %}…{% endset %}` would compute with them. Only macros, `caller`, `super`, `self`, a
recursive `loop` and blocks that set or filter can use printed output, so the check looks for
these. In doubt the template is not compiled, which costs nothing but time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import meta, nodes

_CATCHING = (
    nodes.AssignBlock,
    nodes.FilterBlock,
    nodes.ScopedEvalContextModifier,  # without escaping, a value is not what it is in HTML
    nodes.EvalContextModifier,
)
# What an imported file may consist of: its other output would be made once and go nowhere.
_SILENT = (nodes.Macro, nodes.Assign, nodes.Import, nodes.FromImport)
_ALWAYS = frozenset(("caller", "super", "self", "loop"))


def can_be_compiled(name: str, parsed: Callable[[str], nodes.Template]) -> bool:
    """Return whether a template, with every file it uses, only prints its values.

    Args:
        name: the template's file.
        parsed: returns a file's syntax tree.

    Raises:
        jinja2.TemplateSyntaxError: from `parsed`.
    """
    trees: dict[str, nodes.Template] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name in trees:
            continue
        tree = trees[name] = parsed(name)
        for used in meta.find_referenced_templates(tree):
            if used is None:
                return False
            waiting.append(used)
    makers = _ALWAYS.union(*(_makers(tree, trees) for tree in trees.values()))
    return all(_is_sound(tree, makers, trees) for tree in trees.values())


def _makers(tree: nodes.Template, trees: Mapping[str, nodes.Template]) -> set[str]:
    """Return the names by which a file can call for output of macros."""
    names = {macro.name for macro in tree.find_all(nodes.Macro)}
    names.update(one.target for one in tree.find_all(nodes.Import))
    for one in tree.find_all(nodes.FromImport):
        constants = _constants(one.template, trees)
        for wanted in one.names:
            name, alias = (wanted, wanted) if isinstance(wanted, str) else wanted
            if name not in constants:
                names.add(alias)
    return names


def _constants(file: nodes.Expr, trees: Mapping[str, nodes.Template]) -> set[str]:
    """Return what an imported file sets to a value, and neither defines nor imports."""
    if not isinstance(file, nodes.Const) or file.value not in trees:
        return set()
    tree = trees[file.value]
    names = {
        one.target.name for one in tree.find_all(nodes.Assign) if isinstance(one.target, nodes.Name)
    }
    names -= {macro.name for macro in tree.find_all(nodes.Macro)}
    names -= {one.target for one in tree.find_all(nodes.Import)}
    for one in tree.find_all(nodes.FromImport):
        names -= {wanted if isinstance(wanted, str) else wanted[1] for wanted in one.names}
    return names


def _is_sound(
    tree: nodes.Template, makers: frozenset[str], trees: Mapping[str, nodes.Template]
) -> bool:
    if any(tree.find_all(_CATCHING)):
        return False
    for one in tree.find_all((nodes.Import, nodes.FromImport)):
        file = one.template
        if not isinstance(file, nodes.Const) or not _is_silent(trees[file.value]):
            return False
    printed = {id(name) for name in _printed(tree)}
    return all(
        id(name) in printed
        for name in tree.find_all(nodes.Name)
        if name.ctx == "load" and name.name in makers
    )


def _is_silent(tree: nodes.Template) -> bool:
    return all(
        isinstance(one, _SILENT)
        or (
            isinstance(one, nodes.Output)
            and all(isinstance(part, nodes.TemplateData) for part in one.nodes)
        )
        for one in tree.body
    )


def _printed(tree: nodes.Template) -> list[nodes.Name]:
    """Return the names whose calls are printed as they come, and those that make nothing."""
    calls = [part for one in tree.find_all(nodes.Output) for part in one.nodes]
    calls += [one.call for one in tree.find_all(nodes.CallBlock)]
    names: list[nodes.Name] = []
    for call in calls:
        if isinstance(call, nodes.Call):
            callee = call.node.node if isinstance(call.node, nodes.Getattr) else call.node
            if isinstance(callee, nodes.Name):
                names.append(callee)
    # `loop.index` and the like are values; `loop(…)` is output.
    for one in tree.find_all(nodes.Getattr):
        if isinstance(one.node, nodes.Name) and one.node.name == "loop":
            names.append(one.node)
    return names
