"""`POST /v1/events` and its batch form: the product tells what happened."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from pydantic import ValidationError
from quart import Blueprint, Response, request

from ...domain.intake import LARGEST_EVENT, Incoming, Taken
from ...errors import HogsendError, InvalidInput, TooLarge
from ...store.keys import INGEST
from ..errors import problem
from ..pages import runtime
from .access import require
from .bodies import EventBody, incoming_event, invalid, read_event

LARGEST_BODY = 1024 * 1024
LARGEST_BATCH_BODY = 5 * 1024 * 1024
LARGEST_BATCH = 1000

blueprint = Blueprint("events", __name__)


@blueprint.post("/v1/events")
async def take_event() -> Response:
    """Take one event; 202 with what it started, ended and did not start."""
    await require(INGEST)
    raw: bytes = await request.get_data(cache=False)
    incoming = read_event(raw, request.headers.get("Idempotency-Key"))
    taken = await runtime().ingest.take(incoming)
    return _json(answer_of(taken), 202)


@blueprint.post("/v1/events/batch")
async def take_batch() -> Response:
    """Take up to 1,000 events; each stands on its own."""
    await require(INGEST)
    request.max_content_length = LARGEST_BATCH_BODY
    raw: bytes = await request.get_data(cache=False)
    results = await asyncio.gather(
        *(_take_one(item) for item in _items(raw)), return_exceptions=True
    )
    answers: list[dict[str, Any]] = []
    for result in results:
        if isinstance(result, HogsendError):
            answers.append(problem(result))
        elif isinstance(result, BaseException):
            raise result
        else:
            answers.append(result)
    rejected = sum("error" in answer for answer in answers)
    body = {"accepted": len(answers) - rejected, "rejected": rejected, "results": answers}
    return _json(body, 202)


def _items(raw: bytes) -> list[Any]:
    try:
        body: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidInput("Malformed JSON in request body") from None
    items: Any = cast("dict[str, Any]", body).get("events") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InvalidInput('The body must be {"events": […]}.')
    found = cast("list[Any]", items)
    if len(found) > LARGEST_BATCH:
        raise TooLarge(f"This batch has {len(found)} events; at most {LARGEST_BATCH} are allowed.")
    return found


async def _take_one(item: Any) -> dict[str, Any]:
    return answer_of(await runtime().ingest.take(_incoming(item)))


def _incoming(item: Any) -> Incoming:
    raw = json.dumps(item).encode()
    if len(raw) > LARGEST_EVENT:
        raise TooLarge(f"This event has {len(raw)} bytes; at most {LARGEST_EVENT} are allowed.")
    try:
        body = EventBody.model_validate(item)
    except ValidationError as error:
        raise invalid(error) from None
    return incoming_event(body, raw, None)


def answer_of(taken: Taken) -> dict[str, Any]:
    """Return what came of an event, as the wire says it."""
    answer: dict[str, Any] = {
        "stored": taken.stored,
        "eventId": str(taken.event_id),
        "contactKey": taken.contact_key,
        "enrollments": list(taken.enrollments),
        "exits": list(taken.exits),
    }
    if taken.conflict:
        answer["conflict"] = True
    if taken.lists_error:
        answer["listsError"] = taken.lists_error
    return answer


def _json(body: dict[str, Any], status: int) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, content_type="application/json")
