"""`hogsend dkim`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..domain.dkim_key import DkimAlgorithm, DkimKey
from ..services.actor import COMMAND_LINE
from ..services.dkim import (
    activate_dkim_key,
    create_dkim_key,
    get_dkim_key,
    list_dkim_keys,
    retire_dkim_key,
)
from .instance import run_with_installation
from .not_found import suggest_list
from .output import json_option, print_json, print_table

_LIST = ("DKIM keys", "hogsend dkim list")


@click.group()
def dkim() -> None:
    """Manage the keys that sign mails (DKIM)."""


@dkim.command()
@click.argument("domain")
@click.option("--selector", help="The name of the key; chosen from the month unless given.")
@click.option(
    "--algorithm",
    type=click.Choice(["rsa", "ed25519"]),
    default="rsa",
    show_default=True,
    help="RSA has 2048 bits, and every receiver verifies it.",
)
@click.option(
    "--import",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Import the private key of this PEM file instead of creating one.",
)
@json_option
def create(
    domain: str, selector: str | None, algorithm: DkimAlgorithm, file: Path | None, as_json: bool
) -> None:
    """Create a key for the mails from a DOMAIN, and show its DNS record.

    The key signs once it is activated.
    """
    key = run_with_installation(
        lambda installation: create_dkim_key(
            installation,
            COMMAND_LINE,
            domain,
            algorithm=algorithm,
            selector=selector,
            pem=None if file is None else file.read_bytes(),
        )
    )
    if as_json:
        print_json(_to_json(key))
        return
    _print_record(key)
    command = f"hogsend dkim activate {key.domain} {key.selector}"
    click.echo(f"Publish this record, then run `{command}`.", err=True)


@dkim.command("list")
@click.argument("domain", required=False)
@json_option
def list_(domain: str | None, as_json: bool) -> None:
    """List the keys, of one DOMAIN or of all."""
    keys = run_with_installation(
        lambda installation: list_dkim_keys(installation, COMMAND_LINE, domain)
    )
    if as_json:
        print_json([_to_json(key) for key in keys])
        return
    print_table(
        ["domain", "selector", "algorithm", "status", "created", "activated", "retired"],
        [
            (
                key.domain,
                key.selector,
                key.algorithm,
                key.status,
                key.created_at,
                key.activated_at,
                key.retired_at,
            )
            for key in keys
        ],
        "No DKIM keys yet. Create one with `hogsend dkim create example.com`.",
    )


@dkim.command()
@click.argument("domain")
@click.argument("selector", required=False)
@json_option
def show(domain: str, selector: str | None, as_json: bool) -> None:
    """Show the DNS record of a key, or of all keys of a DOMAIN that are not retired."""
    with suggest_list(*_LIST):
        if selector is not None:
            keys = [
                run_with_installation(
                    lambda installation: get_dkim_key(installation, COMMAND_LINE, domain, selector)
                )
            ]
        else:
            keys = run_with_installation(
                lambda installation: list_dkim_keys(installation, COMMAND_LINE, domain)
            )
            keys = [key for key in keys if key.status != "retired"]
    if as_json:
        print_json([_to_json(key) for key in keys])
        return
    for number, key in enumerate(keys):
        if number:
            click.echo()
        _print_record(key)
    if not keys:
        click.echo(f"{domain} has no keys. Create one with `hogsend dkim create {domain}`.")


@dkim.command()
@click.argument("domain")
@click.argument("selector")
@click.option("--skip-dns-check", is_flag=True, help="Do not look up whether it is published.")
@json_option
def activate(domain: str, selector: str, skip_dns_check: bool, as_json: bool) -> None:
    """Sign the mails of a DOMAIN with a key from now on, once its record is published.

    A running server notices it at once. Other active keys of the domain sign, too.
    """
    with suggest_list(*_LIST):
        key = run_with_installation(
            lambda installation: activate_dkim_key(
                installation, COMMAND_LINE, domain, selector, check_dns=not skip_dns_check
            )
        )
    if as_json:
        print_json(_to_json(key))
    else:
        click.echo(f"Mails from {key.domain} are signed with the key {key.selector}.")


@dkim.command()
@click.argument("domain")
@click.argument("selector")
@json_option
def retire(domain: str, selector: str, as_json: bool) -> None:
    """Stop signing with a key. A running server notices it at once."""
    with suggest_list(*_LIST):
        key = run_with_installation(
            lambda installation: retire_dkim_key(installation, COMMAND_LINE, domain, selector)
        )
    if as_json:
        print_json(_to_json(key))
        return
    click.echo(f"Mails from {key.domain} are not signed with the key {key.selector} any more.")
    click.echo(
        "Leave its DNS record for a week: mails on their way still have its signature.", err=True
    )


def _print_record(key: DkimKey) -> None:
    record = key.record
    click.echo(f"name   {record.name}\ntype   TXT\nvalue  {record.value}")
    if len(record.strings) > 1:
        # Some providers of DNS take a long text only in these pieces.
        click.echo("parts  " + "\n       ".join(f'"{text}"' for text in record.strings))
    click.echo(f"zone   {record.zone_line}")


def _to_json(key: DkimKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "status": key.status,
        "record": {
            "name": key.record.name,
            "value": key.record.value,
            "strings": key.record.strings,
            "zone": key.record.zone_line,
        },
        "createdAt": key.created_at,
        "activatedAt": key.activated_at,
        "retiredAt": key.retired_at,
    }
