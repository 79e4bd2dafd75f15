"""Binds the parameters of an author's function to the arguments of a call."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .constants import parse_dotted_name
from .modules import AnyFunction, walk_statements

if TYPE_CHECKING:
    from .scopes import Function, Scope


def bind_arguments(
    function: Function, call: ast.Call, caller: Scope
) -> dict[str, tuple[ast.expr, Scope]]:
    """Return the parameters with their arguments or defaults, each with the scope around it.

    Spread arguments and decorators may replace a default; see `has_spread`.
    """
    arguments = function.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if function.receiver is not None:
        positional = positional[1:]
    bound: dict[str, tuple[ast.expr, Scope]] = {}
    for parameter, default in zip(reversed(positional), reversed(arguments.defaults), strict=False):
        bound[parameter.arg] = (default, function.scope)
    for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            bound[parameter.arg] = (default, function.scope)
    pairs = zip(positional, list_places(call), strict=False)
    bound.update({parameter.arg: (value, caller) for parameter, value in pairs})
    bound.update({kw.arg: (kw.value, caller) for kw in call.keywords if kw.arg})
    return bound


def list_places(call: ast.Call) -> list[ast.expr]:
    """Return the arguments whose place is known: none is behind a spread sequence."""
    return list(itertools.takewhile(lambda value: not isinstance(value, ast.Starred), call.args))


def has_spread(call: ast.Call) -> bool:
    """Return whether a call has arguments that are spread from a sequence or a mapping."""
    is_starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    return is_starred or any(keyword.arg is None for keyword in call.keywords)


def list_parameters(node: AnyFunction | ast.Lambda) -> set[str]:
    """Return the names of a function's parameters."""
    return {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}


def find_attributes(init: AnyFunction) -> Iterator[tuple[str, ast.expr]]:
    """Yield the attributes that `__init__` sets, each with its expression."""
    parameters = [*init.args.posonlyargs, *init.args.args]
    for statement in walk_statements(init.body):
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        own = tuple(parameter.arg for parameter in parameters[:1])
        if isinstance(target, ast.Attribute) and parse_dotted_name(target.value) == own:
            yield target.attr, value


def find_super_calls(init: AnyFunction) -> Iterator[ast.Call]:
    """Yield the calls of the inherited `__init__` by `super()`."""
    for statement in walk_statements(init.body):
        match statement:
            case ast.Expr(ast.Call(ast.Attribute(ast.Call(ast.Name("super")), "__init__")) as call):
                yield call
            case _:
                pass


def has_decorator(node: AnyFunction, name: str) -> bool:
    """Return whether a function has a decorator of this name."""
    return any(parse_dotted_name(decorator) == (name,) for decorator in node.decorator_list)
