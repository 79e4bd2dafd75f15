"""Tables of journeys: their definitions, enrollments and journals."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import DigestField, IdField, InstantField, Where, json_field
from .conditions import DUE, HELD, JOURNALED, LIVE, RETRIED


class JourneyRow(Model):
    """A journey as it was last seen in the code.

    `enabled` is whether operators let the journey enroll contacts. `seen_at` is the last time at
    which a server loaded the journey. `gone_at` is the time since which the journey is no longer in
    the code; it is null while the journey is there.
    """

    id = fields.CharField(max_length=100, primary_key=True)
    definition: Any = json_field()
    code_hash = fields.CharField(max_length=16)
    enabled = fields.BooleanField(default=True)
    first_seen_at = InstantField()
    seen_at = InstantField()
    gone_at = InstantField(null=True)

    class Meta:
        table = "journeys"


class EnrollmentRow(Model):
    """One contact in one journey.

    `person` is the contact at enrollment, until the first turn puts it into the journal. `wait` is
    the wait that the enrollment is in, and `wait_result` what ended it. The next wait considers
    events after `since_seq`, `since_at` and `since_event`. `holder` is the worker that runs its
    turn, when several workers share the database, and `fence` is the fencing token: it counts the
    acquisitions. `unaddressed_sends` counts the mails that were skipped because the contact had no
    address. `measured_as` identifies the goal and the holdout that the enrollment counts for, and
    `arms` has the arms that it counts for. `summary` replaces the turns that were deleted at
    `compacted_at`.
    """

    id = IdField(primary_key=True)
    contact_id = IdField()
    journey_id = fields.CharField(max_length=100)
    entry_key = fields.CharField(max_length=200, default="")
    state = fields.CharField(max_length=12)
    trigger_event_id = IdField()
    code_hash = fields.CharField(max_length=16)
    turn = fields.IntField(default=0)
    attempt = fields.IntField(default=0)
    wake_at = InstantField(null=True)
    wait_key = fields.CharField(max_length=200, null=True)
    wait = fields.TextField(null=True)
    wait_result = fields.TextField(null=True)
    since_seq = fields.BigIntField(default=0)
    since_at = InstantField(default=0)
    since_event = IdField(null=True)
    sends = fields.IntField(default=0)
    unaddressed_sends = fields.IntField(default=0, db_default=0)
    goal_at = InstantField(null=True)
    measured_as = fields.CharField(max_length=16, null=True)
    arms = fields.TextField(null=True)
    fence = fields.IntField(default=0)
    person = fields.TextField(null=True)
    holder = IdField(null=True)
    error = fields.TextField(null=True)
    end_reason = fields.CharField(max_length=200, null=True)
    entered_at = InstantField()
    updated_at = InstantField()
    ended_at = InstantField(null=True)
    summary = fields.TextField(null=True)
    compacted_at = InstantField(null=True)

    class Meta:
        table = "enrollments"
        indexes = (
            Where(
                fields=("contact_id", "journey_id", "entry_key"),
                name="one_live_enrollment",
                condition=LIVE,
                unique=True,
            ),
            ("contact_id", "journey_id"),
            Where(fields=("wake_at",), name="enrollment_wakes", condition=DUE),
            Where(fields=("journey_id", "wake_at"), name="enrollment_turns", condition=DUE),
            Where(fields=("ended_at",), name="enrollment_journals", condition=JOURNALED),
            ("journey_id", "state", "id"),
            Where(
                fields=("journey_id", "wait_key", "id"),
                name="enrollment_waits",
                condition="wait_key IS NOT NULL",
            ),
            Where(fields=("journey_id", "id"), name="enrollment_retries", condition=RETRIED),
            Where(fields=("holder",), name="enrollment_holders", condition=HELD),
        )


class TurnRow(Model):
    """One turn of an enrollment: its part of the journal, or the error that ended it."""

    id = fields.BigIntField(primary_key=True, generated=True)
    enrollment_id = IdField()
    number = fields.IntField()
    played_at = InstantField()
    code_hash = fields.CharField(max_length=16)
    outcome = fields.CharField(max_length=12)
    steps = fields.TextField()
    error = fields.TextField(null=True)

    class Meta:
        table = "turns"
        unique_together = (("enrollment_id", "number"),)


class AnswerRow(Model):
    """A large result in a journal, compressed; the journal refers to it by its digest."""

    id = fields.BigIntField(primary_key=True, generated=True)
    enrollment_id = IdField()
    digest = DigestField()
    body = fields.BinaryField()

    class Meta:
        table = "answers"
        unique_together = (("enrollment_id", "digest"),)


class StepRow(Model):
    """The attempts of a `ctx.step` that is not in the journal yet. `is_over` ends its retries."""

    id = fields.BigIntField(primary_key=True, generated=True)
    enrollment_id = IdField()
    key = fields.CharField(max_length=200)
    attempts = fields.IntField()
    answer = fields.TextField(null=True)
    error = fields.TextField(null=True)
    is_over = fields.BooleanField()

    class Meta:
        table = "steps"
        unique_together = (("enrollment_id", "key"),)
