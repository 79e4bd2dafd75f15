"""`hogsend emails`."""

from __future__ import annotations

import click

from ..config.secret import prepare_data
from ..services.actor import COMMAND_LINE
from ..services.installation import Installation
from ..services.journey_code import load_folder
from ..services.sample_mails import AcceptedMail, send_sample_mail
from ..services.templates import load_templates, preview_template
from .contact_options import validate_email
from .instance import load_current_settings, run_with_installation
from .not_found import suggest_list
from .output import json_option, print_json, print_table


@click.group()
def emails() -> None:
    """List, preview and test mail templates."""


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
