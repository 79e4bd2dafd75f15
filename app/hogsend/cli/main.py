"""The table of commands, and how their errors are shown."""

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
from .output import make_printable

# Click itself uses 2 for wrong usage.
DONE, FAILED, UNREACHABLE, INTERRUPTED = 0, 1, 3, 130


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command that is imported when it is run.

    Args:
        location: `module:attribute` in this package.
        help: the first line of its help, so that `--help` need not import it.
    """

    location: str
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
            "serve:worker", "Run journeys and deliver mail without the web server."
        ),
    },
    "Journeys and contacts": {
        "journeys": CommandSpec("journeys:journeys", "Show, check, enable and disable journeys."),
        "enrollments": CommandSpec(
            "enrollments:enrollments", "Show enrollments, and act on those that are stuck."
        ),
        "events": CommandSpec("events:events", "Send events to the running server."),
        "contacts": CommandSpec(
            "contacts:contacts", "Show, change, import, export and erase contacts."
        ),
        "imports": CommandSpec(
            "imports:imports", "List imports, cancel them, and delete uploaded files."
        ),
        "suppressions": CommandSpec(
            "suppressions:suppressions",
            "Import and export the addresses that must not get mail.",
        ),
        "emails": CommandSpec(
            "emails:emails",
            "Preview, test, send, retry, resend and cancel emails.",
        ),
    },
    "Sending": {
        "dkim": CommandSpec("dkim:dkim", "Manage the keys that sign mails (DKIM)."),
    },
    "Access": {
        "keys": CommandSpec("keys:keys", "Create, list and revoke API keys."),
        "operators": CommandSpec("operators:operators", "Manage who can sign in to the dashboard."),
    },
    "Maintenance": {
        "doctor": CommandSpec("doctor.command:doctor", "Check that everything is set up well."),
        "migrate": CommandSpec("migrate:migrate", "Bring the database's schema up to date."),
        "migrate-data": CommandSpec(
            "migrate_data:migrate_data",
            "Copy a stopped server's data into an empty Postgres.",
        ),
        "backup": CommandSpec(
            "backup:backup", "Copy the data into one file while the server runs."
        ),
        "restore": CommandSpec("backup:restore", "Restore a backup while the server is stopped."),
        "resume-sending": CommandSpec("backup:resume_sending", "Let a restored copy send mail."),
        "settings": CommandSpec("settings:settings", "Show every setting and where it comes from."),
        "version": CommandSpec("settings:version", "Show the version."),
    },
}
# Former names, which `--help` does not list.
ALIASES: Mapping[str, str] = {"unfence": "resume-sending"}
_COMMANDS = {name: spec for section in SECTIONS.values() for name, spec in section.items()}


class Commands(click.Group):
    """The root group, which imports a command when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of `SECTIONS`."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, under its name or a former one."""
        spec = _COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if spec is None:
            return None
        module, _, attribute = spec.location.partition(":")
        return getattr(importlib.import_module(f"{__package__}.{module}"), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all commands, section by section."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, spec.help) for name, spec in commands.items()])


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False
)
@click.version_option(package_name="hogsend", message="hogsend %(version)s")
def commands() -> None:
    """Lifecycle messaging as code: one process, one file of data."""


def run(arguments: Sequence[str]) -> int:
    """Run a command and return the exit status.

    The status is 0 for done, 1 for failed, 2 for wrong usage, 3 when the server could not be
    reached, 130 when interrupted.

    Args:
        arguments: the words after `hogsend`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character shows its code instead of a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        outcome = commands.main(
            list(arguments) or ["--help"], prog_name="hogsend", standalone_mode=False
        )
        # Also where standard output is closed.
        print(end="", flush=True)
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        remedy = (
            f"See `{_command_path(error)} --help`." if isinstance(error, click.UsageError) else ""
        )
        _show_error(error.format_message(), remedy)
        return error.exit_code
    except HogsendError as error:
        _show_error(error.message, error.remedy)
        return UNREACHABLE if isinstance(error, ServerUnreachable) else FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe; Python must not fail to flush at exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return outcome if isinstance(outcome, int) else DONE


def _show_error(message: str, remedy: str = "") -> None:
    text = " ".join(message.split())
    if text and text[-1] not in ".!?":
        text += "."
    click.echo(make_printable(f"hogsend: {text} {remedy}".rstrip()), err=True)


def _command_path(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx else "hogsend"
