"""Round robin over several queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


def interleave(crowds: Sequence[Sequence[T]]) -> Iterator[T]:
    """Yield the first item of each queue, then the second of each, and so on.

    Args:
        crowds: the queues, each in its own order; none of them holds None.
    """
    return (one for row in zip_longest(*crowds) for one in row if one is not None)


def split_into_chunks(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Yield a sequence in parts.

    Args:
        items: the sequence.
        most: the largest part.
    """
    return (items[start : start + most] for start in range(0, len(items), most))
