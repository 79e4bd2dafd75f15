"""`POST /v1/admin/journeys/{id}/states/retry`: retries failed or retrying enrollments."""

from __future__ import annotations

from collections import deque
from typing import Any

from ...services.bulk_actions import BulkResult, check_retry, run_action_on_all
from ...services.enrollments import count_enrollments
from ...services.retry_requests import RetryBody
from ..background import run_in_background
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import NoQuery, View

# How long a request waits for the result, in seconds; clients of the API wait for thirty.
PATIENCE = 20.0

routes = RouteTable("Enrollments")


class SkippedView(View):
    """Enrollments that could not be retried."""

    reason: str
    count: int


class RetryView(View):
    """What a retry did, or what it would do."""

    journey_id: str
    status: str
    dry_run: bool | None = None
    matched: int | None = None
    retried: int | None = None
    skipped: list[SkippedView] | None = None
    complete: bool | None = None


EXAMPLE = {
    "journeyId": "trial-conversion",
    "status": "failed",
    "retried": 42,
    "skipped": [{"reason": "This contact has entered the journey again.", "count": 3}],
    "complete": True,
}


@routes.route(
    "POST",
    "/v1/admin/journeys/<journey_id>/states/retry",
    scope="journey-admin",
    answers={
        200: Answer(RetryView, "All are retried, or counted.", EXAMPLE),
        202: Answer(RetryView, "The retry continues.", {**EXAMPLE, "complete": False}),
    },
    body=RetryBody,
    body_example={"status": "retrying", "error": "KeyError", "dryRun": True},
    errors=(404, 409),
)
async def retry_enrollments(call: ApiCall[NoQuery, RetryBody]) -> Reply:
    """Retry the failed enrollments of a journey, or those that wait for their next try."""
    context, actor, body = call.context, call.actor, call.body
    journey_id, status, failures = call.values["journey_id"], body.status, body.failures
    answer: dict[str, Any] = {"journey_id": journey_id, "status": status}
    if body.dry_run:
        await check_retry(context, actor, journey_id)
        matched = await count_enrollments(context, actor, journey_id, status, failures)
        return Reply(RetryView(**answer, dry_run=True, matched=matched))
    latest = deque([BulkResult()], maxlen=1)
    try:
        result = await run_in_background(
            lambda: run_action_on_all(
                context,
                actor,
                "retry",
                journey_id,
                status,
                failures=failures,
                on_progress=latest.append,
            ),
            PATIENCE,
        )
    except TimeoutError:
        return Reply(RetryView(**answer, **_describe(latest[0]), complete=False), 202)
    return Reply(RetryView(**answer, **_describe(result), complete=True))


def _describe(result: BulkResult) -> dict[str, Any]:
    skipped = [SkippedView(reason=why, count=count) for why, count in result.kept.most_common()]
    return {"retried": result.done, "skipped": skipped}
