"""Tables of workers, and of the Hatchet runs of enrollments."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import IdField, InstantField


class WorkerRow(Model):
    """A process at work on a database that several may use. `seen_at` is by the database's clock.

    `journeys` are those that it has code for, each with the code's hash; `away` is what its engine
    misses outside itself, and since when.
    """

    id = IdField(primary_key=True)
    host = fields.CharField(max_length=200)
    pid = fields.IntField()
    engine = fields.CharField(max_length=20)
    version = fields.CharField(max_length=40)
    journeys: Any = fields.JSONField(default=dict)
    started_at = InstantField()
    away: Any = fields.JSONField(null=True)
    seen_at = InstantField()

    class Meta:
        table = "workers"


class HatchetRunRow(Model):
    """The Hatchet run that plays an enrollment; it has no name until Hatchet has taken it.

    `pushed` is the number of the turn that it was last woken for, and `tried` how often it was
    restarted; while a turn is overdue, that is done again at `again_at` at the earliest.
    """

    enrollment_id = IdField(primary_key=True)
    run_id = fields.CharField(max_length=64, default="", db_index=True)
    pushed = fields.IntField(default=0)
    tried = fields.IntField(default=0)
    again_at = InstantField()

    class Meta:
        table = "hatchet_runs"


class HatchetWaitRow(Model):
    """A wait as a Hatchet run was told to make it; when replayed, it is asked for just so."""

    id = fields.BigIntField(primary_key=True, generated=True)
    run_id = fields.CharField(max_length=64)
    number = fields.IntField()
    seconds = fields.IntField()
    since = InstantField()
    turn = fields.IntField()

    class Meta:
        table = "hatchet_waits"
        unique_together = (("run_id", "number"),)
