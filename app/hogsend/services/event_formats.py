"""Submits events in the formats of Segment's and PostHog's clients."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..domain.incoming import IncomingEvent, IngestResult, check_properties
from ..errors import Forbidden, HogsendError, InvalidInput, StoreUnavailable, TooLarge
from ..ingest.formats import Converted, Unusable, posthog, segment
from ..ingest.parsing import parse_item
from .actor import Actor, Permission
from .context import ServiceContext
from .identity_claims import authorize_claim

__all__ = [
    "SEGMENT_SHORT_TYPES",
    "SEGMENT_TYPES",
    "FormatResult",
    "find_posthog_key",
    "find_segment_key",
    "list_segment_messages",
    "submit_posthog",
    "submit_segment",
]

log = logging.getLogger("hogsend.ingest")

# The most messages of one request, and of one with a publishable key. The clients send at most a
# hundred.
MAX_MESSAGES = 5000
MAX_PUBLIC_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class FormatResult:
    """How many messages of a request are stored, and which were refused.

    Args:
        stored: how many are stored; repeated messages, which were stored before, are included.
        refused: the reasons, by the number of the message in the request, from 0.
    """

    stored: int
    refused: dict[int, str]


SEGMENT_TYPES = segment.MESSAGE_TYPES
SEGMENT_SHORT_TYPES = segment.SHORT_TYPES


def find_segment_key(body: Any) -> str:
    """Return the write key in the body of a Segment client; empty when there is none."""
    return segment.find_write_key(body)


def list_segment_messages(body: Any) -> Sequence[Any]:
    """Return the messages of a Segment client's batch.

    Raises:
        InvalidInput: the body has no list of messages.
    """
    return segment.list_messages(body)


def find_posthog_key(body: Any) -> str:
    """Return the key in the body of a PostHog client; empty when there is none."""
    return posthog.find_api_key(body)


async def submit_segment(
    context: ServiceContext, actor: Actor, messages: Sequence[Any], message_type: str = ""
) -> FormatResult:
    """Submit messages of a Segment client; each succeeds or fails by itself.

    Args:
        context: where the events are stored.
        actor: who submits them.
        messages: as they were parsed from JSON.
        message_type: the type of all of them; empty if each has a field `type`.

    Raises:
        Forbidden: the actor may not ingest.
        TooLarge: there are too many messages.
        StoreUnavailable: not all are stored; repeating the request stores the others.
    """
    converted = [segment.convert_message(message, message_type) for message in messages]
    return await _submit(context, actor, converted)


async def submit_posthog(context: ServiceContext, actor: Actor, body: Any) -> FormatResult:
    """Submit the events in the body of a PostHog client; each succeeds or fails by itself.

    Args:
        context: where the events are stored.
        actor: who submits them.
        body: as it was parsed from JSON.

    Raises:
        Forbidden: the actor may not ingest.
        TooLarge: there are too many events.
        StoreUnavailable: not all are stored; repeating the request stores the others.
    """
    now = context.clock.now()
    converted = [posthog.convert_message(message, now) for message in posthog.list_messages(body)]
    return await _submit(context, actor, converted)


async def _submit(
    context: ServiceContext, actor: Actor, items: Sequence[Converted | Unusable]
) -> FormatResult:
    actor.require(Permission.INGEST_PUBLIC)
    limit = MAX_PUBLIC_MESSAGES if actor.is_publishable else MAX_MESSAGES
    if len(items) > limit:
        raise TooLarge(f"This request has {len(items)} messages; {limit} are allowed.")
    refused = {
        n: item.reason for n, item in enumerate(items) if isinstance(item, Unusable) and item.reason
    }
    numbered = [
        (n, _parse_public(context, actor, item) if actor.is_publishable else _parse(item))
        for n, item in enumerate(items)
        if isinstance(item, Converted)
    ]
    results = await context.ingest.submit_all([event for _, event in numbered])
    for (number, _), result in zip(numbered, results, strict=True):
        if isinstance(result, StoreUnavailable):
            raise result
        if isinstance(result, HogsendError):
            refused[number] = str(result)
        elif isinstance(result, Exception):
            log.error("a message could not be stored", exc_info=result)
            refused[number] = "an unexpected error, which the server's log has"
    if refused:
        number, reason = next(iter(sorted(refused.items())))
        log.warning("refused %d messages; message %d: %s", len(refused), number, reason)
    stored = sum(isinstance(result, IngestResult) for result in results)
    return FormatResult(stored, refused)


def _parse_public(
    context: ServiceContext, actor: Actor, item: Converted
) -> IncomingEvent | Exception:
    """Return the event of a web page, or the error why it is refused.

    A page may name its visitor only: a user id needs the user's token, and an address is left out.
    """
    event = _parse(item.without_email())
    if isinstance(event, Exception):
        return event
    token = item.body.get("userToken", "")
    try:
        authorize_claim(context, actor, user_id=event.user_id or "", user_token=token)
    except Forbidden as refusal:
        return refusal
    return replace(event, source=actor.event_source, is_public=True)


def _parse(item: Converted) -> IncomingEvent | Exception:
    """Return the event of a message, or the error why it is refused.

    An unexpected error is returned too: it must not fail the other messages.
    """
    try:
        event = parse_item(item.body, may_be_anonymous=True, place="message")
    except Exception as error:
        return error
    if not item.contact_defaults:
        return event
    if problem := check_properties(item.contact_defaults, escapes=True):
        return InvalidInput(f"$set_once {problem}.")
    return replace(event, contact_defaults=item.contact_defaults)
