"""Conditions that partial indexes share with the statements that use them."""

from __future__ import annotations

# Enrollments that have not ended. A contact has at most one for each entry key.
LIVE = "state IN ('active', 'waiting', 'drifted', 'parked')"
# Enrollments with a turn to run. Parked ones keep their wake time but do not wake.
DUE = "wake_at IS NOT NULL AND state IN ('active', 'waiting')"
# Enrollments whose last turn failed and is being retried.
RETRIED = "attempt > 0 AND state IN ('active', 'waiting')"
# Ended enrollments that still have their journal, or the part of it that is not summarized yet.
JOURNALED = "ended_at IS NOT NULL AND compacted_at IS NULL"
# Queued sends: a send has a due time exactly as long as it is queued.
WAITS = "due_at IS NOT NULL"
# Sends that repeat another one.
RESENT = "original_id IS NOT NULL"
# Enrollments and sends that one of several workers holds.
HELD = "holder IS NOT NULL"
# Imports that a process runs, or is to run.
UNFINISHED_IMPORT = "status IN ('pending', 'processing')"
# Contacts that lists have: neither merged into another one nor erased.
PRESENT = "merged_into IS NULL AND erased_at IS NULL"
# Feedback that names no send that is known yet.
UNMATCHED = "applied_at IS NULL"
# Sends that an HTTP provider has given an id of its own, by which its feedback names them.
HAS_PROVIDER_ID = "provider_id IS NOT NULL AND provider NOT IN ('smtp', 'inbox')"
