"""The body of an API request that retries enrollments of a journey."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints, ValidationError

from ..domain.failure_filter import FailureFilter
from ..ingest.parsing import Body, Instant, Text, describe_invalid
from .actor import Actor, Permission


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


def parse_retry_body(actor: Actor, raw: bytes) -> RetryBody:
    """Parse the body of a request to retry enrollments.

    Args:
        actor: who asks; without the permission, the body is not looked at.
        raw: the bytes of the body.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: the body is not JSON, or a field is invalid or unknown.
    """
    actor.require(Permission.OPERATE)
    try:
        return RetryBody.model_validate_json(raw)
    except ValidationError as error:
        raise describe_invalid(error) from None
