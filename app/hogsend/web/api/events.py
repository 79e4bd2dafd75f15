"""`POST /v1/events/batch`: the product tells many things at once, or imports its past."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, cast

from pydantic import ValidationError
from quart import Blueprint, Response, request

from ...domain.incoming import LARGEST_EVENT, IncomingEvent
from ...errors import HogsendError, InvalidInput, StoreUnavailable, TooLarge
from ...ingest.parsing import EventBody, incoming_event, invalid
from ...store.keys import INGEST
from ..errors import INTERNAL, problem
from ..pages import context
from .events_fast_path import answer_of, to_bytes
from .key_auth import require

log = logging.getLogger("hogsend.http")

PATH = "/v1/events/batch"
LARGEST_BATCH_BODY = 5 * 1024 * 1024
LARGEST_BATCH = 1000

blueprint = Blueprint("events", __name__)


@blueprint.post(PATH)
async def take_batch() -> Response:
    """Take up to 1,000 events; each stands on its own."""
    await require(INGEST)
    raw = cast("bytes", await request.get_data(cache=False))
    results = await asyncio.gather(
        *(_take_one(item) for item in _items(raw)), return_exceptions=True
    )
    if not any(isinstance(result, dict) for result in results):
        # Nothing was stored: one that may be taken later is not to be given up with the others.
        for result in results:
            if isinstance(result, StoreUnavailable):
                raise result
    answers = [_answer(result) for result in results]
    rejected = sum("error" in answer for answer in answers)
    body = {"accepted": len(answers) - rejected, "rejected": rejected, "results": answers}
    return Response(to_bytes(body), 202, content_type="application/json")


def _answer(result: dict[str, Any] | BaseException) -> dict[str, Any]:
    if isinstance(result, HogsendError):
        return problem(result)
    if isinstance(result, Exception):
        log.error("an event of a batch could not be taken", exc_info=result)
        return dict(INTERNAL)
    if isinstance(result, BaseException):
        raise result
    return result


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
    return answer_of(await context().ingest.submit(_incoming(item)))


def _incoming(item: Any) -> IncomingEvent:
    raw = json.dumps(item).encode()
    if len(raw) > LARGEST_EVENT:
        raise TooLarge(f"This event has {len(raw)} bytes; at most {LARGEST_EVENT} are allowed.")
    try:
        body = EventBody.model_validate(item)
    except ValidationError as error:
        raise invalid(error) from None
    return incoming_event(body, raw, None)
