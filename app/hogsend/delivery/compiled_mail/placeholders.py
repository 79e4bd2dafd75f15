"""Renders a template with a placeholder in place of each value.

A placeholder is one character of a private-use area. The text between the placeholders is the same
in every mail that takes the same branches of the template, so whatever is derived from it is
computed once, and the values are filled in afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from contextvars import ContextVar
from typing import Any, Final

import jinja2
import markupsafe

# The values of a mail beyond this number are printed without a placeholder.
MAX_VALUES: Final = 1024
_FIRST: Final = 0xE100
# For their use inside a character class.
FIRST_AND_LAST: Final = f"{chr(_FIRST)}-{chr(_FIRST + MAX_VALUES - 1)}"
PLACEHOLDER: Final = re.compile(f"([{FIRST_AND_LAST}])")
_PLACEHOLDERS = tuple(chr(_FIRST + number) for number in range(MAX_VALUES))
# The placeholders of values are followed by those of derived values (`derived_placeholder`).
_ALL_PLACEHOLDERS = re.compile(f"([{chr(_FIRST)}-{chr(_FIRST + 2 * MAX_VALUES - 1)}])")

_recording: ContextVar[list[str] | None] = ContextVar("_recording", default=None)


def is_plain(text: str) -> bool:
    """Return whether no rule of HTML or of the plain part depends on a value's content.

    Such a value is visible, on one line, and spaced like words: nothing of it is collapsed,
    dropped or broken, and its neighbours are treated as beside any other word.
    """
    return text.isprintable() and text[:1] not in ("", " ") and text[-1] != " " and "  " not in text


@jinja2.pass_context  # which also keeps Jinja from printing constants ahead of time
def placeholder_for(_context: object, value: Any) -> Any:
    """Return the placeholder of a value, or the value itself in an ordinary rendering.

    This is Jinja's `finalize`. A value that is not plain, such as markup or a blank, stays as it
    is and is escaped by Jinja.
    """
    values = _recording.get()
    if values is None:
        return value
    if type(value) is int or type(value) is float:
        value = str(value)
    elif type(value) is not str:
        return value
    number = len(values)
    if number == MAX_VALUES or not is_plain(value):
        return value
    values.append(value)
    return _PLACEHOLDERS[number]


def render_with_placeholders(
    template: jinja2.Template, scope: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[str]]:
    """Return a rendering in pieces, and the values of its placeholders in order.

    Args:
        template: of an environment that has `placeholder_for` as its `finalize`.
        scope: the template's variables.
    """
    values: list[str] = []
    token = _recording.set(values)
    try:
        # The pieces between values are the template's own objects: as a key they are compared
        # by identity and their hashes are known.
        return tuple(template.root_render_func(template.new_context(dict(scope)))), values
    finally:
        _recording.reset(token)


def index_of(placeholder: str) -> int:
    """Return the position of a placeholder's value."""
    return ord(placeholder) - _FIRST


def derived_placeholder(number: int) -> str:
    """Return the placeholder of a derived value, such as a tracked address.

    Args:
        number: its position after all the values, less than `MAX_VALUES`.
    """
    return chr(_FIRST + MAX_VALUES + number)


class TextWithPlaceholders:
    """A text with placeholders for values.

    Args:
        text: the text with placeholders of values and of derived values.
        count: how many values there are.
        derived: how many derived values follow them.

    Raises:
        ValueError: a placeholder has no value.
    """

    __slots__ = ("_parts", "numbers")

    def __init__(self, text: str, count: int, derived: int = 0) -> None:
        self._parts = _ALL_PLACEHOLDERS.split(text)
        numbers = (index_of(placeholder) for placeholder in self._parts[1::2])
        self.numbers = [n if n < MAX_VALUES else n - MAX_VALUES + count for n in numbers]
        if max(self.numbers, default=-1) >= count + derived:
            raise ValueError("a placeholder has no value")

    def fill(self, values: Sequence[str]) -> str:
        """Return the text with its values."""
        if not self.numbers:
            return self._parts[0]
        parts = self._parts.copy()
        parts[1::2] = [values[number] for number in self.numbers]
        return "".join(parts)


def has_exactly(markup: str, numbers: Iterable[int]) -> bool:
    """Return whether exactly these placeholders are in the text, each once."""
    return sorted(_ALL_PLACEHOLDERS.findall(markup)) == [
        _PLACEHOLDERS[number] for number in sorted(numbers)
    ]


def fill_placeholders(markup: str, values: Sequence[str], only: Set[int] | None = None) -> str:
    """Return a rendering with its values filled in, as an ordinary rendering gives it.

    Args:
        markup: the rendering; it is whole.
        values: of all its placeholders.
        only: the numbers of the placeholders to fill, the others stay; None for all.
    """
    parts = PLACEHOLDER.split(markup)
    for at in range(1, len(parts), 2):
        number = index_of(parts[at])
        if only is None or number in only:
            parts[at] = markupsafe.escape(values[number])
    return "".join(parts)
