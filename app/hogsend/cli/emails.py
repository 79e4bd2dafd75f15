"""`hogsend emails`."""

from __future__ import annotations

from uuid import UUID

import click

from ..clock import SystemClock
from ..config.secret import prepare_data
from ..config.settings import Settings
from ..delivery.providers.port import DeliveryError, Message
from ..delivery.providers.select import provider_for
from ..delivery.render import Rendered
from ..delivery.templates import Templates
from ..delivery.tokens import Tokens
from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.journey import JOURNEY_LIST
from ..domain.send_policy import Send
from ..errors import HogsendError
from ..services.content import load_content
from ..services.installation import Installation
from ..store.change_feed import ChangeFeed
from ..turns.folder_loader import load
from .contact_options import validate_email
from .instance import current_settings, with_installation
from .output import json_option, show_json, show_table


@click.group()
def emails() -> None:
    """List, preview and test mail templates."""


@emails.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the mail templates."""
    settings = current_settings()
    templates = Templates.load(settings.journeys, load(settings.journeys).lists)
    rows = [templates.get(key) for key in templates.keys()]  # noqa: SIM118 - a method of ours
    if as_json:
        show_json([{"key": t.key, "list": t.list_id, "file": t.file} for t in rows])
    else:
        show_table(
            ["template", "list", "file"],
            [(t.key, t.list_id or "the journey's", t.file) for t in rows],
            f"There are no templates in {settings.journeys / 'emails'}.",
        )
    for broken in templates.broken:
        click.echo(str(broken), err=True)


@emails.command()
@click.argument("key")
@click.option("--html", "as_html", is_flag=True, help="Print the HTML part instead of the text.")
@click.option("--source", is_flag=True, help="Print the whole mail as it would leave.")
@json_option
def preview(key: str, as_html: bool, source: bool, as_json: bool) -> None:
    """Print a template's mail, made with its sample properties."""
    mail = _sample_mail(prepare_data(current_settings()), key, None)
    if as_json:
        show_json({"subject": mail.subject, "text": mail.text, "html": mail.html})
    elif source:
        click.echo(mail.raw, nl=False)
    elif as_html:
        click.echo(mail.html)
    else:
        click.echo(f"Subject: {mail.subject}\n\n{mail.text}")


@emails.command()
@click.argument("key")
@click.option("--to", required=True, callback=validate_email, help="Where it goes.")
def test(key: str, to: str) -> None:
    """Send one mail, made with the template's sample properties, through HOGSEND_MAIL.

    It is not in the ledger, and its unsubscribe link belongs to nobody.
    """

    async def work(instance: Installation) -> str:
        settings = prepare_data(instance.settings)
        mail = _sample_mail(settings, key, to)
        send_id = UUID(mail.message_id.strip("<>").partition("@")[0])
        provider = provider_for(settings, instance.database, instance.clock, ChangeFeed())
        try:
            accepted = await provider.deliver(
                Message(
                    send_id=send_id,
                    from_email=mail.from_email,
                    to_email=mail.to_email,
                    subject=mail.subject,
                    message_id=mail.message_id,
                    raw=mail.raw,
                ),
                _nothing_to_record,
            )
        except DeliveryError as error:
            raise HogsendError(
                f"The mail was not accepted: {error.reply}", "Check HOGSEND_MAIL and HOGSEND_FROM."
            ) from error
        finally:
            await provider.close()
        return f"{provider.name} took the mail to {mail.to_email}: {accepted.reply}"

    click.echo(with_installation(work))


async def _nothing_to_record() -> None:
    """Stand where the mailer notes that a mail may have left; a test has no ledger row."""


def _sample_mail(settings: Settings, key: str, to: str | None) -> Rendered:
    content = load_content(settings, Tokens(settings.secrets))
    renderer, templates = content.renderer, content.templates
    now = SystemClock().now()
    if to is None:
        return renderer.preview(key, now)
    template = templates.get(key)
    ada = Contact(
        id=UUID(int=0),
        user_id="ada",
        email=to,
        properties={"name": "Ada Lovelace", "firstName": "Ada"},
    )
    # Its own id, so that mail programs do not take a second test for the first one.
    send = Send(
        id=new_id(now),
        contact_id=ada.id,
        template=key,
        list_id=template.list_id or JOURNEY_LIST,
        status="queued",
        created_at=now,
        props=template.sample,
    )
    return renderer.render(send, ada, Event(ada.id, "preview", template.sample), now)
