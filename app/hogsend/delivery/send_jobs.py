"""Reads due sends together with the data that their mails need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.direct_mail import DirectMail
from ..domain.event import Event
from ..domain.send_policy import Consents, Send, SendFacts
from ..errors import CorruptRow
from ..store import consents, contacts, direct_mails, erasures, events, sends
from ..store.corrupt_row_failures import fail_send
from ..store.db import Database


@dataclass(frozen=True, slots=True)
class SendJob:
    """A due send with the data that its mail needs.

    Args:
        send: the row of the ledger.
        contact: the recipient.
        event: the event that started the journey, if any.
        facts: the facts that decide whether the mail may leave.
        direct: what a direct email has beside its row, without copies to suppressed addresses; None
            for a journey's email.
    """

    send: Send
    contact: Contact
    event: Event | None
    facts: SendFacts
    direct: DirectMail | None = None

    @property
    def skips_consent(self) -> bool:
        """Whether the mail goes to a contact who has unsubscribed, too."""
        return self.direct is not None and self.direct.skips_consent


async def load_jobs(database: Database, ids: Sequence[UUID], now: datetime) -> list[SendJob]:
    """Read sends with the data that their mails need; a send with a corrupt row fails alone.

    Args:
        database: holds the ledger.
        ids: the sends; the result lacks those that are no longer queued or due, such as a send
            whose last attempt failed after its id was read.
        now: the current time.
    """
    try:
        return await _load(database, ids, now)
    except CorruptRow as error:
        if len(ids) == 1:
            await fail_send(database, ids[0], error, now)
            return []
    return [job for send_id in ids for job in await load_jobs(database, [send_id], now)]


def build_send_facts(
    contact: Contact,
    consents_of: Mapping[UUID, Consents],
    suppressed: Mapping[str, str],
    send: Send,
) -> SendFacts:
    """Return the facts that decide whether a mail may leave.

    Args:
        contact: the recipient.
        consents_of: consents by contact.
        suppressed: the reasons of suppression by address.
        send: the row of the ledger.
    """
    email = send.address or contact.email
    return SendFacts(
        email=email,
        consents=consents_of.get(contact.id) or Consents(),
        suppression=suppressed.get(email) if email else None,
    )


async def _load(database: Database, ids: Sequence[UUID], now: datetime) -> list[SendJob]:
    rows, recipients, triggers, consents_of, suppressed = await database.read(
        sends.find_by_ids(ids),
        contacts.find_by_sends(ids),
        events.find_triggers_by_sends(ids),
        consents.find_by_sends(ids),
        consents.find_suppressed_by_sends(ids),
    )
    # Only an email without an enrollment can be a direct one.
    direct_ids = [send.id for send in rows.values() if send.enrollment_id is None]
    direct = await _load_direct_mails(database, direct_ids)
    return [
        SendJob(
            send,
            recipients[send.contact_id],
            triggers.get(send.id),
            build_send_facts(recipients[send.contact_id], consents_of, suppressed, send),
            direct.get(send.id),
        )
        for send in rows.values()
        if send.status == "queued" and send.due_at is not None and send.due_at <= now
    ]


async def _load_direct_mails(
    database: Database, send_ids: Sequence[UUID]
) -> Mapping[UUID, DirectMail]:
    """Read direct emails; copies to suppressed addresses are left out."""
    if not send_ids:
        return {}
    mails = await database.read_one(direct_mails.find(send_ids))
    copies = {address for mail in mails.values() for address in mail.copies}
    if not copies:
        return mails
    suppressed = await find_suppressed(database, sorted(copies))
    return {
        send_id: replace(
            mail,
            cc=[mailbox for mailbox in mail.cc if mailbox[1] not in suppressed],
            bcc=[mailbox for mailbox in mail.bcc if mailbox[1] not in suppressed],
        )
        for send_id, mail in mails.items()
    }


async def find_suppressed(database: Database, addresses: Sequence[str]) -> Collection[str]:
    """Return which addresses must not be mailed; those of erased people have only a hash."""
    suppressed = await database.read_one(consents.find_suppressed_or_salt(addresses))
    salt = suppressed.pop(consents.SALT_ADDRESS, None)
    if salt is None:
        return suppressed
    # The address of a contact is suppressed by name, or an operator has allowed mail to it.
    owned = await database.read_one(
        contacts.find_by_identities([f"e:{address}" for address in addresses])
    )
    unknown = [address for address in addresses if f"e:{address}" not in owned]
    erased = await database.read_one(erasures.find_erased(salt, unknown)) if unknown else []
    return {*suppressed, *erased}
