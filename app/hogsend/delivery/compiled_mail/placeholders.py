"""Renders a template with a placeholder instead of each value.

A placeholder is one character of a private-use area of Unicode. The text between the placeholders
is the same in every mail that takes the same branches of the template. The derived parts of that
text are computed once, and each mail fills in its values afterwards.
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
# The range of all placeholders of values, for a character class of a regular expression.
FIRST_AND_LAST: Final = f"{chr(_FIRST)}-{chr(_FIRST + MAX_VALUES - 1)}"
PLACEHOLDER: Final = re.compile(f"([{FIRST_AND_LAST}])")
_PLACEHOLDERS = tuple(chr(_FIRST + number) for number in range(MAX_VALUES))
# After the placeholders of values come those of derived values (`make_derived_placeholder`).
_ALL_PLACEHOLDERS = re.compile(f"([{chr(_FIRST)}-{chr(_FIRST + 2 * MAX_VALUES - 1)}])")

_recording: ContextVar[list[str] | None] = ContextVar("_recording", default=None)


def is_plain(text: str) -> bool:
    """Return whether a value is laid out like any other word, in HTML and in the plain part.

    A plain value is printable, on one line, and has single spaces only between its words. No rule
    of HTML or of the plain part collapses, drops or breaks a part of such a value.
    """
    return text.isprintable() and text[:1] not in ("", " ") and text[-1] != " " and "  " not in text


@jinja2.pass_context  # keeps Jinja from evaluating constants when it compiles a template
def replace_by_placeholder(_context: object, value: Any) -> Any:
    """Record a value and return its placeholder; outside a recording, return the value.

    This is Jinja's `finalize`. A value that is not plain, such as markup or a blank, is returned
    unchanged, and Jinja escapes it.
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
        template: a template of an environment that has `replace_by_placeholder` as its `finalize`.
        scope: the template's variables.
    """
    values: list[str] = []
    token = _recording.set(values)
    try:
        # The pieces between values are strings of the compiled template. As a part of a key they
        # are cheap: their hashes are computed already, and they are equal by identity.
        return tuple(template.root_render_func(template.new_context(dict(scope)))), values
    finally:
        _recording.reset(token)


def get_value_index(placeholder: str) -> int:
    """Return the index of the value that a placeholder stands for."""
    return ord(placeholder) - _FIRST


def make_derived_placeholder(number: int) -> str:
    """Return the placeholder of a derived value, such as a tracked address.

    Args:
        number: the index of the derived value after all values, less than `MAX_VALUES`.
    """
    return chr(_FIRST + MAX_VALUES + number)


class TextWithPlaceholders:
    """A text with placeholders for values.

    Args:
        text: the text with placeholders of values and of derived values.
        count: the number of values.
        derived: the number of derived values, which follow the values in `fill`.

    Attributes:
        numbers: the indexes of the values in `fill`, in the order of their placeholders.

    Raises:
        ValueError: a placeholder has no value.
    """

    __slots__ = ("_parts", "numbers")

    def __init__(self, text: str, count: int, derived: int = 0) -> None:
        self._parts = _ALL_PLACEHOLDERS.split(text)
        numbers = (get_value_index(placeholder) for placeholder in self._parts[1::2])
        self.numbers = [n if n < MAX_VALUES else n - MAX_VALUES + count for n in numbers]
        if max(self.numbers, default=-1) >= count + derived:
            raise ValueError("a placeholder has no value")

    def fill(self, values: Sequence[str]) -> str:
        """Return the text with values instead of its placeholders."""
        if not self.numbers:
            return self._parts[0]
        parts = self._parts.copy()
        parts[1::2] = [values[number] for number in self.numbers]
        return "".join(parts)


def has_exactly(markup: str, numbers: Iterable[int]) -> bool:
    """Return whether a text has these placeholders, each once, and no others."""
    return sorted(_ALL_PLACEHOLDERS.findall(markup)) == [
        _PLACEHOLDERS[number] for number in sorted(numbers)
    ]


def fill_placeholders(markup: str, values: Sequence[str], only: Set[int] | None = None) -> str:
    """Return a rendering with values instead of placeholders, as without a recording.

    Args:
        markup: the whole rendering with placeholders.
        values: the values of all placeholders.
        only: the numbers of the placeholders to replace, None for all; the others stay.
    """
    parts = PLACEHOLDER.split(markup)
    for index in range(1, len(parts), 2):
        number = get_value_index(parts[index])
        if only is None or number in only:
            parts[index] = markupsafe.escape(values[number])
    return "".join(parts)
