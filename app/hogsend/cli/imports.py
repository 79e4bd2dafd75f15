"""`hogsend imports`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from ..services.actor import COMMAND_LINE
from ..services.imports import ImportJob, cancel_import, delete_import, list_imports
from .instance import run_with_installation
from .not_found import suggest_list
from .output import confirm, json_option, print_json, print_table


@click.group()
def imports() -> None:
    """List imports, cancel them, and delete uploaded files."""


@imports.command("list")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="How many to show at most.",
)
@json_option
def list_(limit: int, as_json: bool) -> None:
    """List imports, newest first."""
    jobs = run_with_installation(
        lambda installation: list_imports(installation, COMMAND_LINE, limit)
    )
    if as_json:
        print_json([_to_json(job) for job in jobs])
        return
    print_table(
        ["id", "file", "status", "rows", "new", "changed", "refused", "by", "created"],
        [
            (
                job.id,
                job.file_name,
                _describe_status(job),
                job.rows,
                job.created,
                job.updated,
                job.refused,
                job.actor,
                job.created_at,
            )
            for job in jobs
        ],
        "No imports yet. Import contacts with `hogsend contacts import FILE`.",
    )


@imports.command()
@click.argument("import_id", metavar="ID", type=click.UUID)
@json_option
def cancel(import_id: UUID, as_json: bool) -> None:
    """Stop an import that runs; what it has imported stays."""
    with suggest_list("imports", "hogsend imports list"):
        job = run_with_installation(
            lambda installation: cancel_import(installation, COMMAND_LINE, import_id)
        )
    if as_json:
        print_json(_to_json(job))
    else:
        click.echo(f"Cancelled the import of {job.file_name} after {job.rows:,} rows.")


@imports.command()
@click.argument("import_id", metavar="ID", type=click.UUID)
@click.option("--yes", "is_confirmed", is_flag=True, help="Do not ask for confirmation.")
@json_option
def delete(import_id: UUID, is_confirmed: bool, as_json: bool) -> None:
    """Delete an import that does not run, with its file and refused rows; its contacts stay."""
    if not is_confirmed and not confirm("Delete the import, its file and its refused rows?"):
        click.echo("Nothing was deleted.", err=True)
        return
    with suggest_list("imports", "hogsend imports list"):
        run_with_installation(
            lambda installation: delete_import(installation, COMMAND_LINE, import_id)
        )
    if as_json:
        print_json({"id": import_id, "deleted": True})
    else:
        click.echo("Deleted the import. The contacts that it made stay.")


def _describe_status(job: ImportJob) -> str:
    return f"{job.status} (dry run)" if job.is_dry_run else job.status


def _to_json(job: ImportJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "file": job.file_name,
        "status": job.status,
        "dryRun": job.is_dry_run,
        "rows": job.rows,
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "refused": job.refused,
        "problem": job.problem,
        "by": job.actor,
        "createdAt": job.created_at,
        "endedAt": job.ended_at,
    }
