"""Tables of mails: the send ledger, rendered mails, the local inbox, opens and clicks."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import DigestField, IdField, InstantField, Where, json_field
from .conditions import HAS_PROVIDER_ID, HELD, RESENT, WAITS


class SendRow(Model):
    """One email to one contact, in the send ledger. `holder` is the worker that hands it over.

    `contact_id` is the recipient, and `on_behalf_of` the contact whose enrollment sends it, if that
    is someone else. `to_email` is the address that was used; `address` is the one that a direct
    email names, which replaces the contact's. `attempts` lists the attempts to hand it over.
    `original_id` is the email that this one repeats. `template` is empty for a direct email with
    content of its own.
    """

    id = IdField(primary_key=True)
    contact_id = IdField(db_index=True)
    enrollment_id = IdField(null=True)
    journey_id = fields.CharField(max_length=100, null=True)
    step_key = fields.CharField(max_length=200, null=True)
    idempotency_key = fields.CharField(max_length=200, null=True, unique=True)
    template = fields.CharField(max_length=100)
    list_id = fields.CharField(max_length=100)
    subject = fields.TextField(null=True)
    props: Any = json_field(default=dict)
    to_email = fields.CharField(max_length=320, null=True)
    address = fields.CharField(max_length=320, null=True)
    status = fields.CharField(max_length=12)
    reason = fields.CharField(max_length=200, null=True)
    due_at = InstantField(null=True)
    created_at = InstantField()
    updated_at = InstantField()
    handed_at = InstantField(null=True)
    sent_at = InstantField(null=True)
    delivered_at = InstantField(null=True)
    opened_at = InstantField(null=True)
    clicked_at = InstantField(null=True)
    provider = fields.CharField(max_length=40, null=True)
    provider_id = fields.CharField(max_length=200, null=True)
    attempts: Any = json_field(default=list)
    holder = IdField(null=True)
    on_behalf_of = IdField(null=True)
    original_id = IdField(null=True)

    class Meta:
        table = "sends"
        unique_together = (("enrollment_id", "step_key"),)
        indexes = (
            Where(fields=("journey_id", "due_at"), name="sends_due", condition=WAITS),
            Where(fields=("updated_at",), name="sends_handing", condition="status = 'sending'"),
            Where(fields=("holder",), name="sends_holders", condition=HELD),
            Where(
                fields=("on_behalf_of",),
                name="sends_for_others",
                condition="on_behalf_of IS NOT NULL",
            ),
            Where(fields=("original_id",), name="sends_resent", condition=RESENT),
            Where(fields=("provider_id",), name="sends_provider_ids", condition=HAS_PROVIDER_ID),
            ("status", "id"),
            ("journey_id", "id"),
            ("template", "id"),
        )


class DirectMailRow(Model):
    """What a direct email has beside its row in `sends`: who else gets it, and its own content.

    `secrets` has the values of the props in `sensitive` until the email has left, and so has
    `content` unless it is kept. `digest` is that of the request, to detect the same idempotency key
    with another request.
    """

    send_id = IdField(primary_key=True)
    digest = DigestField()
    sender = fields.TextField(null=True)
    reply_to: Any = json_field(default=list)
    cc: Any = json_field(default=list)
    bcc: Any = json_field(default=list)
    headers: Any = json_field(default=dict)
    content: Any = json_field(null=True)
    sensitive: Any = json_field(default=list)
    secrets: Any = json_field(null=True)
    keeps_content = fields.BooleanField(default=True)
    skips_consent = fields.BooleanField(default=False)
    attachments = fields.IntField(default=0)
    created_at = InstantField(db_index=True)

    class Meta:
        table = "direct_mails"


class AttachmentRow(Model):
    """A file that is attached to a direct email; `position` is its place, from 0."""

    id = IdField(primary_key=True)
    send_id = IdField(db_index=True)
    position = fields.IntField()
    filename = fields.CharField(max_length=255)
    content_type = fields.CharField(max_length=255)
    size = fields.IntField()
    content = fields.BinaryField()
    created_at = InstantField(db_index=True)

    class Meta:
        table = "attachments"


class MessageRow(Model):
    """The rendered mail of a send, compressed; stored before the first attempt."""

    send_id = IdField(primary_key=True)
    subject = fields.TextField()
    from_email = fields.CharField(max_length=320)
    mail = fields.BinaryField()
    links: Any = json_field(default=list)
    created_at = InstantField(db_index=True)

    class Meta:
        table = "messages"


class BlockedMailRow(Model):
    """What an email lacked that cannot be made: the state of a send with the status `blocked`.

    `versions` names the versions of the template that have failed, with spaces between them.
    `facts` are the values that the template had.
    """

    send_id = IdField(primary_key=True)
    template = fields.CharField(max_length=100)
    versions = fields.CharField(max_length=200)
    blocked_at = InstantField(db_index=True)
    facts: Any = json_field(default=dict)

    class Meta:
        table = "blocked_mails"


class InboxRow(Model):
    """A mail captured while no provider is configured."""

    send_id = IdField(primary_key=True)
    to_email = fields.CharField(max_length=320)
    from_email = fields.CharField(max_length=320)
    subject = fields.TextField()
    mail = fields.BinaryField()
    captured_at = InstantField(db_index=True)
    read_at = InstantField(null=True)

    class Meta:
        table = "inbox"
        indexes = (
            Where(fields=("captured_at",), name="inbox_unread", condition="read_at IS NULL"),
        )


class EngagementRow(Model):
    """An open or a click.

    `position` is the number of the link, from 0, and `url` the target of a click. `verdict` is
    `human`, `machine` or, until `held_until`, `unsure`. `agent` is the class of the User-Agent, and
    `network` the truncated network of the IP address.
    """

    id = IdField(primary_key=True)
    send_id = IdField(db_index=True)
    kind = fields.CharField(max_length=8)
    position = fields.IntField(default=0)
    url = fields.TextField(null=True)
    verdict = fields.CharField(max_length=8)
    agent = fields.CharField(max_length=40)
    network = fields.CharField(max_length=64)
    at = InstantField()
    held_until = InstantField(null=True)

    class Meta:
        table = "hits"
        indexes = (
            Where(fields=("held_until",), name="hits_held", condition="held_until IS NOT NULL"),
        )
