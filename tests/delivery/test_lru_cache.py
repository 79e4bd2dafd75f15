"""Results are kept for what is asked for again, within bounds."""

from __future__ import annotations

from hogsend.delivery.compiled_mail.lru_cache import LruCache


def asked(recent: LruCache[str, str], keys: str) -> list[str | None]:
    return [recent.find(key, lambda key=key: key.upper()) for key in keys]


def test_a_result_is_made_when_its_key_comes_again_and_then_kept():
    made: list[str] = []
    recent: LruCache[str, str] = LruCache(2)
    assert [recent.find("a", lambda: made.append("a") or "A") for _ in range(4)] == [
        None,
        "A",
        "A",
        "A",
    ]
    assert made == ["a"]


def test_the_least_recently_used_result_goes_first():
    recent: LruCache[str, str] = LruCache(2)
    asked(recent, "aabb")
    assert asked(recent, "a") == ["A"]
    asked(recent, "cc")
    unmade: list[str] = []
    assert recent.find("a", lambda: unmade.append("a") or "") == "A"
    assert recent.find("b", lambda: unmade.append("b") or "again") == "again"
    assert unmade == ["b"]


def test_keys_that_come_once_are_forgotten():
    recent: LruCache[str, str] = LruCache(1)
    assert asked(recent, "abcdea") == [None] * 6


def test_a_result_of_none_is_kept_as_well():
    made: list[int] = []
    recent: LruCache[str, None] = LruCache(1)
    for _ in range(4):
        assert recent.find("a", lambda: made.append(1)) is None
    assert made == [1]
