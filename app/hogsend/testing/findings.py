"""What is wrong with the journeys of a test, though nobody asked: it fails the test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from ..domain.journey import BrokenFile
from ..domain.send_policy import Send
from .determinism_guard import DeterminismGuard
from .snapshot import Snapshot
from .timeline import authors_part


class Findings:
    """What has been found so far, each told once.

    Args:
        guard: has seen what the journeys read.
        broken: the author's files that cannot be used, which may be why.
        twice: whether reading a clock or chance is wrong.
    """

    def __init__(
        self, guard: DeterminismGuard, broken: Sequence[BrokenFile], *, twice: bool
    ) -> None:
        self._guard = guard
        self._broken = broken
        self._twice = twice
        self._turns: set[tuple[UUID, int]] = set()
        self._reads = 0
        self._mails: set[UUID] = set()
        # Whether the test is about failures, and looks at them itself.
        self.expected = False

    def check(self, records: Snapshot) -> None:
        """Fail the test for what is new and wrong.

        Raises:
            AssertionError: a turn or a mail failed, or a turn cannot be repeated.
        """
        found = [*self._unrepeatable(), *self._failed(records), *self._unmade(records.sends)]
        if found and not self.expected:
            if self._broken:
                found.append("Files that cannot be used:\n" + "\n".join(map(str, self._broken)))
            raise AssertionError("\n\n".join(found))

    def _unrepeatable(self) -> list[str]:
        reads = self._guard.reads[self._reads :]
        self._reads += len(reads)
        return reads if self._twice else []

    def _failed(self, records: Snapshot) -> Iterator[str]:
        for enrollment in records.enrollments:
            for turn in records.turns.get(enrollment.id, ()):
                name = (enrollment.id, turn.number)
                if name in self._turns:
                    continue
                self._turns.add(name)
                if turn.error is not None:
                    error = authors_part(turn.error)
                    yield f"A turn of {enrollment.journey_id} failed.\n{error}"
                elif turn.outcome == "drifted":
                    yield f"{enrollment.journey_id} drifted: {enrollment.end_reason}"

    def _unmade(self, sends: Iterable[Send]) -> Iterator[str]:
        """Name mails that could not be made, or wait for a template that is broken."""
        for send in sends:
            tried = send.attempts[-1]["outcome"] if send.attempts else ""
            waits = send.status == "queued" and (send.reason or "").startswith("waits: ")
            if send.id not in self._mails and (waits or tried == "failed"):
                self._mails.add(send.id)
                yield f"The mail {send.template} could not be made: {send.reason}."
