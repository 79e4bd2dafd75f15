"""Every table but those of keys and operators (`access_models`).

Models never leave this package: the rest of the program sees domain values.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from .fields import DigestField, IdField, InstantField, Where

LIVE = "state IN ('active', 'waiting', 'drifted', 'parked')"
# Those who are parked keep their wake times and are not looked at.
# A mail has a time to leave at as long as it is queued, and no longer.
WAITS = "due_at IS NOT NULL"
DUE = "wake_at IS NOT NULL AND state IN ('active', 'waiting')"
# Those whose last turn raised, and who are tried again.
RETRIED = "attempt > 0 AND state IN ('active', 'waiting')"
# Those that a worker has taken, where several are at work.
HELD = "holder IS NOT NULL"
# Those who have ended and whose journals are kept whole as yet.
WHOLE = "ended_at IS NOT NULL AND compacted_at IS NULL"


class Meta(Model):
    """Facts about this installation: its id, the fence of a restored copy."""

    key = fields.CharField(max_length=64, primary_key=True)
    value = fields.TextField()

    class Meta:
        table = "meta"


class ContactRow(Model):
    """A person we know. `event_seq` numbers the person's events."""

    id = IdField(primary_key=True)
    external_id = fields.CharField(max_length=200, null=True)
    email = fields.CharField(max_length=320, null=True)
    anonymous_id = fields.CharField(max_length=200, null=True)
    properties: Any = fields.JSONField(default=dict)
    event_seq = fields.BigIntField(default=0)
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
            Where(
                fields=("merged_into",),
                name="merged_contacts",
                condition="merged_into IS NOT NULL",
            ),
        )


class IdentityRow(Model):
    """What a contact is known by: `u:` user id, `e:` email, `a:` anonymous id."""

    identity = fields.CharField(max_length=330, primary_key=True)
    contact_id = IdField(db_index=True)

    class Meta:
        table = "identities"


class EventRow(Model):
    """Something a contact did. `decisions` is what it started, ended and did not start."""

    id = IdField(primary_key=True)
    contact_id = IdField(null=True)
    seq = fields.BigIntField()
    name = fields.CharField(max_length=200)
    properties: Any = fields.JSONField(default=dict)
    decisions: Any = fields.JSONField(default=dict)
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
    """A caller's key and the event it made."""

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


class JourneyRow(Model):
    """A journey as last seen in the code, and the operator's switch."""

    id = fields.CharField(max_length=100, primary_key=True)
    definition: Any = fields.JSONField()
    code_hash = fields.CharField(max_length=16)
    enabled = fields.BooleanField(default=True)
    first_seen_at = InstantField()
    seen_at = InstantField()
    gone_at = InstantField(null=True)

    class Meta:
        table = "journeys"


class EnrollmentRow(Model):
    """One contact in one journey.

    `person` is the contact as of enrollment, until the journal has it; `wait` is the frontier,
    `wait_result` what ended it; `since_seq`, `since_at` and `since_event` are where the next wait
    looks back to; `holder` is the worker that plays a turn of it, where several may, and `fence`
    counts those who have had it. Long after its end, `summary` stands for its turns; it has all of
    them at `compacted_at`.
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
    goal_at = InstantField(null=True)
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
            Where(fields=("ended_at",), name="enrollment_journals", condition=WHOLE),
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
    """A large answer of a journal, compressed; the journal names it by its digest."""

    id = fields.BigIntField(primary_key=True, generated=True)
    enrollment_id = IdField()
    digest = DigestField()
    body = fields.BinaryField()

    class Meta:
        table = "answers"
        unique_together = (("enrollment_id", "digest"),)


class StepRow(Model):
    """An effect of `ctx.step` that was tried and is not in the journal yet."""

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


class SendRow(Model):
    """One email to one contact: the outbox and the record. `holder` is the worker that takes it."""

    id = IdField(primary_key=True)
    contact_id = IdField(db_index=True)
    enrollment_id = IdField(null=True)
    journey_id = fields.CharField(max_length=100, null=True)
    step_key = fields.CharField(max_length=200, null=True)
    idempotency_key = fields.CharField(max_length=200, null=True, unique=True)
    template = fields.CharField(max_length=100)
    list_id = fields.CharField(max_length=100)
    subject = fields.TextField(null=True)
    props: Any = fields.JSONField(default=dict)
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
    attempts: Any = fields.JSONField(default=list)
    holder = IdField(null=True)

    class Meta:
        table = "sends"
        unique_together = (("enrollment_id", "step_key"),)
        indexes = (
            Where(fields=("journey_id", "due_at"), name="sends_due", condition=WAITS),
            Where(fields=("updated_at",), name="sends_handing", condition="status = 'sending'"),
            Where(fields=("holder",), name="sends_holders", condition=HELD),
            ("status", "id"),
            ("journey_id", "id"),
        )


class MessageRow(Model):
    """The rendered mail of a send, compressed; stored before the first attempt."""

    send_id = IdField(primary_key=True)
    subject = fields.TextField()
    from_email = fields.CharField(max_length=320)
    mail = fields.BinaryField()
    links: Any = fields.JSONField(default=list)
    created_at = InstantField(db_index=True)

    class Meta:
        table = "messages"


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


class EngagementRow(Model):
    """An open or a click; `verdict` is human, machine or unsure."""

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


class ConsentRow(Model):
    """What a contact said about a list; list `*` is everything."""

    id = fields.BigIntField(primary_key=True, generated=True)
    contact_id = IdField()
    list_id = fields.CharField(max_length=100)
    subscribed = fields.BooleanField()
    changed_at = InstantField()
    source = fields.CharField(max_length=40)
    send_id = IdField(null=True)

    class Meta:
        table = "consents"
        unique_together = (("contact_id", "list_id"),)


class SuppressionRow(Model):
    """An address that must not be mailed, and why."""

    address = fields.CharField(max_length=320, primary_key=True)
    reason = fields.CharField(max_length=40)
    at = InstantField()
    note = fields.TextField(null=True)
    send_id = IdField(null=True)

    class Meta:
        table = "suppressions"


class CounterRow(Model):
    """A kept count: a gauge on day 0, a day's total on any other day (days since 1970)."""

    id = fields.BigIntField(primary_key=True, generated=True)
    name = fields.CharField(max_length=200)
    day = fields.IntField(default=0)
    value = fields.BigIntField(default=0)

    class Meta:
        table = "counters"
        unique_together = (("name", "day"),)
