"""The body of an API request that retries enrollments of a journey."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints

from ..domain.failure_filter import FailureFilter
from ..domain.forms import Body, Instant, Text


class RetryBody(Body):
    """Which enrollments to retry, and whether to only count them.

    Unknown fields are refused: with a mistyped filter, all enrollments would be meant.
    """

    model_config = ConfigDict(extra="forbid")

    status: Literal["failed", "retrying"]
    error: Annotated[Text, StringConstraints(max_length=200)] = ""
    failed_since: Instant = ""
    dry_run: bool = False

    @property
    def failures(self) -> FailureFilter:
        """The filter for the services."""
        since = self.failed_since
        at = datetime.fromisoformat(since).astimezone(UTC) if since else None
        return FailureFilter(self.error, at)
