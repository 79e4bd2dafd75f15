"""A least-recently-used cache that ignores keys which are used only once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Caches the most recently used results of a costly computation.

    A result is computed on the second use of its key. The cache stores only the hash of a key that
    is used once, such as a key that contains a contact's name.

    Args:
        limit: the maximum number of results.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: OrderedDict[K, V] = OrderedDict()
        # The hashes of keys that were used once, oldest first.
        self._used_once: OrderedDict[int, None] = OrderedDict()

    def find(self, key: K, make: Callable[[], V]) -> V | None:
        """Return the result for a key, or None on the first use of the key.

        Args:
            key: everything that the result depends on.
            make: computes the result.
        """
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        fingerprint = hash(key)
        if fingerprint not in self._used_once:
            self._used_once[fingerprint] = None
            if len(self._used_once) > 4 * self._limit:
                self._used_once.popitem(last=False)
            return None
        result = self._results[key] = make()
        if len(self._results) > self._limit:
            self._results.popitem(last=False)
        return result
