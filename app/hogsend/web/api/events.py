"""`POST /v1/events/batch`: up to 1,000 events in one request, such as an import of past ones."""

from __future__ import annotations

import json
import logging
from typing import Any, cast

from quart import Blueprint, Response, request

from ...errors import HogsendError, InvalidInput, TooLarge
from ...services.events import IngestResult, submit_batch
from ..errors import INTERNAL, to_json
from ..pages import get_context
from .events_fast_path import result_to_json, to_bytes
from .key_auth import authenticate_request

log = logging.getLogger("hogsend.http")

PATH = "/v1/events/batch"
MAX_BATCH_BODY_BYTES = 5 * 1024 * 1024
MAX_BATCH_SIZE = 1000

blueprint = Blueprint("events", __name__)


@blueprint.post(PATH)
async def submit_events() -> Response:
    """Submit up to 1,000 events; each succeeds or fails by itself."""
    actor = await authenticate_request()
    raw = cast("bytes", await request.get_data(cache=False))
    results = await submit_batch(get_context(), actor, _read_items(raw))
    items = [_result_to_json(result) for result in results]
    rejected = sum("error" in item for item in items)
    body = {"accepted": len(items) - rejected, "rejected": rejected, "results": items}
    return Response(to_bytes(body), 202, content_type="application/json")


def _result_to_json(result: IngestResult | BaseException) -> dict[str, Any]:
    if isinstance(result, HogsendError):
        return to_json(result)
    if isinstance(result, Exception):
        log.error("an event of a batch could not be stored", exc_info=result)
        return dict(INTERNAL)
    if isinstance(result, BaseException):
        raise result
    return result_to_json(result)


def _read_items(raw: bytes) -> list[Any]:
    try:
        body: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidInput("Malformed JSON in request body") from None
    items: Any = cast("dict[str, Any]", body).get("events") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InvalidInput('The body must be {"events": […]}.')
    events = cast("list[Any]", items)
    if len(events) > MAX_BATCH_SIZE:
        raise TooLarge(
            f"This batch has {len(events)} events; at most {MAX_BATCH_SIZE} are allowed."
        )
    return events
