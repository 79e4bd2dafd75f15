"""`hogsend settings` and `hogsend version`."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from ..config.secret import load_stored_secret
from ..config.settings import SETTINGS
from ..config.value_text import format_value
from .instance import load_current_settings
from .output import json_option, print_json, print_table


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """Show every setting and where it comes from.

    Passwords and keys are masked.
    """
    current = load_stored_secret(load_current_settings())
    rows = [
        (setting.name, format_value(current, setting), current.origins[setting.name])
        for setting in SETTINGS
    ]
    if as_json:
        print_json(
            [{"name": name, "value": value, "origin": origin} for name, value, origin in rows]
        )
    else:
        print_table(["setting", "value", "origin"], rows, "")


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Show the version."""
    number, python = metadata.version("hogsend"), platform.python_version()
    if as_json:
        print_json({"version": number, "python": python})
    else:
        click.echo(f"hogsend {number} (Python {python})")
