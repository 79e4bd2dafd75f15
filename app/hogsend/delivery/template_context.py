"""The variables of a template: contact, event and props.

Printing a missing variable is an error. Testing one is not: it is absent, like everything in it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import jinja2
from jinja2 import compiler, nodes

from ..domain.contact import Contact
from ..domain.event import Event


class TemplateFacts(dict[str, Any]):
    """A mapping with its path, which lets an error name the whole path of a missing value.

    Args:
        values: the values by name.
        path: the mapping's name in templates, such as `contact.properties`.
    """

    __slots__ = ("path",)

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        super().__init__(values)
        self.path = path


@dataclass(frozen=True, slots=True)
class MissingUse:
    """A place in a template that needs a value which is missing.

    Args:
        variable: the variable, as the template writes it.
        file: the template's file; None for a line of the front matter.
        line: the line in the part of the file that Jinja reads, from 1.
    """

    variable: str
    file: str | None
    line: int


_uses: ContextVar[list[MissingUse] | None] = ContextVar("_uses", default=None)


@contextmanager
def collect_missing() -> Generator[list[MissingUse]]:
    """Collect the uses of missing values instead of failing at the first one."""
    uses: list[MissingUse] = []
    token = _uses.set(uses)
    try:
        yield uses
    finally:
        _uses.reset(token)


def _locate_use() -> tuple[str | None, int]:
    """Return the file and the line of the innermost template that is being rendered."""
    frame = inspect.currentframe()
    while frame is not None:
        template = frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template):
            return template.name, template.get_corresponding_lineno(frame.f_lineno)
        frame = frame.f_back
    return None, 0


class MissingValue(jinja2.StrictUndefined):
    """A variable without a value, whose name is the whole path in the template.

    It is false, equals only null and other missing variables, contains nothing, and its attributes
    are missing as well, so `or`, `if`, `and`, `==`, `in` and the filter `default` work at any
    depth. Whatever needs a value raises `jinja2.UndefinedError`: printing, a loop, a calculation.
    """

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f"variable {self._undefined_name} is missing"

    def __getattr__(self, name: str) -> MissingValue:
        # Python asks for such names to find out what a value can do.
        if name[:2] == name[-2:] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: Any) -> MissingValue:
        return self

    def _use(self, stand_in: Any) -> Any:
        """Fail for want of a value; while uses are collected, record it and use a stand-in."""
        uses = _uses.get()
        if uses is None:
            self._fail_with_undefined_error()
        else:
            uses.append(MissingUse(str(self._undefined_name), *_locate_use()))
        return stand_in

    def __str__(self) -> str:
        return self._use("…")

    def __iter__(self) -> Iterator[Any]:
        return self._use(iter(()))

    def __len__(self) -> int:
        return self._use(0)

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        return self._use("…")

    def _calculate(self, *_operands: Any) -> Any:
        return self._use(0)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _calculate
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _calculate
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = __int__ = _calculate
    __lt__ = __le__ = __gt__ = __ge__ = _calculate

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, jinja2.Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)

    def __contains__(self, item: object) -> bool:
        return False


class _CodeGenerator(compiler.CodeGenerator):
    """Compiles `in` to a call, because text refuses to look for a missing value."""

    def visit_Compare(self, node: nodes.Compare, frame: compiler.Frame) -> None:
        if len(node.ops) != 1 or node.ops[0].op not in ("in", "notin"):
            super().visit_Compare(node, frame)
            return
        self.write("(not " if node.ops[0].op == "notin" else "(")
        self.write("environment.is_in(")
        self.visit(node.expr, frame)
        self.write(", ")
        self.visit(node.ops[0].expr, frame)
        self.write("))")


def _is_in(value: Any, container: Any) -> bool:
    """Return whether a container has a value; a missing value is in no text."""
    if isinstance(value, jinja2.Undefined) and isinstance(container, str):
        return False
    return value in container


def _is_null(value: Any) -> bool:
    return value is None or isinstance(value, MissingValue)


def _allow_missing(test: Callable[..., bool]) -> Callable[..., bool]:
    """Return a test that is false for a missing value."""

    def tolerant_test(value: Any, *arguments: Any) -> bool:
        return not isinstance(value, jinja2.Undefined) and test(value, *arguments)

    return tolerant_test


class Environment(jinja2.Environment):
    """A Jinja2 environment in which attribute access reads the keys of a mapping.

    `props.items` is the prop `items`, never the method of `dict`. A null value counts as missing:
    printing a missing value is an error, and the filter `default` replaces it.
    """

    code_generator_class = _CodeGenerator
    is_in = staticmethod(_is_in)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("lower", "upper", "even", "odd", "divisibleby", "iterable"):
            self.tests[name] = _allow_missing(self.tests[name])
        self.tests["in"] = _is_in
        self.tests["none"] = _is_null

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            value = cast("dict[str, Any]", obj).get(attribute)
            # A mail reads about a hundred values, most of them text. The shortcut saves a call.
            if value.__class__ is str:
                return value
            return self._get_value(cast("dict[str, Any]", obj), attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, dict):
            return self._get_value(cast("dict[str, Any]", obj), argument)
        return super().getitem(obj, argument)

    def _get_value(self, mapping: dict[str, Any], name: Any) -> Any:
        if isinstance(name, jinja2.Undefined):
            return name
        value = mapping.get(name)
        if value is not None and not isinstance(value, dict):
            return value
        path = f"{mapping.path}.{name}" if isinstance(mapping, TemplateFacts) else name
        if value is None:
            return self.undefined(name=path)
        return TemplateFacts(cast("dict[str, Any]", value), path)


# A snapshot of what a template had is for people to read, so it is limited, in characters.
_MAX_FACTS = 20_000


def describe_facts(contact: Contact, event: Event | None) -> Mapping[str, Any]:
    """Return the values that a template has besides `props`, as a record for people.

    Args:
        contact: the recipient.
        event: the event that started the journey, if any.
    """
    facts: dict[str, Any] = {
        "contact": {"email": contact.email, "user_id": contact.user_id, **contact.properties}
    }
    if event is not None:
        facts["event"] = {"name": event.name, **event.properties}
    text = json.dumps(facts, default=str)
    return facts if len(text) <= _MAX_FACTS else {"too_long": text[:_MAX_FACTS]}


def build_scope(contact: Contact, event: Event | None, props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables `contact`, `event` and `props` of a template.

    Args:
        contact: the recipient.
        event: the event that started the journey; if None, `event` has no name and no properties.
        props: the props of `ctx.send`.
    """
    contact_values = {
        "email": contact.email,
        "user_id": contact.user_id,
        "properties": dict(contact.properties),
        "first_seen_at": contact.first_seen_at,
        "last_seen_at": contact.last_seen_at,
    }
    event_values = {
        "name": event.name if event else None,
        "properties": dict(event.properties) if event else {},
        "occurred_at": event.occurred_at if event else None,
        "received_at": event.received_at if event else None,
    }
    return {
        "contact": TemplateFacts(contact_values, "contact"),
        "event": TemplateFacts(event_values, "event"),
        "props": TemplateFacts(props, "props"),
    }
