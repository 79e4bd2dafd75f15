"""The table of commands, and what becomes of their errors."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper

import click
from click.exceptions import NoArgsIsHelpError

from ..errors import HogsendError, ServerUnreachable
from .output import plain

# Wrong usage is 2, by click.
DONE, FAILED, UNREACHABLE, INTERRUPTED = 0, 1, 3, 130


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command of the table.

    Args:
        place: `module:attribute` in this package.
        help: the first line of its help, so that `--help` need not import it.
    """

    place: str
    help: str


SECTIONS: Mapping[str, Mapping[str, CommandSpec]] = {
    "Start": {
        "init": CommandSpec(
            "init:init", "Write a new project: journeys, their tests, mails and settings."
        ),
        "bootstrap": CommandSpec(
            "bootstrap:bootstrap",
            "Set up Postgres, Hatchet and a mail catcher with Docker.",
        ),
        "serve": CommandSpec("serve:serve", "Serve the API, the dashboard and the public pages."),
        "worker": CommandSpec(
            "serve:worker", "Play journeys and deliver mail without the web server."
        ),
    },
    "Journeys and people": {
        "journeys": CommandSpec("journeys:journeys", "See, check and switch journeys."),
        "enrollments": CommandSpec(
            "enrollments:enrollments", "See who is in a journey, and help those who are stuck."
        ),
        "events": CommandSpec("events:events", "Send events to the running server."),
        "contacts": CommandSpec("contacts:contacts", "See the people Hogsend knows."),
        "emails": CommandSpec("emails:emails", "See, preview and try mail templates."),
    },
    "Access": {
        "keys": CommandSpec("keys:keys", "Make, list and revoke API keys."),
        "operators": CommandSpec("operators:operators", "Say who may sign in to the dashboard."),
    },
    "Upkeep": {
        "doctor": CommandSpec("doctor.command:doctor", "Check that everything is set up well."),
        "migrate": CommandSpec("migrate:migrate", "Bring the database's schema up to date."),
        "migrate-data": CommandSpec(
            "migrate_data:migrate_data",
            "Copy a stopped server's data into an empty Postgres.",
        ),
        "backup": CommandSpec(
            "backup:backup", "Copy the data into one file while the server runs."
        ),
        "restore": CommandSpec(
            "backup:restore", "Put a backup in place while the server is stopped."
        ),
        "unfence": CommandSpec("backup:unfence", "Let a restored copy send mail."),
        "settings": CommandSpec("settings:settings", "Show every setting and where it comes from."),
        "version": CommandSpec("settings:version", "Show the version."),
    },
}
_COMMANDS = {name: listed for section in SECTIONS.values() for name, listed in section.items()}


class Commands(click.Group):
    """The root group: its commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        listed = _COMMANDS.get(cmd_name)
        if listed is None:
            return None
        module, _, attribute = listed.place.partition(":")
        return getattr(importlib.import_module(f"{__package__}.{module}"), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, section by section."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, listed.help) for name, listed in commands.items()])


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False
)
@click.version_option(package_name="hogsend", message="hogsend %(version)s")
def commands() -> None:
    """Lifecycle messaging as code: one process, one file of data."""


def run(arguments: Sequence[str]) -> int:
    """Run a command and return the exit status.

    0 is done, 1 failed, 2 wrong usage, 3 the server could not be reached; 130 interrupted.

    Args:
        arguments: what follows `hogsend`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character gets its code, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        outcome = commands.main(
            list(arguments) or ["--help"], prog_name="hogsend", standalone_mode=False
        )
        sys.stdout.flush()
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        remedy = f"See `{_path(error)} --help`." if isinstance(error, click.UsageError) else ""
        _complain(error.format_message(), remedy)
        return error.exit_code
    except HogsendError as error:
        _complain(error.message, error.remedy)
        return UNREACHABLE if isinstance(error, ServerUnreachable) else FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; flushing at exit must not complain.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return outcome if isinstance(outcome, int) else DONE


def _complain(message: str, remedy: str = "") -> None:
    text = " ".join(message.split())
    if text and text[-1] not in ".!?":
        text += "."
    click.echo(plain(f"hogsend: {text} {remedy}".rstrip()), err=True)


def _path(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx else "hogsend"
