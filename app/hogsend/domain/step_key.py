"""The key of a step in the journal, as far as the code shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Stands for the part of a key that is only known at run time, such as a number in a loop's label.
WILDCARD = "*"
_NUMBERED = re.compile(r"(.+)#([1-9]\d*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StepKey:
    """The keys that a step of the code can have in the journal.

    Args:
        key: the key without the occurrence number, such as `sleep:post-welcome`; `*` stands for a
            part that is only known at run time.
        first: the least occurrence number.
        last: the greatest occurrence number; None when there is no limit.
    """

    key: str
    first: int = 1
    last: int | None = 1

    def matches(self, key: str) -> bool:
        """Return whether a key of the journal can belong to the step.

        Args:
            key: a key with its occurrence number, such as `sleep:later#2`.
        """
        numbered = _NUMBERED.fullmatch(key)
        return self._matches(key, 1) or (
            numbered is not None and self._matches(numbered[1], int(numbered[2]))
        )

    def _matches(self, base: str, occurrence: int) -> bool:
        if occurrence < self.first or (self.last is not None and occurrence > self.last):
            return False
        pattern = ".*".join(re.escape(part) for part in self.key.split(WILDCARD))
        return re.fullmatch(pattern, base, re.DOTALL) is not None
