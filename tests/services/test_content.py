"""The reload of an edited folder looks at the author's files, and at packages as a whole."""

from __future__ import annotations

from pathlib import Path

from hogsend.services.content import compute_fingerprint


def test_packages_count_as_a_whole_and_everything_else_file_by_file(tmp_path: Path) -> None:
    package = tmp_path / "_packages" / "shopkit"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (tmp_path / "_parts").mkdir()
    (tmp_path / "welcome.py").write_text("")
    before = compute_fingerprint(tmp_path)
    assert {Path(path).name for path, _, _ in before} == {"welcome.py", "shopkit"}

    (package / "__init__.py").write_text("changed = 1")
    assert compute_fingerprint(tmp_path) == before

    (tmp_path / "_packages" / "other").mkdir()
    with_package = compute_fingerprint(tmp_path)
    assert with_package != before, "an installation is noticed"
    (tmp_path / "_parts" / "words.py").write_text("")
    assert compute_fingerprint(tmp_path) != with_package
