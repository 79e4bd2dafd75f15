"""`hogsend emails`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

import click

from ..config.secret import prepare_data
from ..services.actor import COMMAND_LINE
from ..services.blocked_mails import list_blocked_groups, retry_all_blocked, retry_blocked
from ..services.installation import Installation
from ..services.journey_code import load_folder
from ..services.sample_mails import AcceptedMail, send_sample_mail
from ..services.send_actions import cancel_send, resend
from ..services.templates import find_unguarded_variables, load_templates, preview_template
from .contact_options import validate_email
from .instance import load_current_settings, run_with_installation, run_with_journeys
from .not_found import suggest_list
from .output import format_count, json_option, print_json, print_table

if TYPE_CHECKING:
    from ..services.journey_context import JourneyContext


@click.group()
def emails() -> None:
    """Preview and test templates; retry, resend, cancel emails."""


@emails.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the mail templates."""
    settings = load_current_settings()
    templates = load_folder(settings.journeys).templates
    rows = [template for _, template in sorted(templates.by_key.items())]
    if as_json:
        print_json([{"key": row.key, "list": row.list_id, "file": row.file} for row in rows])
    else:
        print_table(
            ["template", "list", "file"],
            [(row.key, row.list_id or "(the journey's)", row.file) for row in rows],
            f"No templates in {settings.journeys / 'emails'}.",
        )
    for broken in templates.broken:
        click.echo(str(broken), err=True)


@emails.command()
@click.argument("key")
@click.option("--html", "as_html", is_flag=True, help="Print the HTML part instead of the text.")
@click.option("--source", is_flag=True, help="Print the whole mail as it would be sent.")
@json_option
def preview(key: str, as_html: bool, source: bool, as_json: bool) -> None:
    """Print a template's mail, rendered with its sample properties."""
    templates = load_templates(prepare_data(load_current_settings()))
    with suggest_list("templates", "hogsend emails list"):
        for use in find_unguarded_variables(templates, COMMAND_LINE, key):
            click.echo(f"{use.file}:{use.line}: warning: {use.problem} {use.remedy}", err=True)
        mail = preview_template(templates, COMMAND_LINE, key)
    if as_json:
        print_json({"subject": mail.subject, "text": mail.text, "html": mail.html})
    elif source:
        click.echo(mail.mime_bytes, nl=False)
    elif as_html:
        click.echo(mail.html)
    else:
        click.echo(f"Subject: {mail.subject}\n\n{mail.text}")


@emails.command()
@click.argument("key")
@click.option("--to", required=True, callback=validate_email, help="The address to send it to.")
def test(key: str, to: str) -> None:
    """Send one mail, rendered with the template's sample properties, through HOGSEND_MAIL.

    It is not recorded in the ledger, and its unsubscribe link belongs to no contact.
    """

    async def send(installation: Installation) -> AcceptedMail:
        templates = load_templates(prepare_data(installation.settings))
        return await send_sample_mail(installation, templates, COMMAND_LINE, key, to)

    with suggest_list("templates", "hogsend emails list"):
        mail = run_with_installation(send)
    click.echo(f"{mail.provider} accepted the mail to {mail.to_email}: {mail.reply}")


@emails.command()
@json_option
def blocked(as_json: bool) -> None:
    """List the emails that cannot be made, by template and reason."""
    groups = run_with_installation(
        lambda installation: list_blocked_groups(installation, COMMAND_LINE)
    )
    if as_json:
        print_json([asdict(group) for group in groups])
        return
    print_table(
        ["template", "emails", "reason"],
        [(group.template, group.mails, group.reason) for group in groups],
        "No emails are blocked.",
    )


@emails.command()
@click.argument("ids", nargs=-1, type=click.UUID, metavar="[EMAIL]...")
@click.option("--template", default="", help="Retry all blocked emails of this template.")
@click.option("--reason", default="", help="Retry all emails that are blocked for this reason.")
@click.option("--all", "everything", is_flag=True, help="Retry all blocked emails.")
@json_option
def retry(
    ids: tuple[UUID, ...], template: str, reason: str, everything: bool, as_json: bool
) -> None:
    """Make blocked emails again, from their templates as they are now."""
    if bool(ids) + bool(template or reason) + everything != 1:
        raise click.UsageError("Give the ids of emails, --template, --reason, or --all.")

    async def run(context: JourneyContext) -> int:
        for send_id in ids:
            await retry_blocked(context, COMMAND_LINE, send_id)
        if ids:
            return len(ids)
        return await retry_all_blocked(context, COMMAND_LINE, template=template, reason=reason)

    retried = run_with_journeys(run)
    if as_json:
        print_json({"emails": retried})
    else:
        click.echo(f"Retrying {format_count(retried, 'email')}.")


@emails.command("resend")
@click.argument("email_id", type=click.UUID, metavar="EMAIL")
@json_option
def resend_(email_id: UUID, as_json: bool) -> None:
    """Send an email again that was sent, has failed or has bounced, as a new email."""
    new_id = run_with_journeys(lambda context: resend(context, COMMAND_LINE, email_id))
    if as_json:
        print_json({"id": new_id, "originalId": email_id})
    else:
        click.echo(f"Resent as {new_id}.")


@emails.command()
@click.argument("email_id", type=click.UUID, metavar="EMAIL")
@json_option
def cancel(email_id: UUID, as_json: bool) -> None:
    """Cancel an email that has not left."""
    run_with_journeys(lambda context: cancel_send(context, COMMAND_LINE, email_id))
    if as_json:
        print_json({"id": email_id, "status": "cancelled"})
    else:
        click.echo("Cancelled.")
