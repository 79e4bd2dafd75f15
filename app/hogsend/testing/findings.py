"""Fails a test when a turn or an email has failed, even if the test does not check for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from ..domain.journey import BrokenFile
from ..domain.send_policy import Send
from .determinism_guard import DeterminismGuard
from .snapshot import Snapshot
from .timeline import remove_own_frames


class Findings:
    """The failures of a test, each of which is reported once.

    Args:
        guard: has recorded the nondeterministic reads of the journeys.
        broken: the author's files that cannot be used, which may be the cause of a failure.
        checks_determinism: whether reading a clock or a random number is a failure.
    """

    def __init__(
        self, guard: DeterminismGuard, broken: Sequence[BrokenFile], *, checks_determinism: bool
    ) -> None:
        self._guard = guard
        self._broken = broken
        self._checks_determinism = checks_determinism
        self._turns: set[tuple[UUID, int]] = set()
        self._reads = 0
        self._mails: set[UUID] = set()
        # Whether the test expects failures, and checks for them.
        self.are_expected = False

    def check(self, records: Snapshot) -> None:
        """Fail the test for failures that were not reported yet.

        Raises:
            AssertionError: a turn or an email has failed, or a turn cannot be replayed.
        """
        failures = [
            *self._find_nondeterministic_reads(),
            *self._find_failed_turns(records),
            *self._find_failed_emails(records.sends),
        ]
        if failures and not self.are_expected:
            if self._broken:
                failures.append("Files that cannot be used:\n" + "\n".join(map(str, self._broken)))
            raise AssertionError("\n\n".join(failures))

    def _find_nondeterministic_reads(self) -> list[str]:
        reads = self._guard.reads[self._reads :]
        self._reads += len(reads)
        return reads if self._checks_determinism else []

    def _find_failed_turns(self, records: Snapshot) -> Iterator[str]:
        for enrollment in records.enrollments:
            for turn in records.turns.get(enrollment.id, ()):
                key = (enrollment.id, turn.number)
                if key in self._turns:
                    continue
                self._turns.add(key)
                if turn.error is not None:
                    error = remove_own_frames(turn.error)
                    yield f"A turn of {enrollment.journey_id} failed.\n{error}"
                elif turn.outcome == "drifted":
                    yield f"{enrollment.journey_id} drifted: {enrollment.end_reason}"

    def _find_failed_emails(self, sends: Iterable[Send]) -> Iterator[str]:
        """Yield a message for each email that could not be rendered."""
        for send in sends:
            outcome = send.attempts[-1]["outcome"] if send.attempts else ""
            if send.id not in self._mails and (send.status == "blocked" or outcome == "failed"):
                self._mails.add(send.id)
                yield f"The email {send.template} could not be rendered: {send.reason}."
