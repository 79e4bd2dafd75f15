"""What differs from mail to mail of one template, taken out while the template is rendered.

A rendering that is recorded has a *slot*, one character of a private-use area, in place of each
plain value that the template prints. What is left is the same for everyone whose mail takes the
same branches, so whatever is made of it can be made once and filled with values afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from contextvars import ContextVar
from typing import Any, Final

import jinja2
import markupsafe

# A mail that prints more values than this has the rest of them as they are.
MOST: Final = 1024
_FIRST: Final = 0xE100
# For their use inside a character class.
FIRST_AND_LAST: Final = f"{chr(_FIRST)}-{chr(_FIRST + MOST - 1)}"
SLOT: Final = re.compile(f"([{FIRST_AND_LAST}])")
_SLOTS = tuple(chr(_FIRST + number) for number in range(MOST))
# Beyond the slots of values there are those of what is made of values (`further`).
_HOLES = re.compile(f"([{chr(_FIRST)}-{chr(_FIRST + 2 * MOST - 1)}])")

_recording: ContextVar[list[str] | None] = ContextVar("_recording", default=None)


def is_plain(text: str) -> bool:
    """Say whether a value is of a kind that no rule of HTML or of the plain part looks into.

    Such a value is visible, on one line, and spaced like words: nothing of it is collapsed,
    dropped or broken, and its neighbours are treated as beside any other word.
    """
    return text.isprintable() and text[:1] not in ("", " ") and text[-1] != " " and "  " not in text


@jinja2.pass_context  # which also keeps Jinja from printing constants ahead of time
def slot_for(_context: object, value: Any) -> Any:
    """Return the slot of a value when a rendering is recorded, else the value: Jinja's `finalize`.

    What is no plain value, such as markup or a blank, stays as it is and is escaped by Jinja.
    """
    values = _recording.get()
    if values is None:
        return value
    if type(value) is int or type(value) is float:
        value = str(value)
    elif type(value) is not str:
        return value
    number = len(values)
    if number == MOST or not is_plain(value):
        return value
    values.append(value)
    return _SLOTS[number]


def recorded(
    template: jinja2.Template, scope: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[str]]:
    """Return a rendering in pieces, and the values of its slots in order.

    Args:
        template: of an environment that has `slot_for` as its `finalize`.
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


def number_of(slot: str) -> int:
    """Return the position of a slot's value."""
    return ord(slot) - _FIRST


def further(number: int) -> str:
    """Return the slot of what is made of values.

    Args:
        number: its position after all the values, less than `MOST`.
    """
    return chr(_FIRST + MOST + number)


class Line:
    """A text with holes for values.

    Args:
        text: the text with slots, also of the `further` kind.
        count: how many values there are.
        made: how many further ones follow them.

    Raises:
        ValueError: there is a slot of no value.
    """

    __slots__ = ("_parts", "numbers")

    def __init__(self, text: str, count: int, made: int = 0) -> None:
        self._parts = _HOLES.split(text)
        numbers = (number_of(slot) for slot in self._parts[1::2])
        self.numbers = [n if n < MOST else n - MOST + count for n in numbers]
        if max(self.numbers, default=-1) >= count + made:
            raise ValueError("a slot of no value")

    def fill(self, values: Sequence[str]) -> str:
        """Return the text with its values."""
        if not self.numbers:
            return self._parts[0]
        parts = self._parts.copy()
        parts[1::2] = [values[number] for number in self.numbers]
        return "".join(parts)


def is_whole(markup: str, numbers: Iterable[int]) -> bool:
    """Say whether these slots are there, each once, and nothing else looks like a slot."""
    return sorted(_HOLES.findall(markup)) == [_SLOTS[number] for number in sorted(numbers)]


def escaped(markup: str, values: Sequence[str], only: Set[int] | None = None) -> str:
    """Return a recorded rendering with its values, as it would have been without slots.

    Args:
        markup: the rendering; it is whole.
        values: of all its slots.
        only: the numbers of the slots to fill, the others stay; None for all.
    """
    parts = SLOT.split(markup)
    for at in range(1, len(parts), 2):
        number = number_of(parts[at])
        if only is None or number in only:
            parts[at] = markupsafe.escape(values[number])
    return "".join(parts)
