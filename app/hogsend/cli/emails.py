"""`hogsend emails`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

import click

from ..config.secret import prepare_data
from ..services.actor import COMMAND_LINE
from ..services.blocked_mails import list_blocked_groups, retry_all_blocked, retry_blocked
from ..services.direct_mails import (
    DirectMailAnswer,
    describe_answer,
    parse_email_body,
    send_email_body,
)
from ..services.installation import Installation
from ..services.journey_code import load_folder
from ..services.sample_mails import AcceptedMail, send_sample_mail
from ..services.send_actions import cancel_send, resend, resolve_doubt
from ..services.template_checks import Finding, check_links, check_template, check_templates
from ..services.templates import find_unguarded_variables, load_templates, preview_template
from .contact_options import parse_properties, property_option, validate_email
from .instance import load_current_settings, run_with_installation, run_with_journeys
from .not_found import suggest_list
from .output import format_count, json_option, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..services.journey_context import JourneyContext


@click.group()
def emails() -> None:
    """Preview, test, send, retry, resend and cancel emails."""


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
@click.option("--language", help="The language of the recipient, such as de or pt-BR.")
@json_option
def preview(key: str, as_html: bool, source: bool, language: str | None, as_json: bool) -> None:
    """Print a template's mail, rendered with its sample properties."""
    templates = load_templates(prepare_data(load_current_settings()))
    with suggest_list("templates", "hogsend emails list"):
        for use in find_unguarded_variables(templates, COMMAND_LINE, key):
            click.echo(f"{use.file}:{use.line}: warning: {use.problem} {use.remedy}", err=True)
        mail = preview_template(templates, COMMAND_LINE, key, language=language)
    if as_json:
        print_json({"subject": mail.subject, "text": mail.text, "html": mail.html})
    elif source:
        click.echo(mail.mime_bytes, nl=False)
    elif as_html:
        click.echo(mail.html)
    else:
        click.echo(f"Subject: {mail.subject}\n\n{mail.text}")


@emails.command()
@click.argument("key", required=False)
@click.option("--links", "with_links", is_flag=True, help="Also ask the sites that links lead to.")
@json_option
def check(key: str | None, with_links: bool, as_json: bool) -> None:
    """Check the mail of one template, or of all, in every language.

    The exit code is 1 if there are errors, and 0 if there are only warnings.
    """
    templates = load_templates(prepare_data(load_current_settings()))
    with suggest_list("templates", "hogsend emails list"):
        findings = (
            check_template(templates, COMMAND_LINE, key)
            if key
            else check_templates(templates, COMMAND_LINE)
        )
    if with_links:
        usable = templates.content.templates.by_key
        for name in [key] if key else sorted(usable):
            if name in usable:
                findings += asyncio.run(check_links(templates, COMMAND_LINE, name))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print_findings(findings)
    if any(finding.level == "error" for finding in findings):
        raise click.exceptions.Exit(1)


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        shown = f" “{finding.text}”" if finding.text and finding.check != "missing-value" else ""
        click.echo(
            f"{finding.place}: {finding.level}: {finding.problem}{shown} {finding.remedy}".rstrip()
        )
    errors = sum(finding.level == "error" for finding in findings)
    warnings = len(findings) - errors
    click.echo(f"{format_count(errors, 'error')}, {format_count(warnings, 'warning')}.")


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
@click.argument("template")
@click.option("--to", callback=validate_email, help="The address to send it to.")
@click.option("--user-id", help="The contact to send it to, by your product's id.")
@property_option
@click.option(
    "--sensitive",
    multiple=True,
    metavar="NAME",
    help="Remove the value of this property once the email has left. Repeat it for several.",
)
@click.option("--subject", help="The subject, instead of the template's.")
@click.option("--list", "list_id", help="The list that the email belongs to.")
@click.option("--send-at", metavar="INSTANT", help="When to send it, such as 2030-05-05T09:00Z.")
@click.option("--idempotency-key", help="An email with the same key is sent only once.")
@json_option
def send(
    *,
    template: str,
    to: str | None,
    user_id: str | None,
    properties: tuple[str, ...],
    as_json: bool,
    **options: object,
) -> None:
    """Send one email without a journey, from a template.

    It is delivered by the server that runs on the same data, or by the next one.
    """
    fields = {
        "template": template,
        "to": to,
        "userId": user_id,
        "props": parse_properties(properties),
        "sensitiveProps": options["sensitive"],
        "subject": options["subject"],
        "list": options["list_id"],
        "sendAt": options["send_at"],
        "idempotencyKey": options["idempotency_key"],
    }
    body = parse_email_body(json.dumps({k: v for k, v in fields.items() if v}).encode())

    async def run(context: JourneyContext) -> DirectMailAnswer:
        templates = load_templates(prepare_data(context.settings))
        return await send_email_body(context, templates, COMMAND_LINE, body)

    with suggest_list("templates", "hogsend emails list"):
        answer = run_with_journeys(run)
    if as_json:
        print_json(describe_answer(answer))
    else:
        click.echo(_describe_answer(answer))


def _describe_answer(answer: DirectMailAnswer) -> str:
    send = answer.send
    if answer.status != "sent":
        reason = (answer.reason or answer.status).replace("_", " ")
        return f"Not sent to {send.to_email}: {reason}. Its record is {send.id}."
    if answer.is_repeat:
        return f"Nothing changed: email {send.id} has the same idempotency key."
    return f"Queued for {send.to_email} as {send.id}."


@emails.command()
@click.argument("email_id", type=click.UUID, metavar="EMAIL")
@click.option("--sent/--not-sent", "was_sent", required=True, help="Whether it has left.")
@json_option
def resolve(email_id: UUID, was_sent: bool, as_json: bool) -> None:
    """Say whether an email has left that may or may not have."""
    run_with_journeys(
        lambda context: resolve_doubt(context, COMMAND_LINE, email_id, was_sent=was_sent)
    )
    status = "sent" if was_sent else "failed"
    if as_json:
        print_json({"id": email_id, "status": status})
    else:
        click.echo("Recorded as sent." if was_sent else "Recorded as failed.")


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
