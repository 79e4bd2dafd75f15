"""The changes that a batch of events made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..domain.incoming import IngestResult


@dataclass
class BatchResult:
    """The changes of a transaction that stored events; published after the commit.

    Args:
        results: the result of each event, in the order of the events.
        wakes: the due times of enrollments, by enrollment.
        ended: the enrollments that were exited.
        topics: the kinds of rows that changed, for open dashboards.
    """

    results: list[IngestResult | Exception] = field(default_factory=list[IngestResult | Exception])
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    ended: list[UUID] = field(default_factory=list[UUID])
    topics: set[str] = field(default_factory=set[str])
