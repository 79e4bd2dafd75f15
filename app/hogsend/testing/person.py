"""A person in a test."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """A person in a test, created by `world.contact(…)`.

    Args:
        id: the contact's id.
        email: the address that the person was created with, if any.
        user_id: the product's id of the person, if any.
    """

    id: UUID
    email: str | None = None
    user_id: str | None = None

    def __str__(self) -> str:
        return self.email or self.user_id or str(self.id)
