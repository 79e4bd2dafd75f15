"""Reads of `ctx` calls; the reads of many turns share queries."""

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
        """The value that reads must have in common to share a query."""
        raise NotImplementedError

    @classmethod
    def build_query(cls, reads: Sequence[Any]) -> Query[Any]:
        """Return the query of a group.

        Args:
            reads: reads of this class with equal groups, at least one.
        """
        raise NotImplementedError

    @classmethod
    def build_queries(cls, reads: Sequence[Any]) -> Sequence[Query[Any]]:
        """Return the queries of a group, for a read that needs several; see `build_query`."""
        return [cls.build_query(reads)]

    @classmethod
    def combine_results(cls, results: Sequence[Any]) -> Any:
        """Return the results of `build_queries` as `extract_answers` takes them."""
        return results[0]

    @classmethod
    def extract_answers(cls, reads: Sequence[Any], result: Any) -> Iterable[Any]:
        """Return the answer of each read of a group, in the order of the reads.

        Args:
            reads: the reads that `build_query` got.
            result: the result of the query; of several queries, of `combine_results`.
        """
        raise NotImplementedError


class ReadCall(Call):
    """A call that only reads, which runs although the contact is already past it."""

    __slots__ = ()
    runs_behind: ClassVar[bool] = True

    def start(self, turn: TurnState, key: str) -> Any:
        return Suspension.NEEDS_INPUT

    def complete(self, turn: TurnState, key: str, value: Any) -> Any:
        return self.record(turn, key, encode(value))
