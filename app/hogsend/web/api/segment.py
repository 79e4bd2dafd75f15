"""`/segment/v1/…`: the Segment HTTP API, so that Segment's libraries only change their host."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pydantic import Field
from quart import request

from ...domain.forms import Body
from ...errors import NotFound
from ...services.event_formats import (
    SEGMENT_SHORT_TYPES,
    SEGMENT_TYPES,
    FormatResult,
    find_segment_key,
    list_segment_messages,
    submit_segment,
)
from .compressed_body import MAX_BYTES, read_json_body
from .routes import JSON, Answer, ApiCall, RawBody, RouteTable
from .schemas import NoQuery, View

routes = RouteTable("Segment format")


class RefusedMessage(View):
    """A message that is not stored."""

    index: int
    error: str


class SegmentAnswer(View):
    """What came of the messages; a refused one must not be sent again."""

    success: bool = True
    stored: int
    refused: list[RefusedMessage]


class SegmentMessage(Body):
    """A message of Segment's specification; further fields are ignored."""

    type: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    event: str = ""
    properties: dict[str, Any] = Field(default_factory=dict)
    traits: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    timestamp: str = ""
    message_id: str = ""


class SegmentBatch(Body):
    """Messages in the order in which they happened."""

    batch: list[SegmentMessage]


_MESSAGE = {
    "userId": "ada",
    "event": "Plan Upgraded",
    "properties": {"plan": "team"},
    "timestamp": "2026-01-02T03:04:05.678Z",
    "messageId": "ajs-next-1767323045678-5f0c",
}
_ANSWER: dict[str, Any] = {"success": True, "stored": 1, "refused": []}


async def find_key() -> str:
    """Return the write key of the present request as a header: of HTTP Basic, or of the body."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode("latin-1")
        except (ValueError, binascii.Error):
            return "Bearer"
        return f"Bearer {text.partition(':')[0]}"
    if scheme:
        return ""
    key = find_segment_key(await read_json_body())
    return f"Bearer {key}" if key else ""


async def submit_messages(call: ApiCall[NoQuery, Any]) -> SegmentAnswer:
    """Submit a batch of messages; each succeeds or fails by itself."""
    messages = list_segment_messages(await read_json_body())
    return _describe(await submit_segment(call.context, call.actor, messages))


for path in ("/segment/v1/batch", "/segment/v1/import", "/segment/v1/b"):
    routes.route(
        "POST",
        path,
        scope="ingest-public",
        find_key=find_key,
        answers={200: Answer(SegmentAnswer, "Valid messages are stored.", _ANSWER)},
        body=RawBody((JSON,), SegmentBatch),
        body_example={"batch": [{"type": "track", **_MESSAGE}]},
        errors=(413,),
        max_body_bytes=MAX_BYTES,
    )(submit_messages)


@routes.route(
    "POST",
    "/segment/v1/<message_type>",
    scope="ingest-public",
    find_key=find_key,
    answers={200: Answer(SegmentAnswer, "The message is stored, or refused.", _ANSWER)},
    body=RawBody((JSON,), SegmentMessage),
    body_example=_MESSAGE,
    errors=(404, 413),
)
async def submit_message(call: ApiCall[NoQuery, Any]) -> SegmentAnswer:
    """Submit one message: `identify`, `track`, `page`, `screen`, `group` or `alias`.

    `analytics.js` calls them by their first letter.
    """
    name = call.values["message_type"]
    message_type = SEGMENT_SHORT_TYPES.get(name, name)
    if message_type not in SEGMENT_TYPES:
        raise NotFound("Not Found", f"Types of messages are {', '.join(SEGMENT_TYPES)}.")
    body = await read_json_body()
    return _describe(await submit_segment(call.context, call.actor, [body], message_type))


def _describe(result: FormatResult) -> SegmentAnswer:
    refused = [RefusedMessage(index=n, error=why) for n, why in sorted(result.refused.items())]
    return SegmentAnswer(success=True, stored=result.stored, refused=refused)
