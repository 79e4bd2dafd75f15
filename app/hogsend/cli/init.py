"""`hogsend init`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from .. import __version__
from ..errors import HogsendError
from ..paths import find_resource, is_frozen
from .output import json_option, print_json

ENV_TEXT = """\
# Hogsend's settings. The environment overrides this file, and lines that begin with # are ignored.
# `hogsend settings` shows every setting, and docs/settings.md explains it.

# Where the server listens, and the public address that links in mails lead to.
#HOGSEND_BIND=127.0.0.1:3002
#HOGSEND_BASE_URL=https://mail.example.com

# Mail is captured in the dashboard's inbox until a mail server is set here.
#HOGSEND_MAIL=smtp://user:password@smtp.example.com:587
#HOGSEND_FROM=Example <hello@example.com>

# For tests: every message goes to this address instead of its recipient.
#HOGSEND_TEST_TO=me@example.com

# The API key of `hogsend events send`. `hogsend serve` registers it as an ingest key.
#HOGSEND_API_KEY=

# Every other name is for your journeys, which read it from os.environ. Its value is never shown.
#SLACK_WEBHOOK=https://hooks.slack.com/services/…
"""
IGNORE_TEXT = """\
/.env
/.venv/
/data/
__pycache__/
.pytest_cache/
# Packages for journeys: pip install --target journeys/_packages -r journeys/requirements.txt
# Servers need them too: install them there, copy them, or remove this line to commit them.
/journeys/_packages/
"""
PROJECT_TEXT = """\
# To test the journeys, run `python -m pytest` here, with a Python that has hogsend, pytest and
# pytest-asyncio. Hogsend is not on the package index: install the wheel of a release or of
# `make wheel`, or use the .venv of its checkout.
[tool.pytest.ini_options]
testpaths = ["journeys"]
pythonpath = [".", "journeys/_packages"]
addopts = "--import-mode=importlib --ignore=journeys/_packages"
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"

# Type checking in editors: every call of the context is typed.
[tool.pyright]
include = ["journeys"]
exclude = ["journeys/_packages"]
extraPaths = ["journeys/_packages"]
typeCheckingMode = "strict"
"""
NEXT_STEPS = """
Next:
{cd}  {hogsend} serve --with-worker

The server prints the dashboard's address, a one-time sign-in link and an API key for your product.
Then read journeys/activation_welcome.py. This event starts that journey, and its mails are captured
in the dashboard's inbox:

  curl {address}/v1/events -H "Authorization: Bearer KEY" -H "Content-Type: application/json" \\
    -d '{{"name": "user.created", "userId": "ada", "email": "ada@example.com"}}'

Each journey has a test beside it, which runs through weeks of waiting in milliseconds:

{tests}
"""
# Hogsend is not on the package index, so that its name alone installs nothing.
TESTS_WITH_PYTHON = """\
  {python} -m pip install pytest pytest-asyncio
  {python} -m pytest
"""
TESTS_WITH_WHEEL = """\
  python3 -m venv .venv
  .venv/bin/pip install pytest pytest-asyncio hogsend-{version}-py3-none-any.whl
  .venv/bin/python -m pytest

The wheel is in the release that has this program; `make wheel` builds it from the source.
"""


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@json_option
def init(folder: Path, as_json: bool) -> None:
    """Write a new project: journeys, their tests, mails and settings.

    Existing files do not change.
    """
    written: list[str] = []
    kept: list[str] = []
    try:
        for name, text in _collect_files().items():
            (written if _write(folder / name, text) else kept).append(name)
    except OSError as error:
        raise HogsendError(
            f"The project cannot be written to {folder}: {error.strerror}.",
            "Name a folder that you can write to.",
        ) from error
    if as_json:
        print_json({"folder": folder.absolute(), "written": written, "kept": kept})
        return
    click.echo(f"Wrote {len(written)} files to {folder.absolute()}.")
    if kept:
        click.echo(f"Kept as they are: {', '.join(kept)}.")
    is_here = folder.absolute() == Path.cwd()
    cd = "" if is_here else f"  cd {folder}\n"
    steps = NEXT_STEPS.format(
        cd=cd, hogsend=_find_command(), address="http://127.0.0.1:3002", tests=_describe_tests()
    )
    click.echo(steps.rstrip())


def _find_command() -> str:
    """Return the command that runs this program: its name, if the shell finds it by its name."""
    if is_frozen():
        program = Path(sys.executable)
    else:
        program = Path(sys.executable).with_name("hogsend")
        if not program.is_file():
            return f"{sys.executable} -m hogsend"
    by_name = shutil.which("hogsend")
    is_same = by_name is not None and Path(by_name).resolve() == program.resolve()
    return "hogsend" if is_same else str(program)


def _describe_tests() -> str:
    """Return the commands that run the tests of a project with this program."""
    if is_frozen():
        return TESTS_WITH_WHEEL.format(version=__version__).rstrip()
    return TESTS_WITH_PYTHON.format(python=sys.executable).rstrip()


def _collect_files() -> dict[str, bytes]:
    """Return the files of a new project, by their names in it."""
    folder = find_resource("journeys")
    examples = {
        f"journeys/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    texts = {".env": ENV_TEXT, ".gitignore": IGNORE_TEXT, "pyproject.toml": PROJECT_TEXT}
    return {**examples, **{name: text.encode() for name, text in texts.items()}}


def _write(path: Path, text: bytes) -> bool:
    """Write a new file; return False if it exists. Only the owner can read `.env`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if path.name == ".env" else 0o644
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    return True
