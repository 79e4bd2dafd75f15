"""Tables of contacts, their identities, merges, consents and suppressions, and of erasures."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import (
    ByteOrderedField,
    DigestField,
    IdField,
    InstantField,
    Where,
    json_field,
)
from .conditions import PRESENT


class ContactRow(Model):
    """A contact.

    `external_id` is the user id of the installation's product, and `anonymous_id` the id of a
    browser; each is null while it is unknown. `event_seq` is the `seq` of the contact's last event.
    `revision` counts the changes of what turns decide by, such as the address and the consents.
    `merged_into` is the contact that replaced this one in a merge, and null otherwise. `erased_at`
    is set when the contact's personal data was erased.
    """

    id = IdField(primary_key=True)
    external_id = fields.CharField(max_length=200, null=True)
    email = fields.CharField(max_length=320, null=True)
    anonymous_id = fields.CharField(max_length=200, null=True)
    properties: Any = json_field(default=dict)
    event_seq = fields.BigIntField(default=0)
    revision = fields.BigIntField(default=0, db_default=0)
    first_seen_at = InstantField()
    last_seen_at = InstantField()
    created_at = InstantField()
    updated_at = InstantField()
    merged_into = IdField(null=True)
    erased_at = InstantField(null=True)

    class Meta:
        table = "contacts"
        indexes = (
            ("last_seen_at",),
            Where(fields=("first_seen_at", "id"), name="contacts_by_first_seen", condition=PRESENT),
            Where(
                fields=("merged_into",),
                name="merged_contacts",
                condition="merged_into IS NOT NULL",
            ),
        )


class IdentityRow(Model):
    """An identity of a contact: `u:` user id, `e:` email or `a:` anonymous id."""

    identity = ByteOrderedField(max_length=330, primary_key=True)
    contact_id = IdField(db_index=True)

    class Meta:
        table = "identities"


class MergeRow(Model):
    """A merge of one contact into another.

    `source` is who merged them: `event`, or the name of the operator or the key. `undo` is what an
    unmerge needs (`domain/merge_record.py`); it has personal data of both contacts. `undone_at` is
    null while the merge holds.
    """

    id = IdField(primary_key=True)
    survivor_id = IdField(db_index=True)
    merged_id = IdField(db_index=True)
    at = InstantField()
    source = fields.CharField(max_length=320)
    note = fields.CharField(max_length=200, default="")
    undo: Any = json_field(default=dict)
    undone_at = InstantField(null=True)
    undone_by = fields.CharField(max_length=320, null=True)

    class Meta:
        table = "merges"


class ConsentRow(Model):
    """A contact's choice about a list; the list `*` stands for every list.

    `source` says who made the choice, and `send_id` is the mail in which the contact made it. The
    choice ends at `until`, such as a pause of 30 days, or holds for ever when that is null.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    contact_id = IdField()
    list_id = fields.CharField(max_length=100)
    subscribed = fields.BooleanField()
    changed_at = InstantField()
    source = fields.CharField(max_length=40)
    send_id = IdField(null=True)
    until = InstantField(null=True)

    class Meta:
        table = "consents"
        unique_together = (("contact_id", "list_id"),)


class OptInRow(Model):
    """A subscription to a list with double opt-in that the contact has not confirmed yet.

    `source` says who asked for it, and `send_id` is the email that asks for the confirmation.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    contact_id = IdField()
    list_id = fields.CharField(max_length=100)
    requested_at = InstantField(db_index=True)
    source = fields.CharField(max_length=40)
    send_id = IdField(null=True)

    class Meta:
        table = "opt_ins"
        unique_together = (("contact_id", "list_id"),)


class SuppressionRow(Model):
    """An address that must not be mailed.

    `at` is the time of the suppression. `send_id` is the mail that caused it, or null when no mail
    did. `note` is what the mail server said, or an operator's reason.
    """

    address = fields.CharField(max_length=320, primary_key=True)
    reason = fields.CharField(max_length=40)
    at = InstantField()
    note = fields.TextField(null=True)
    send_id = IdField(null=True)

    class Meta:
        table = "suppressions"


class ErasedAddressRow(Model):
    """The salted hash of an address of an erased contact, which must not be mailed again."""

    hash = DigestField(primary_key=True)
    erased_at = InstantField()

    class Meta:
        table = "erased_addresses"


class ErasureRow(Model):
    """The erasure of a contact; `finished_at` is null until no personal data is left."""

    contact_id = IdField(primary_key=True)
    requested_at = InstantField()
    finished_at = InstantField(null=True)

    class Meta:
        table = "erasures"
        indexes = (
            Where(
                fields=("requested_at",), name="erasures_running", condition="finished_at IS NULL"
            ),
        )
