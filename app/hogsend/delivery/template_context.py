"""The variables of a template: contact, event and props; using a missing variable is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import jinja2

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


class MissingValue(jinja2.StrictUndefined):
    """A variable without a value, whose name is the whole path in the template."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f"variable {self._undefined_name} is missing"


class Environment(jinja2.Environment):
    """A Jinja2 environment in which attribute access reads the keys of a mapping.

    `props.items` is the prop `items`, never the method of `dict`. A null value counts as missing:
    printing a missing value is an error, and the filter `default` replaces it.
    """

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

    def _get_value(self, mapping: dict[str, Any], name: str) -> Any:
        value = mapping.get(name)
        if value is not None and not isinstance(value, dict):
            return value
        path = f"{mapping.path}.{name}" if isinstance(mapping, TemplateFacts) else name
        if value is None:
            return self.undefined(name=path)
        return TemplateFacts(cast("dict[str, Any]", value), path)


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
