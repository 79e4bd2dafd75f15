"""A dry run remembers the identities of its earlier steps."""

from __future__ import annotations

from pathlib import Path

from hogsend.store.seen_identities import SeenIdentities


def test_a_step_that_is_repeated_after_a_kill_does_not_find_itself(tmp_path: Path) -> None:
    rows = [["u:ada", "e:ada@x.co"], ["e:grace@x.co"], []]
    for _ in range(2):
        seen = SeenIdentities(tmp_path / "seen")
        assert seen.add(0, rows) == [False, False, False]
        seen.close()
    seen = SeenIdentities(tmp_path / "seen")
    assert seen.add(3, rows) == [True, True, False]
    # Another user id is another person, also with the same address.
    assert seen.add(6, [["u:carl", "e:ada@x.co"], ["u:carl", "e:grace@x.co"]]) == [False, True]
    seen.close()
