"""Conditions that partial indexes and the statements that use them have in common."""

from __future__ import annotations

# Of enrollments: those that exits reach, and of which a contact has one for each key.
LIVE = "state IN ('active', 'waiting', 'drifted', 'parked')"
# Those that wake. Parked ones keep their wake time and do not wake.
DUE = "wake_at IS NOT NULL AND state IN ('active', 'waiting')"
# Those whose last turn failed and is retried.
RETRIED = "attempt > 0 AND state IN ('active', 'waiting')"
# Those that have ended and still have their whole journal.
WHOLE = "ended_at IS NOT NULL AND compacted_at IS NULL"
# Of sends: those that are queued. A send has a due time exactly as long as it is queued.
WAITS = "due_at IS NOT NULL"
# Of both: those that a worker holds, when several are at work.
HELD = "holder IS NOT NULL"
