"""`hogsend init` writes a project that is ready to run, and replaces no file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from hogsend.config.settings import SETTINGS, load_settings

from .conftest import Hogsend


def test_a_new_project_is_ready_to_run(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("init", "demo")

    assert outcome.status == 0
    assert "cd demo" in outcome.out and "hogsend serve --with-worker" in outcome.out
    demo = empty_folder / "demo"
    assert (demo / "journeys" / "activation_welcome.py").is_file()
    assert (demo / "journeys" / "emails" / "_layout.html").is_file()
    assert not list(demo.rglob("__pycache__"))
    assert stat.S_IMODE((demo / ".env").stat().st_mode) == 0o600


def test_the_tests_of_a_new_project_run_and_pass(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("init")
    assert "pip install pytest pytest-asyncio hogsend\n  pytest" in outcome.out

    # As in an environment with nothing but the testing kit: without our plugins and settings.
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"],
        cwd=empty_folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    tested = {path.stem for path in (empty_folder / "journeys").glob("test_*.py")}
    written = {path.stem for path in (empty_folder / "journeys").glob("[!_]*.py")} - tested
    assert tested == {f"test_{name}" for name in written - {"lists"}}


def test_the_written_project_passes_its_own_check(empty_folder: Path, hogsend: Hogsend) -> None:
    hogsend("init")

    assert hogsend("journeys", "check").status == 0
    assert hogsend("doctor").status == 0


def test_the_written_settings_are_the_defaults_until_a_line_is_uncommented(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    hogsend("init")
    env_file = empty_folder / ".env"

    assert set(load_settings({}, empty_folder).origins.values()) == {"default"}
    lines = [line for line in env_file.read_text().splitlines() if line.startswith("#HOGSEND_")]
    names = {line.removeprefix("#").partition("=")[0] for line in lines}
    assert names <= {setting.name for setting in SETTINGS}
    env_file.write_text("\n".join(line.removeprefix("#") for line in lines))
    assert load_settings({}, empty_folder).sender == "Example <hello@example.com>"


def test_existing_files_are_kept(empty_folder: Path, hogsend: Hogsend) -> None:
    (empty_folder / "journeys").mkdir()
    (empty_folder / "journeys" / "lists.py").write_text("# mine\n")
    (empty_folder / ".env").write_text("HOGSEND_BIND=127.0.0.1:1\n")

    outcome = hogsend("init", "--json").json

    assert set(outcome["kept"]) == {".env", "journeys/lists.py"}
    assert (empty_folder / "journeys" / "lists.py").read_text() == "# mine\n"
    assert (empty_folder / ".env").read_text() == "HOGSEND_BIND=127.0.0.1:1\n"

    assert hogsend("init", "--json").json["written"] == []


def test_a_folder_that_cannot_be_written_to_is_an_error(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (empty_folder / "file").write_text("")

    outcome = hogsend("init", "file/demo")

    assert outcome.status == 1 and "Name a folder" in outcome.err
