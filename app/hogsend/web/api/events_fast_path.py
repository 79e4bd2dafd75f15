"""`POST /v1/events`: the product tells what happened.

The one route on which throughput counts is answered before a framework's request is made: of the
time of such a request that is a third (docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ...domain.incoming import IngestResult
from ...errors import HogsendError, InvalidInput, TooLarge
from ...ingest.parsing import read_event
from ...services.context import ServiceContext
from ...store.keys import INGEST
from ..errors import INTERNAL, problem, retry_after, status_of
from .key_auth import KeyAuth, authorize

log = logging.getLogger("hogsend.http")

LARGEST_BODY = 1024 * 1024
# How long a body may take to arrive, in seconds; Quart gives other requests as long.
SLOWEST_BODY = 60
PATH = "/v1/events"
# What Quart says too of a connection without an address.
_NOBODY = "<local>"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,255}")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Gone(Exception):
    """The caller has left."""


class EventsFastPath:
    """Answers `POST /v1/events` and leaves everything else to the site.

    Args:
        site: what answers all other requests.
        context: what the process is made of.
        memory: of callers and their keys.
    """

    def __init__(self, site: Site, context: ServiceContext, memory: KeyAuth) -> None:
        self._site = site
        self._context = context
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._site(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        more: list[tuple[bytes, bytes]] = []
        try:
            status, body = 202, answer_of(await self._take(scope, headers, receive))
        except _Gone:
            return
        except HogsendError as error:
            status, body = status_of(error), problem(error)
            if (seconds := retry_after(error)) is not None:
                more = [(b"retry-after", str(seconds).encode())]
            if status == 500:
                log.error("%s: %s", error.code, error)
        except Exception:
            log.exception("an event could not be taken")
            status, body = 500, INTERNAL
        text = to_bytes(body)
        named = request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        start = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(text)).encode()),
            (b"x-request-id", named.encode()),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": text})

    async def _take(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> IngestResult:
        client = scope.get("client")
        # Read first, so that whoever is refused has said it all and hears why.
        raw = await _body(receive)
        await authorize(
            self._memory,
            self._context,
            headers.get(b"authorization", b"").decode("latin-1"),
            client[0] if client else _NOBODY,
            INGEST,
        )
        if len(raw) > LARGEST_BODY:
            raise TooLarge(f"The body is larger than {LARGEST_BODY} bytes.")
        key = headers.get(b"idempotency-key")
        incoming = read_event(raw, None if key is None else key.decode("latin-1"))
        return await self._context.ingest.submit(incoming)


async def _body(receive: Receive) -> bytes:
    """Return the body; of one that is past the limit, so much that it is seen to be."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Gone
                part: bytes = message.get("body", b"")
                if size <= LARGEST_BODY:
                    parts.append(part)
                size += len(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise InvalidInput(f"The body did not arrive within {SLOWEST_BODY} seconds.") from None


def request_id(given: str) -> str:
    """Return a request's id: the caller's own where it is one, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_urlsafe(12)


def answer_of(taken: IngestResult) -> dict[str, Any]:
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


def to_bytes(body: Mapping[str, Any]) -> bytes:
    """Return JSON as it goes over the wire."""
    return _encode(body).encode("utf-8", "replace")
