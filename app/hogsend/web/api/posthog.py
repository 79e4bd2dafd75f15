"""`/posthog/…`: PostHog's capture format, so that PostHog's libraries only change their host."""

from __future__ import annotations

from typing import Any

from ...services.event_formats import find_posthog_key, submit_posthog
from .compressed_body import MAX_BYTES, read_json_body
from .routes import JSON, Answer, ApiCall, RawBody, RouteTable
from .schemas import NoQuery, View

routes = RouteTable("PostHog format")

# Where the generations of PostHog's libraries send their events.
PATHS = (
    "/posthog/batch/",
    "/posthog/capture/",
    "/posthog/e/",
    "/posthog/i/v0/e/",
    "/posthog/track/",
)
FLAG_PATHS = ("/posthog/flags/", "/posthog/decide/")


class PosthogAnswer(View):
    """The events were read; a refused one must not be sent again."""

    status: int = 1
    stored: int
    refused: int


class PosthogFlags(View):
    """No flags: Hogsend has none."""

    flags: dict[str, Any]
    feature_flags: dict[str, Any]
    feature_flag_payloads: dict[str, Any]
    errors_while_computing_flags: bool
    supported_compression: list[str]


_EXAMPLE = {
    "api_key": "hsk_…",
    "batch": [
        {
            "event": "plan upgraded",
            "distinct_id": "ada",
            "properties": {"plan": "team", "$set": {"plan": "team"}},
            "timestamp": "2026-01-02T03:04:05.678Z",
            "uuid": "01a20364-0bb6-73eb-9330-0f5a70953204",
        }
    ],
}
_FLAGS: dict[str, Any] = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
    "supportedCompression": ["gzip", "gzip-js"],
}


async def find_key() -> str:
    """Return the API key of the present request's body as a header; empty when there is none."""
    key = find_posthog_key(await read_json_body())
    return f"Bearer {key}" if key else ""


async def submit_events(call: ApiCall[NoQuery, Any]) -> PosthogAnswer:
    """Submit one event or a batch; each succeeds or fails by itself.

    The API key is a field of the body, which may be compressed with gzip.
    """
    result = await submit_posthog(call.context, call.actor, await read_json_body())
    return PosthogAnswer(status=1, stored=result.stored, refused=len(result.refused))


for path in PATHS:
    routes.route(
        "POST",
        path,
        scope="ingest-public",
        find_key=find_key,
        answers={
            200: Answer(
                PosthogAnswer, "Valid events are stored.", {"status": 1, "stored": 1, "refused": 0}
            )
        },
        body=RawBody((JSON, "text/plain", "application/x-www-form-urlencoded")),
        body_example=_EXAMPLE,
        errors=(413,),
        max_body_bytes=MAX_BYTES,
    )(submit_events)


async def answer_flags(call: ApiCall[NoQuery, None]) -> PosthogFlags:
    """Answer that there are no feature flags, which PostHog's libraries ask for."""
    return PosthogFlags.model_validate(_FLAGS)


for path in FLAG_PATHS:
    routes.route(
        "POST", path, scope=None, answers={200: Answer(PosthogFlags, "No flags.", _FLAGS)}
    )(answer_flags)
