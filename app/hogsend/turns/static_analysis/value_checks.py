"""Finds arguments that a call certainly refuses, and attributes that certainly do not exist."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from ...errors import HogsendError
from ..argument_checks import ArgumentCheck
from ..calls.call import Call
from ..calls.when import Day
from ..context import Context
from ..error_remedies import NOUNS, find_attribute_remedy, suggest
from ..history import History
from .body_scopes import build_nested_scope
from .call_site import CallSite
from .examples import Examples, JsonObject, find_examples
from .modules import FUNCTION_NODES
from .scopes import Scope

# A problem and its remedy.
Problem = tuple[str, str]

# How a message names the objects whose attributes are checked.
_NOUNS: Mapping[type, str] = {**NOUNS, JsonObject: "A mapping of properties"}


# -- arguments --------------------------------------------------------------------------------


def check_arguments(site: CallSite, call_type: type[Call]) -> Iterator[Problem]:
    """Yield the arguments of a `ctx` call that the call certainly refuses.

    Args:
        site: the call.
        call_type: the class of the call.
    """
    parameters = _find_parameters(site.path)
    if parameters is None:
        return
    name = ".".join(("ctx", *site.path))
    arguments, problem = _bind(site.call, parameters, name)
    if problem is not None:
        yield problem
    for parameter, node in arguments.items():
        check = call_type.argument_checks.get(parameter)
        if check is None:
            continue
        is_keyword = parameters[parameter].kind is inspect.Parameter.KEYWORD_ONLY
        refusal = _find_refusal(
            check, f"{parameter}=" if is_keyword else name, find_examples(node, site.scope)
        )
        if refusal is not None:
            yield refusal


@lru_cache(maxsize=256)
def _find_parameters(path: tuple[str, ...]) -> Mapping[str, inspect.Parameter] | None:
    owner = History if path[0] == "history" else Context
    method = getattr(owner, path[-1], None)
    if not inspect.isfunction(method):
        return None
    parameters = list(inspect.signature(method).parameters.values())
    return {parameter.name: parameter for parameter in parameters[1:]}


def _bind(
    call: ast.Call, parameters: Mapping[str, inspect.Parameter], name: str
) -> tuple[dict[str, ast.expr], Problem | None]:
    """Return the arguments by the names of their parameters, and what is wrong with them."""
    positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return {}, None
    if len(call.args) > len(positional):
        count = "one argument" if len(positional) == 1 else f"{len(positional)} arguments"
        remedy = "Name the others, as in `label=…`."
        return {}, (f"{name} takes at most {count} without a name.", remedy)
    bound = dict(zip(positional, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in parameters:
            return bound, (
                f"{name} has no argument `{keyword.arg}`.",
                suggest(keyword.arg, list(parameters)),
            )
        if keyword.arg is not None:
            bound[keyword.arg] = keyword.value
    has_spread = any(keyword.arg is None for keyword in call.keywords)
    missing = [p.name for p in parameters.values() if p.default is p.empty and p.name not in bound]
    if missing and not has_spread:
        return bound, (f"{name} lacks the argument `{missing[0]}`.", "Add it.")
    return bound, None


def _find_refusal(check: ArgumentCheck, argument: str, examples: Examples) -> Problem | None:
    """Return the error that a check raises for every example; None if it accepts any of them."""
    refusal: Problem | None = None
    for example in examples:
        try:
            check(argument, example)
        except HogsendError as error:
            refusal = refusal or (error.message.rstrip(".") + ".", error.remedy)
        except (TypeError, ValueError) as error:
            refusal = refusal or (f"{argument}: {error}.", "")
        else:
            return None
    return refusal


# -- attributes -------------------------------------------------------------------------------


def check_attributes(body: Sequence[ast.AST], scope: Scope) -> Iterator[tuple[Problem, ast.expr]]:
    """Yield the attributes in a body that certainly do not exist, each with its node.

    Args:
        body: statements or expressions; the functions in them are read as well.
        scope: the names around them.
    """
    stack = [(node, scope) for node in body]
    while stack:
        node, around = stack.pop()
        inner = around
        if isinstance(node, (*FUNCTION_NODES, ast.Lambda)):
            inner = build_nested_scope(node, around)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            problem = _check_attribute(node, around)
            if problem is not None:
                yield problem, node
        elif isinstance(node, ast.Await) and _is_day(find_examples(node.value, around)):
            yield _DAY_AWAITED, node
        stack.extend((child, inner) for child in ast.iter_child_nodes(node))


_DAY_AWAITED: Problem = (
    "a day of `ctx.when` is not an instant.",
    'Add a time: .at("09:00"), or .window("09:00", "17:00").',
)


def _is_day(examples: Examples) -> bool:
    return bool(examples) and all(isinstance(example, Day) for example in examples)


def _check_attribute(node: ast.Attribute, scope: Scope) -> Problem | None:
    owners = find_examples(node.value, scope)
    kinds: set[type[object]] = {type(owner) for owner in owners}
    is_private = node.attr.startswith("_")
    if len(kinds) != 1 or not kinds <= _NOUNS.keys() or is_private:
        return None
    owner = owners[0]
    if hasattr(owner, node.attr):
        return None
    return (
        f"{_NOUNS[type(owner)]} has no `{node.attr}`.",
        _find_attribute_remedy(node, owner),
    )


def _find_attribute_remedy(node: ast.Attribute, owner: object) -> str:
    code = ast.unparse(node.value)
    if isinstance(owner, JsonObject):
        return f'Write `{code}["{node.attr}"]` or `{code}.get("{node.attr}")`.'
    return find_attribute_remedy(owner, node.attr, code)
