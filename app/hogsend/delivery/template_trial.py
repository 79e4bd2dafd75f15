"""Renders templates with little, to find what they print without a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from uuid import UUID

import jinja2

from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.footer_texts import get_footer_texts
from .template_context import MissingUse, build_scope, collect_missing
from .templates import Template

_ID: Final = UUID(int=0)
# The contact of previews, and a contact of whom only the address is known.
SAMPLE_CONTACT: Final = Contact(
    _ID,
    user_id="ada",
    email="ada@example.com",
    properties={"name": "Ada Lovelace", "firstName": "Ada"},
)
UNKNOWN_CONTACT: Final = Contact(_ID, email="ada@example.com")
_OTHERS: Final = ("unsubscribe_url", "preferences_url", "view_url", "subject", "preheader")
_LIST: Final = {"id": "list", "name": "List", "description": "", "transactional": False}


@dataclass(frozen=True, slots=True)
class Unguarded:
    """A variable that a template needs and may not have.

    Args:
        variable: such as `contact.properties.name`.
        file: relative to the journeys' folder.
        line: the line in the file.
        is_in_sample: whether the sample and the contact of previews lack it as well.
    """

    variable: str
    file: str
    line: int
    is_in_sample: bool

    @property
    def problem(self) -> str:
        """What is wrong, one sentence."""
        if self.is_in_sample:
            return f"The variable {self.variable} is missing from the sample."
        return f"The variable {self.variable} is missing for contacts who have only an address."

    @property
    def remedy(self) -> str:
        """What to do about it, one sentence."""
        default = f'{{{{ {self.variable} | default("…") }}}}'
        if self.is_in_sample and self.variable.startswith(("props.", "event.")):
            return f"Add it to sample in the front matter, or give a default: {default}."
        return f"Give a default: {default}."


def find_unguarded(template: Template) -> list[Unguarded]:
    """Return what a template prints that its sample, or a contact without properties, lacks."""
    unguarded: dict[tuple[str, str, int], Unguarded] = {}
    contacts = ((SAMPLE_CONTACT, True), (UNKNOWN_CONTACT, False))
    for variant, (contact, is_in_sample) in product(template.variants, contacts):
        event = Event(_ID, "preview", variant.sample)
        scope = build_scope(contact, event, variant.sample)
        for variable, file, line in _render(variant, scope):
            key = (variable, file, line)
            unguarded.setdefault(key, Unguarded(variable, file, line, is_in_sample))
    return sorted(unguarded.values(), key=lambda use: (use.file, use.line, use.variable))


def _render(template: Template, scope: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Return the missing variables of every part of a mail, each with its place."""
    values = {name: "x" for name in _OTHERS} | dict(scope) | {"list": _LIST}
    values["language"] = template.language
    values["footer"] = get_footer_texts(None, template.language)
    uses: list[tuple[str, str, int]] = []
    for name, line in template.lines.items():
        if not isinstance(line, str):
            first = template.line_numbers.get(name, 1)
            uses += [(use.variable, template.file, first) for use in _collect(line, values)]
    folder, _, own_name = template.file.rpartition("/")
    for part in filter(None, (template.html, template.text)):
        for use in _collect(part, values):
            offset = template.line_numbers.get("body", 1) - 1 if use.file == own_name else 0
            uses.append((use.variable, f"{folder}/{use.file}", use.line + offset))
    return uses


def _collect(part: jinja2.Template, values: Mapping[str, Any]) -> list[MissingUse]:
    with collect_missing() as uses:
        try:
            part.render(values)
        except Exception as error:
            # A calculation with a missing value cannot go on; its message names the variable.
            missing = _parse_missing(error)
            if missing is not None:
                uses.append(MissingUse(missing, part.name, 1))
    return uses


def _parse_missing(error: Exception) -> str | None:
    text = str(error)
    is_missing = isinstance(error, jinja2.UndefinedError) and text.endswith(" is missing")
    return text.removeprefix("variable ").removesuffix(" is missing") if is_missing else None
