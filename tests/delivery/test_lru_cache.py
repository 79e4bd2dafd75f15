"""Results are kept for what is asked for again, within bounds."""

from __future__ import annotations

from hogsend.delivery.compiled_mail.lru_cache import LruCache


def find_all(recent: LruCache[str, str], keys: str) -> list[str | None]:
    return [recent.find(key, lambda key=key: key.upper()) for key in keys]


def test_a_result_is_computed_at_the_second_request_and_then_kept():
    computed: list[str] = []
    recent: LruCache[str, str] = LruCache(2)
    assert [recent.find("a", lambda: computed.append("a") or "A") for _ in range(4)] == [
        None,
        "A",
        "A",
        "A",
    ]
    assert computed == ["a"]


def test_the_least_recently_used_result_goes_first():
    recent: LruCache[str, str] = LruCache(2)
    find_all(recent, "aabb")
    assert find_all(recent, "a") == ["A"]
    find_all(recent, "cc")
    computed: list[str] = []
    assert recent.find("a", lambda: computed.append("a") or "") == "A"
    assert recent.find("b", lambda: computed.append("b") or "again") == "again"
    assert computed == ["b"]


def test_keys_that_are_requested_once_are_forgotten():
    recent: LruCache[str, str] = LruCache(1)
    assert find_all(recent, "abcdea") == [None] * 6


def test_a_result_of_none_is_kept_as_well():
    computed: list[int] = []
    recent: LruCache[str, None] = LruCache(1)
    for _ in range(4):
        assert recent.find("a", lambda: computed.append(1)) is None
    assert computed == [1]
