"""docs/types.md lists each field of each type that authors see, with its type."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints
from uuid import UUID

import pytest

import hogsend
import hogsend.testing
from hogsend import Contact, Event, StepFailed

DOCUMENT = Path(__file__).parents[2] / "docs" / "types.md"
_SECTION = re.compile(r"^### (\w+)$(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)
# `When` is written as an expression, and `Condition` too; docs/context.md describes both.
EXPRESSIONS = {"When", "Condition"}
SCALARS: Mapping[Any, str] = {
    UUID: "`UUID`",
    str: "`str`",
    int: "`int`",
    bool: "`bool`",
    datetime: "`datetime`",
}


def list_types() -> dict[str, type]:
    """Return the dataclasses that authors import, by name, and the error with a field."""
    modules = (hogsend, hogsend.testing)
    exported = {name: getattr(module, name) for module in modules for name in module.__all__}
    types = {
        name: kind
        for name, kind in exported.items()
        if dataclasses.is_dataclass(kind) and isinstance(kind, type) and name not in EXPRESSIONS
    }
    return {**types, "StepFailed": StepFailed}


def list_fields(kind: type) -> set[str]:
    """Return the names of the fields and properties of a type."""
    if not dataclasses.is_dataclass(kind):
        return {"message"}
    properties = inspect.getmembers(kind, lambda member: isinstance(member, property))
    return {field.name for field in dataclasses.fields(kind)} | {name for name, _ in properties}


def read_document() -> dict[str, dict[str, str]]:
    """Return the documented types, each with its fields and their types as written."""
    return {name: dict(_ROW.findall(text)) for name, text in _SECTION.findall(DOCUMENT.read_text())}


def test_each_type_that_authors_see_is_documented() -> None:
    assert set(read_document()) == set(list_types())


@pytest.mark.parametrize("name", sorted(list_types()))
def test_each_field_of_a_type_is_documented(name: str) -> None:
    assert set(read_document()[name]) == list_fields(list_types()[name])


@pytest.mark.parametrize("name", sorted(list_types()))
def test_the_documented_type_of_a_field_is_its_type(name: str) -> None:
    kind = list_types()[name]
    hints = get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}
    for field, documented in read_document()[name].items():
        hint = hints.get(field)
        if hint in SCALARS:
            assert documented == SCALARS[hint], field
        elif hint is not None:
            is_optional = type(None) in getattr(hint, "__args__", ())
            assert ("`None`" in documented) is is_optional, field


def test_what_an_author_reads_of_events_and_contacts_is_never_missing() -> None:
    for kind, fields in (
        (Event, ("occurred_at", "received_at")),
        (Contact, ("first_seen_at", "last_seen_at")),
    ):
        assert all(get_type_hints(kind)[field] is datetime for field in fields), kind
