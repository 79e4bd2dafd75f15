"""`POST /v1/events/batch`: up to 1,000 events in one request, such as an import of past ones."""

from __future__ import annotations

import json
import logging
from typing import Any, cast

from pydantic import Field
from quart import Response

from ...domain.forms import Body
from ...errors import HogsendError, InvalidInput, TooLarge
from ...services.events import EventBody, IngestResult, submit_batch
from ..errors import INTERNAL, to_json
from .events_fast_path import EXAMPLE, EXAMPLE_ANSWER, EventAnswer, result_to_json
from .json_answers import to_bytes
from .json_bodies import parse_json
from .routes import JSON, Answer, ApiCall, RawBody, RouteTable
from .schemas import ApiError, NoQuery, View

log = logging.getLogger("hogsend.http")

PATH = "/v1/events/batch"
MAX_BATCH_BODY_BYTES = 5 * 1024 * 1024
MAX_BATCH_SIZE = 1000

routes = RouteTable("Events")


class BatchBody(Body):
    """Events in the order in which they happened."""

    events: list[EventBody] = Field(max_length=MAX_BATCH_SIZE)


class BatchAnswer(View):
    """What came of each event, in the order of the request."""

    accepted: int
    rejected: int
    results: list[EventAnswer | ApiError]


EXAMPLE_BATCH_ANSWER = {
    "accepted": 1,
    "rejected": 1,
    "results": [EXAMPLE_ANSWER, {"error": "email or userId is required", "code": "invalid"}],
}


@routes.route(
    "POST",
    PATH,
    scope="ingest",
    answers={202: Answer(BatchAnswer, "Valid events are stored.", EXAMPLE_BATCH_ANSWER)},
    body=RawBody((JSON,), BatchBody),
    body_example={"events": [EXAMPLE, {"name": "feature.used"}]},
    errors=(413,),
    max_body_bytes=MAX_BATCH_BODY_BYTES,
)
async def submit_events(call: ApiCall[NoQuery, Any]) -> Response:
    """Submit up to 1,000 events; each succeeds or fails by itself."""
    text = _decode(await call.read_body())
    has_escapes = "\\u" in text
    results = await submit_batch(
        call.context, call.actor, _read_items(text), has_escapes=has_escapes
    )
    answers = [_result_to_json(result) for result in results]
    rejected = sum("error" in answer for answer in answers)
    body = {"accepted": len(answers) - rejected, "rejected": rejected, "results": answers}
    return Response(to_bytes(body), 202, content_type=JSON)


def _result_to_json(result: IngestResult | Exception) -> dict[str, Any]:
    if isinstance(result, IngestResult):
        return result_to_json(result)
    if isinstance(result, HogsendError):
        return to_json(result)
    log.error("an event of a batch could not be stored", exc_info=result)
    return dict(INTERNAL)


def _decode(raw: bytes) -> str:
    try:
        # Also UTF-16 and UTF-32, but no halves of surrogate pairs, which no text has.
        return raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError:
        raise InvalidInput("Malformed JSON in request body", "(it is not valid UTF-8)") from None


def _read_items(text: str) -> list[Any]:
    try:
        body: Any = parse_json(text)
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
