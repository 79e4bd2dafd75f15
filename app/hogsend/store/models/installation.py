"""Tables of the installation as a whole: named facts and counters."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Meta(Model):
    """Facts about this installation: its id, the fence of a restored copy."""

    key = fields.CharField(max_length=64, primary_key=True)
    value = fields.TextField()

    class Meta:
        table = "meta"


class CounterRow(Model):
    """A kept count: a gauge on day 0, a day's total on any other day (days since 1970)."""

    id = fields.BigIntField(primary_key=True, generated=True)
    name = fields.CharField(max_length=200)
    day = fields.IntField(default=0)
    value = fields.BigIntField(default=0)

    class Meta:
        table = "counters"
        unique_together = (("name", "day"),)
