"""What a call reads from the database, and how the reads of many turns share queries."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ...domain.journal import encode
from ..turn_state import TurnState
from .call import Call, Suspension

if TYPE_CHECKING:
    from ...store.db import Query


class Read:
    """One read of one turn. Reads of a batch of turns that have equal groups share one query."""

    @property
    def group(self) -> Hashable:
        """What this read must have in common with others to share their query."""
        raise NotImplementedError

    @classmethod
    def query(cls, reads: Sequence[Any]) -> Query[Any]:
        """Return the query of a group.

        Args:
            reads: reads of this class with equal groups, at least one.
        """
        raise NotImplementedError

    @classmethod
    def answers(cls, reads: Sequence[Any], result: Any) -> Iterable[Any]:
        """Return the answer of each read of a group, in their order, for `Call.settle`.

        Args:
            reads: those that `query` was made for.
            result: what the query returned.
        """
        raise NotImplementedError


class ReadCall(Call):
    """A call that only reads: it is done, and recorded, also where the contact is past it."""

    __slots__ = ()
    runs_behind: ClassVar[bool] = True

    def start(self, turn: TurnState, key: str) -> Any:
        return Suspension.NEEDS_INPUT

    def settle(self, turn: TurnState, key: str, value: Any) -> Any:
        return self.record(turn, key, encode(value))
