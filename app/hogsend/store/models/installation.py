"""Tables of the installation as a whole: named values and counters."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from ..fields import Where


class MetaRow(Model):
    """A named value of this installation, such as its id or the reason of a send hold (`fence`)."""

    key = fields.CharField(max_length=64, primary_key=True)
    value = fields.TextField()

    class Meta:
        table = "meta"


class CounterRow(Model):
    """A counter: a gauge on day 0, else the total of a day (in days since 1970)."""

    id = fields.BigIntField(primary_key=True, generated=True)
    name = fields.CharField(max_length=200)
    day = fields.IntField(default=0)
    value = fields.BigIntField(default=0)

    class Meta:
        table = "counters"
        unique_together = (("name", "day"),)
        indexes = (
            Where(fields=("name",), name="gauge_names", condition="day = 0", by_prefix=True),
        )
