"""`trigger("invoice_id")`: a property of the event that started the enrollment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TriggerProperty:
    """A property of an enrollment's trigger, which a condition compares another event's with.

    Args:
        path: the property's name; dots reach into nested objects.
    """

    path: str

    def __post_init__(self) -> None:
        if not isinstance(self.path, str) or not self.path:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"trigger() takes the name of a property, not {self.path!r}")

    def __str__(self) -> str:
        return f"the trigger's {self.path}"


def trigger(path: str) -> TriggerProperty:
    """Name a property of the trigger in a condition on another event.

    `prop("invoice_id") == trigger("invoice_id")` holds for events about the invoice that started
    the enrollment. Such conditions are possible in `exit_on`, `ctx.wait_for`, `ctx.wait_for_any`,
    `ctx.digest` and `ctx.history`. Nothing equals a property that the trigger lacks, nor is it less
    or greater.

    Args:
        path: the property's name; dots reach into nested objects.
    """
    return TriggerProperty(path)
