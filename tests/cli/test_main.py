"""The command line lists its commands, fails in one sentence, and exits with the right status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from hogsend.cli import main
from hogsend.errors import HogsendError, ServerUnreachable

from .conftest import Hogsend

HOGSEND = [sys.executable, "-m", "hogsend"]


def test_help_lists_every_command_under_its_section(hogsend: Hogsend) -> None:
    outcome = hogsend("--help")

    assert outcome.status == 0
    for title, commands in main.SECTIONS.items():
        assert f"{title}:" in outcome.out
        for name, spec in commands.items():
            assert f"  {name} " in outcome.out and spec.help in outcome.out


def test_no_arguments_show_the_help(hogsend: Hogsend) -> None:
    assert hogsend().out == hogsend("--help").out


def test_the_table_has_the_first_line_of_each_commands_help() -> None:
    context = click.Context(main.commands)
    for commands in main.SECTIONS.values():
        for name, spec in commands.items():
            command = main.commands.get_command(context, name)
            assert command is not None
            assert command.get_short_help_str(limit=200) == spec.help


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["keys", "create"],
        ["keys", "create", "--scope", "everything"],
        ["keys", "revoke", "not-an-id"],
        ["contacts", "list", "--limit", "0"],
        ["events", "send", "x"],
        ["events", "send", "x", "--user-id", "1", "--prop", "plan"],
        ["events", "send", "x", "--email", "nobody"],
        ["serve", "--with-wroker"],
    ],
)
def test_wrong_usage_has_status_two_and_one_line(hogsend: Hogsend, arguments: list[str]) -> None:
    outcome = hogsend(*arguments)

    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("hogsend: ") and "--help`" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_group_without_a_command_shows_its_help(hogsend: Hogsend) -> None:
    outcome = hogsend("keys")

    assert outcome.status == 2
    assert "Usage: hogsend keys" in outcome.err and "revoke" in outcome.err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HogsendError("It broke", "Mend it."), 1),
        (ServerUnreachable("Nobody there", "Start it."), 3),
    ],
)
def test_an_error_is_a_sentence_and_a_remedy(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, error: HogsendError, status: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(
        main.Commands, "get_command", lambda *_: click.Command("version", callback=fail)
    )

    outcome = hogsend("version")

    assert outcome.status == status
    assert outcome.err == f"hogsend: {error.message}. {error.remedy}\n"


def test_an_interruption_prints_nothing(hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        main.Commands, "get_command", lambda *_: click.Command("version", callback=interrupted)
    )

    outcome = hogsend("version")

    assert (outcome.status, outcome.out.strip(), outcome.err.strip()) == (130, "", "")


def test_a_closed_pipe_is_not_an_error(empty_folder: Path) -> None:
    command = " ".join([*HOGSEND, "settings", "--json"])

    run = subprocess.run(
        ["bash", "-c", f"({command}; echo status $? >&2) | true"],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.stderr in ("status 1\n", "status 0\n")


def test_help_imports_nothing_heavy(empty_folder: Path) -> None:
    code = (
        "import sys\nfrom hogsend.cli.main import run\nrun(['--help'])\n"
        "heavy = ('tortoise', 'rich', 'quart', 'hypercorn', 'pydantic', 'jinja2', 'aerich')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert run.stderr.strip() == "[]"


def test_commands_on_keys_import_neither_templates_nor_the_web(project: Path) -> None:
    code = (
        "import sys\nfrom hogsend.cli.main import run\nrun(['keys', 'list'])\n"
        "heavy = ('quart', 'hypercorn', 'jinja2', 'hatchet_sdk', 'aerich', 'hogsend.ingest')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert run.stderr.strip() == "[]"


def test_serve_does_not_import_what_only_other_commands_need() -> None:
    code = (
        "import sys, hogsend.cli.serve\n"
        "print([name for name in ('rich', 'aerich', 'dotenv') if name in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert run.stdout.strip() == "[]"


def test_the_entry_point_imports_no_click() -> None:
    code = "import sys, hogsend.__main__\nprint('click' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert run.stdout.strip() == "False"
