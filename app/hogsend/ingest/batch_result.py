"""What a batch of events changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..domain.incoming import IngestResult


@dataclass
class BatchResult:
    """What a transaction that stored events changed; published after the commit.

    Args:
        results: one for each event, in order.
        wakes: when enrollments are due, by enrollment.
        ended: the enrollments that were exited.
        topics: the kinds of rows that changed, for open dashboards.
    """

    results: list[IngestResult | Exception] = field(default_factory=list[IngestResult | Exception])
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    ended: list[UUID] = field(default_factory=list[UUID])
    topics: set[str] = field(default_factory=set[str])
