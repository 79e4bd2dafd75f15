"""`POST /v1/admin/journeys/{id}/states/retry`: retries failed or retrying enrollments."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, cast

from quart import Blueprint, Response, request

from ...services.bulk_actions import BulkResult, check_retry, run_action_on_all
from ...services.enrollments import count_enrollments
from ...services.retry_requests import parse_retry_body
from ..background import run_in_background
from ..pages import get_context
from .key_auth import authenticate_request

# How long a request waits for the result, in seconds; clients of the API wait for thirty.
PATIENCE = 20.0

blueprint = Blueprint("admin_enrollments", __name__)


@blueprint.post("/v1/admin/journeys/<journey_id>/states/retry")
async def retry_enrollments(journey_id: str) -> Response:
    """Retry the failed enrollments of a journey, or those that wait for their next try."""
    actor = await authenticate_request()
    body = parse_retry_body(actor, cast("bytes", await request.get_data(cache=False)))
    context, status, failures = get_context(), body.status, body.failures
    answer: dict[str, Any] = {"journeyId": journey_id, "status": status}
    if body.dry_run:
        await check_retry(context, actor, journey_id)
        matched = await count_enrollments(context, actor, journey_id, status, failures)
        return _respond({**answer, "dryRun": True, "matched": matched})
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
        return _respond({**answer, **_describe(latest[0]), "complete": False}, 202)
    return _respond({**answer, **_describe(result), "complete": True})


def _describe(result: BulkResult) -> dict[str, Any]:
    skipped = [{"reason": why, "count": count} for why, count in result.kept.most_common()]
    return {"retried": result.done, "skipped": skipped}


def _respond(body: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, content_type="application/json")
