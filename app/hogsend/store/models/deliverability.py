"""Tables of the outcomes of mails: feedback, soft bounces, stops, DKIM keys, figures of links."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from ..fields import DigestField, IdField, InstantField, Where
from .conditions import UNMATCHED


class FeedbackRow(Model):
    """A report of a provider, or of a mail server, about a mail that it accepted.

    `event_key` identifies the report, so that a repeated one changes nothing. `applied_at` is null
    while no send is known for it, such as before our own `sent` is written.
    """

    id = IdField(primary_key=True)
    provider = fields.CharField(max_length=40)
    event_key = fields.CharField(max_length=200)
    kind = fields.CharField(max_length=16)
    send_id = IdField(null=True, db_index=True)
    provider_id = fields.CharField(max_length=200, null=True)
    email = fields.CharField(max_length=320, null=True)
    code = fields.CharField(max_length=20, null=True)
    reply = fields.TextField()
    at = InstantField()
    received_at = InstantField(db_index=True)
    applied_at = InstantField(null=True)

    class Meta:
        table = "feedback"
        unique_together = (("provider", "event_key"),)
        indexes = (Where(fields=("provider_id",), name="feedback_unmatched", condition=UNMATCHED),)


class SoftBounceRow(Model):
    """A day, in days since 1970, on which mail to an address bounced softly."""

    id = fields.BigIntField(primary_key=True, generated=True)
    address = fields.CharField(max_length=320)
    day = fields.IntField(db_index=True)

    class Meta:
        table = "soft_bounces"
        unique_together = (("address", "day"),)


class SendingStopRow(Model):
    """A provider or a sender for which no mail leaves until an operator ends the stop.

    `scope` is `provider` or `sender`, and `name` that of the provider or the domain of the sender.
    """

    id = IdField(primary_key=True)
    scope = fields.CharField(max_length=16)
    name = fields.CharField(max_length=320)
    reason = fields.TextField()
    since = InstantField()
    ended_at = InstantField(null=True)
    ended_by = fields.CharField(max_length=320, null=True)
    note = fields.TextField(null=True)

    class Meta:
        table = "sending_stops"
        indexes = (
            Where(fields=("since",), name="sending_stops_active", condition="ended_at IS NULL"),
        )


class DkimKeyRow(Model):
    """A key that signs mail of a domain; the key signs from `activated_at` until `retired_at`.

    `private_key` is encrypted with the installation's secret.
    """

    id = IdField(primary_key=True)
    domain = fields.CharField(max_length=253)
    selector = fields.CharField(max_length=63)
    algorithm = fields.CharField(max_length=20)
    private_key = fields.TextField()
    public_key = fields.TextField()
    created_at = InstantField()
    activated_at = InstantField(null=True)
    retired_at = InstantField(null=True)

    class Meta:
        table = "dkim_keys"
        unique_together = (("domain", "selector"),)


class LinkTotalRow(Model):
    """The clicks on a link of a template, by people and by machines.

    `url_digest` is the SHA-256 of `url`, because an index cannot hold long addresses.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    template = fields.CharField(max_length=100)
    url_digest = DigestField()
    url = fields.TextField()
    human = fields.BigIntField(default=0)
    machine = fields.BigIntField(default=0)

    class Meta:
        table = "link_totals"
        unique_together = (("template", "url_digest"),)
