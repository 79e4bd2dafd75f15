"""A cache that keeps the results of keys that are used repeatedly."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """The most recently used results of a costly computation.

    A result is computed when its key is used for the second time. Of a key that is used only once,
    such as one with a contact's name in it, the cache keeps only the hash.

    Args:
        limit: how many results are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: OrderedDict[K, V] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()

    def find(self, key: K, make: Callable[[], V]) -> V | None:
        """Return the result for a key, or None when the key is new.

        Args:
            key: what the result depends on.
            make: computes the result.
        """
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        fingerprint = hash(key)
        if fingerprint not in self._seen:
            self._seen[fingerprint] = None
            if len(self._seen) > 4 * self._limit:
                self._seen.popitem(last=False)
            return None
        result = self._results[key] = make()
        if len(self._results) > self._limit:
            self._results.popitem(last=False)
        return result
