"""A decorator for immutable values of the hot paths, which are created several times per event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a class a dataclass with slots that is frozen for the type checker only.

    A class that is frozen at run time too takes five times as long to instantiate, because each
    field is set by a function call. Classes that authors of journeys see are frozen at run time
    (docs/decisions/0024-values-of-the-hot-paths.md).
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
