"""Tables of workers, and of the Hatchet runs of enrollments."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import IdField, InstantField, json_field


class WorkerRow(Model):
    """A worker process, on a database that several may share.

    `host` and `pid` name the worker's process. `journeys` maps the id of each journey that the
    worker has loaded to the hash of its code. `away` describes the outage of an external service
    that the worker's engine needs; it is null while there is none. `seen_at` is the time of the
    last heartbeat by the database's clock.
    """

    id = IdField(primary_key=True)
    host = fields.CharField(max_length=200)
    pid = fields.IntField()
    engine = fields.CharField(max_length=20)
    version = fields.CharField(max_length=40)
    journeys: Any = json_field(default=dict)
    started_at = InstantField()
    away: Any = json_field(null=True)
    seen_at = InstantField()

    class Meta:
        table = "workers"


class HatchetRunRow(Model):
    """The Hatchet run of an enrollment; `run_id` is empty until Hatchet has accepted the run.

    `pushed` is the number of the turn for which the run was last woken. `tried` counts how often
    the run was restarted because a turn was overdue, and `again_at` is the earliest time of the
    next restart. `namespace` is the namespace in Hatchet that the run was started in; only workers
    with this namespace can run it. It is empty for runs that an earlier release has started.
    `asked_at` is when Hatchet was last asked to start, wake or restore the run.
    """

    enrollment_id = IdField(primary_key=True)
    run_id = fields.CharField(max_length=64, default="", db_index=True)
    pushed = fields.IntField(default=0)
    tried = fields.IntField(default=0)
    again_at = InstantField()
    namespace = fields.CharField(max_length=100, default="", db_default="")
    asked_at = InstantField(null=True)

    class Meta:
        table = "hatchet_runs"


class HatchetWaitRow(Model):
    """A wait that a Hatchet run requested; a replay must request the same wait again.

    `number` is the place of the wait among the run's waits. The wait ends after `seconds`, or
    earlier with a wake event that is not older than `since` and is for `turn` or a later turn.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    run_id = fields.CharField(max_length=64)
    number = fields.IntField()
    seconds = fields.IntField()
    since = InstantField()
    turn = fields.IntField()

    class Meta:
        table = "hatchet_waits"
        unique_together = (("run_id", "number"),)
