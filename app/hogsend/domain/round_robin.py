"""Round robin over several queues, and sequences in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


def interleave(queues: Sequence[Sequence[T]]) -> Iterator[T]:
    """Yield the first item of each queue, then the second of each, and so on.

    Args:
        queues: the queues; none of them contains None.
    """
    return (item for row in zip_longest(*queues) for item in row if item is not None)


def split_into_chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield a sequence in chunks.

    Args:
        items: the sequence.
        size: the number of items in each chunk but the last, which may have fewer.
    """
    return (items[start : start + size] for start in range(0, len(items), size))
