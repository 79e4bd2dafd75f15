"""Sample mails: a template rendered with its sample props, sent outside of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..delivery.message import Message
from ..delivery.providers.port import DeliveryError
from ..delivery.providers.select import select_providers
from ..delivery.send_jobs import find_suppressed
from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.journey import BUILT_IN_LIST_ID
from ..domain.send_policy import Send
from ..errors import Conflict, HogsendError
from .actor import Actor, Permission
from .installation import Installation
from .templates import TemplateContext, get_template

_SAMPLE_PROPERTIES = {"name": "Ada Lovelace", "firstName": "Ada"}


@dataclass(frozen=True, slots=True)
class AcceptedMail:
    """A sample mail that a provider has accepted.

    Args:
        provider: the provider's name.
        to_email: where the mail went; HOGSEND_TEST_TO may have redirected it.
        reply: what the provider replied.
    """

    provider: str
    to_email: str
    reply: str


async def send_sample_mail(
    installation: Installation,
    context: TemplateContext,
    actor: Actor,
    key: str,
    to_email: str,
    *,
    props: Mapping[str, Any] | None = None,
) -> AcceptedMail:
    """Send a template's mail, with its sample props, to one address.

    The mail has no ledger row, and the links in it belong to a made-up contact.

    Args:
        installation: whose provider sends it.
        context: has the template.
        actor: who asks for it.
        key: the template.
        to_email: where the mail goes.
        props: the values; None for those of the sample.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no usable template with this key.
        ConfigError: the settings do not let the provider send.
        Conflict: the address must get no mail.
        HogsendError: the mail cannot be rendered, or the provider did not accept it.
    """
    actor.require(Permission.OPERATE)
    mail = _render(context, actor, key, to_email, props)
    address = mail.to[0].email
    if await find_suppressed(installation.database, [address]):
        raise Conflict(
            f"The address {address} is suppressed: it gets no email.",
            "Use another address, or lift the suppression if the recipient agrees.",
        )
    providers = select_providers(
        installation.settings, installation.database, installation.clock, installation.change_feed
    )
    provider = providers[providers.names[0]]
    try:
        accepted = await provider.deliver(mail, _record_nothing)
    except DeliveryError as error:
        raise HogsendError(
            f"The mail was not accepted: {error.reply}", "Check HOGSEND_MAIL and HOGSEND_FROM."
        ) from error
    finally:
        await providers.close()
    return AcceptedMail(provider.name, address, accepted.reply)


def _render(
    context: TemplateContext,
    actor: Actor,
    key: str,
    to_email: str,
    props: Mapping[str, Any] | None,
) -> Message:
    template = get_template(context, actor, key)
    now = context.clock.now()
    contact = Contact(
        id=UUID(int=0),
        user_id="ada",
        email=to_email,
        properties=dict(_SAMPLE_PROPERTIES),
        first_seen_at=now,
    )
    send = Send(
        # A new id each time, so that mail programs do not take a second test for the first one.
        id=new_id(now),
        contact_id=contact.id,
        template=key,
        list_id=template.list_id or BUILT_IN_LIST_ID,
        status="queued",
        created_at=now,
        props=template.sample if props is None else props,
    )
    trigger = Event(contact.id, "preview", template.sample, received_at=now)
    return context.content.renderer.render(send, contact, trigger, now)


async def _record_nothing() -> None:
    """Stand in for the ledger before the hand-over: a sample mail has no row."""
