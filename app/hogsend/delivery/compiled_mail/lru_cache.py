"""Keeps what is asked for again and again, and nothing that is asked for once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """The most recently used results of something costly.

    A result is made when a key is seen for the second time: of a key that comes only once, such as
    one with a person's name in it, a number is remembered and no work is done.

    Args:
        most: how many results are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()

    def find(self, key: K, make: Callable[[], V]) -> V | None:
        """Return the result for a key, or None when the key is new.

        Args:
            key: what the result depends on.
            make: makes the result.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        trace = hash(key)
        if trace not in self._seen:
            self._seen[trace] = None
            if len(self._seen) > 4 * self._most:
                self._seen.popitem(last=False)
            return None
        made = self._kept[key] = make()
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return made
