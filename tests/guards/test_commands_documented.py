"""docs/command-line.md has a section for each command, and in it each of its options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hogsend.cli.main import commands

DOCUMENT = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
HEADING = re.compile(r"^### `(hogsend [^`]+)`\n", re.MULTILINE)
SECTIONS = dict(zip(*[iter(HEADING.split(DOCUMENT)[1:])] * 2, strict=True))


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Return every command that can be run, with what one types."""
    if not isinstance(command, click.Group):
        arguments = [
            parameter for parameter in command.params if isinstance(parameter, click.Argument)
        ]
        yield (
            " ".join(
                [path, *(argument.make_metavar(click.Context(command)) for argument in arguments)]
            ),
            command,
        )
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from leaves(inner, f"{path} {name}")


COMMANDS = dict(leaves(commands, "hogsend"))


@pytest.mark.parametrize("typed", COMMANDS)
def test_each_command_has_a_section_with_each_of_its_options(typed: str) -> None:
    assert typed in SECTIONS
    for option in COMMANDS[typed].params:
        if isinstance(option, click.Option):
            assert f"`{option.opts[0]}" in SECTIONS[typed], option.opts[0]


def test_no_section_is_about_a_command_that_is_gone() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("typed", COMMANDS)
def test_each_option_says_what_it_does(typed: str) -> None:
    for option in COMMANDS[typed].params:
        assert not isinstance(option, click.Option) or option.help
