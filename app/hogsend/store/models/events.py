"""Tables of events, their idempotency keys, and the refusals to enroll a contact."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import DigestField, IdField, InstantField, json_field


class EventRow(Model):
    """An event of a contact, the `seq`th of it.

    `decisions` is what it started, ended and did not start. `cause_id` is the enrollment that
    triggered it, and `depth` the number of triggered events that led to it.
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

    class Meta:
        table = "events"
        indexes = (("contact_id", "seq"), ("name", "id"))


class IdempotencyRow(Model):
    """An idempotency key of a request, with the event that it stored and the digest of its body."""

    key = fields.CharField(max_length=200, primary_key=True)
    event_id = IdField()
    digest = DigestField()
    created_at = InstantField(db_index=True)

    class Meta:
        table = "idempotency_keys"


class RefusalRow(Model):
    """Why an event did not enroll a contact in a journey that listens for it."""

    id = IdField(primary_key=True)
    journey_id = fields.CharField(max_length=100)
    reason = fields.CharField(max_length=40)
    contact_id = IdField()
    event_id = IdField()
    at = InstantField()

    class Meta:
        table = "refusals"
        indexes = (("journey_id", "reason", "id"), ("contact_id",))
