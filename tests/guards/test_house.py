"""The rules of the house (docs/architecture.md): short files, short functions, plain words."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import hogsend
from hogsend.compat.cpython import parse_source

TOP = Path(__file__).parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

# Each word is put together here, so that this file does not break its own rule.
UNFINISHED = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b"
)
MACHINE = re.compile(
    "|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]", "/Us" + "ers/", "/tm" + "p/"])
)
DRAWERS = re.compile(r"(^|_)(util|utils|helper|helpers|manager|managers|common|misc|legacy)(_|$)")
# Written by others, or by tools.
NOT_OURS = re.compile(
    r"^(requirements/|web/static/(htmx|hx|swagger-ui)-|LICENSE$|migrations/.*/models/)"
)


def tracked() -> list[Path]:
    """Return the files that are in the repository or about to be, written by us."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [TOP / name for name in listed if not NOT_OURS.match(name) and (TOP / name).is_file()]


FILES = tracked()
PYTHON = [file for file in FILES if file.suffix == ".py"]
PROGRAM = [file for file in PYTHON if (TOP / "app") in file.parents]


def relative_name(file: Path) -> str:
    return str(file.relative_to(TOP))


def places(pattern: re.Pattern[str]) -> list[str]:
    matches: list[str] = []
    for file in FILES:
        try:
            lines = file.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        matches += [
            f"{relative_name(file)}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1)
            if pattern.search(line)
        ]
    return matches


def test_files_are_short():
    lengths = {relative_name(file): len(file.read_text().splitlines()) for file in PROGRAM}
    assert not {name: length for name, length in lengths.items() if length > MAX_FILE_LINES}


def test_functions_are_short():
    assert not [
        f"{relative_name(file)}:{node.lineno} {node.name} has "
        f"{node.end_lineno - node.lineno + 1} lines"
        for file in PROGRAM
        for node in ast.walk(parse_source(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]


def test_nothing_is_left_unfinished():
    assert not places(UNFINISHED)


def test_no_path_of_somebodys_machine_is_written_down():
    assert not places(MACHINE)


def test_everything_has_a_noun_for_a_name():
    assert not [relative_name(file) for file in PYTHON if DRAWERS.search(file.stem)]


@pytest.mark.parametrize(
    "lock", sorted((TOP / "requirements").glob("*.lock")), ids=lambda f: f.stem
)
def test_every_locked_package_has_a_version_and_hashes_and_no_address(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    pinned = re.split(r"\n(?=\S)", text.strip())
    assert len(pinned) > 50
    assert not [entry for entry in pinned if "==" not in entry or "--hash=sha256:" not in entry]


def test_the_package_and_the_program_have_one_version():
    with (TOP / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == hogsend.__version__
