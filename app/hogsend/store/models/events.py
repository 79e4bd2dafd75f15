"""Tables of events, their idempotency keys, and the refusals to enroll a contact."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import DigestField, IdField, InstantField, Where, json_field


class EventRow(Model):
    """An event of a contact.

    `contact_id` is null for an event without a contact. `seq` numbers the events of one contact.
    `decisions` lists, for the answer to the sender, the enrollments that the event started, ended
    and did not start; a row of `refusals` has one journey that the event did not start. `source` is
    the sender: `api`, `journey`, `recipient`, `dashboard` or `cli`. `value` is an amount of money,
    and `currency` its three-letter code; both are null when the sender gave no amount. `cause_id`
    is the enrollment whose journey triggered the event, and `depth` the number of journeys that
    triggered one another before the event. `anonymous_id` is the browser of an event that had no
    contact when it was stored.
    """

    id = IdField(primary_key=True)
    contact_id = IdField(null=True)
    seq = fields.BigIntField()
    name = fields.CharField(max_length=200)
    properties: Any = json_field(default=dict)
    decisions: Any = json_field(default=dict)
    occurred_at = InstantField()
    received_at = InstantField()
    source = fields.CharField(max_length=40)
    value = fields.FloatField(null=True)
    currency = fields.CharField(max_length=3, null=True)
    cause_id = IdField(null=True)
    depth = fields.IntField(default=0)
    anonymous_id = fields.CharField(max_length=200, null=True)

    class Meta:
        table = "events"
        indexes = (
            ("contact_id", "seq"),
            ("name", "id"),
            Where(
                fields=("anonymous_id",),
                name="events_without_contact",
                condition="contact_id IS NULL",
            ),
        )


class IdempotencyRow(Model):
    """An idempotency key of a request, with the event that it stored and the digest of its body."""

    key = fields.CharField(max_length=200, primary_key=True)
    event_id = IdField()
    digest = DigestField()
    created_at = InstantField()

    class Meta:
        table = "idempotency_keys"
        # Retention finds keys by their age, and an erasure those of an event, which is as old.
        indexes = (("created_at", "event_id"),)


class RefusalRow(Model):
    """Why an event did not enroll a contact in a journey that listens for the event.

    `reason` is a code such as `already_entered`, and `at` the time of the refusal.
    """

    id = IdField(primary_key=True)
    journey_id = fields.CharField(max_length=100)
    reason = fields.CharField(max_length=40)
    contact_id = IdField()
    event_id = IdField()
    at = InstantField()

    class Meta:
        table = "refusals"
        indexes = (("journey_id", "reason", "id"), ("contact_id",))
