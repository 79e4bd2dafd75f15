"""`hogsend init` writes a project that is ready to run, and replaces no file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hogsend import __version__
from hogsend.config.settings import SETTINGS, load_settings

from .conftest import Hogsend


def test_a_new_project_is_ready_to_run(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("init", "demo")

    assert outcome.status == 0
    assert "cd demo" in outcome.out and "hogsend serve --with-worker" in outcome.out
    # The index has no such package, and might one day have somebody else's.
    assert "install pytest pytest-asyncio hogsend\n" not in outcome.out
    demo = empty_folder / "demo"
    assert (demo / "journeys" / "activation_welcome.py").is_file()
    assert (demo / "journeys" / "emails" / "_layout.html").is_file()
    assert not list(demo.rglob("__pycache__"))
    assert stat.S_IMODE((demo / ".env").stat().st_mode) == 0o600


def test_the_tests_of_a_new_project_run_and_pass(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("init")
    install, run_tests = [line.strip() for line in outcome.out.splitlines() if " -m " in line]
    assert install == f"{sys.executable} -m pip install pytest pytest-asyncio"
    # Packages for journeys, with tests of their own that are not the project's.
    packages = empty_folder / "journeys" / "_packages"
    packages.mkdir()
    (packages / "shopkit.py").write_text("PRICE = 3\n")
    (packages / "test_shopkit.py").write_text("raise SystemExit\n")
    (empty_folder / "journeys" / "test_packages.py").write_text(
        "import shopkit\n\n\ndef test_packages_are_found():\n    assert shopkit.PRICE == 3\n"
    )

    # As in an environment with nothing but the testing kit: without our plugins and settings.
    result = subprocess.run(
        [*run_tests.split(), "-p", "no:cacheprovider", "-q"],
        cwd=empty_folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    tested = {path.stem for path in (empty_folder / "journeys").glob("test_*.py")}
    written = {path.stem for path in (empty_folder / "journeys").glob("[!_]*.py")} - tested
    assert tested == {f"test_{name}" for name in written - {"lists"}} | {"test_packages"}


def test_the_printed_command_runs_the_program_that_wrote_the_project(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Path(sys.executable).with_name("hogsend")
    monkeypatch.setenv("PATH", str(program.parent))
    assert "\n  hogsend serve --with-worker\n" in hogsend("init").out
    monkeypatch.setenv("PATH", "/usr/bin")
    assert f"\n  {program} serve --with-worker\n" in hogsend("init").out


def test_the_binary_names_the_wheel_that_its_tests_need(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert f"hogsend-{__version__}-py3-none-any.whl" in hogsend("init").out


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
