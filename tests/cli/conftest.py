"""Runs commands as they are typed, in a project folder of each test."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from hogsend.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """The outcome of a command.

    Args:
        status: the exit status.
        out: its standard output.
        err: its standard error.
    """

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output as JSON."""
        return json.loads(self.out)


Hogsend = Callable[..., Outcome]


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, and no setting in the environment."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in list(os.environ):
        if name.startswith(("HOGSEND_", "HATCHET_")):
            monkeypatch.delenv(name)
    # Commands put the author's names of `.env` into the environment.
    with patch.dict(os.environ):
        yield folder


@pytest.fixture
def project(empty_folder: Path, sqlite_template: Path) -> Path:
    """A working folder with a database that is up to date."""
    (empty_folder / "data").mkdir(mode=0o700)
    shutil.copy(sqlite_template, empty_folder / "data" / "hogsend.db")
    return empty_folder


@pytest.fixture
def hogsend(empty_folder: Path, capfd: pytest.CaptureFixture[str]) -> Hogsend:
    """Runs `hogsend` with these arguments."""

    def run_command(*arguments: str) -> Outcome:
        capfd.readouterr()
        status = run(arguments)
        printed = capfd.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run_command


@pytest.fixture
def journeys(project: Path) -> Path:
    """The project's folder of journeys, with one journey and one mail."""
    folder = project / "journeys"
    (folder / "emails").mkdir(parents=True)
    (folder / "welcome.py").write_text(
        "from hogsend import Contact, Context, journey, on, prop\n\n\n"
        '@journey("welcome", trigger=on("user.created", where=prop("plan") == "pro"))\n'
        "async def welcome(user: Contact, ctx: Context) -> None:\n"
        '    """Says hello."""\n'
        '    await ctx.send("hello")\n'
    )
    (folder / "emails" / "hello.html").write_text(
        '---\nsubject: Hello {{ props.name }}\nsample: {"name": "Grace"}\n---\n'
        "<html><body><p>Good to see you, {{ props.name }}.</p>"
        '<a href="{{ unsubscribe_url }}">Leave</a></body></html>\n'
    )
    return folder
