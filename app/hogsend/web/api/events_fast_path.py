"""`POST /v1/events`: one event, on the route where throughput matters most.

It is answered without a request of the web framework, which would take a third of the time
(docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal
from uuid import UUID

from ...errors import HogsendError, InvalidInput, TooLarge
from ...services.context import ServiceContext
from ...services.events import EventBody, IngestResult, submit_event_json
from ..errors import INTERNAL, get_retry_after, get_status, to_json
from .json_answers import to_bytes
from .key_auth import KeyAuthenticator
from .routes import MAX_BODY_BYTES, Answer, RouteTable
from .schemas import View

log = logging.getLogger("hogsend.http")

# How long a body may take to arrive, in seconds; the same as for other requests in Quart.
BODY_TIMEOUT = 60
PATH = "/v1/events"
# The address that Quart also gives a connection without one.
_NO_ADDRESS = "<local>"
_MAX_KEY_LENGTH = 100
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,255}")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]


routes = RouteTable("Events")


class EventEnrollmentView(View):
    """What a journey that starts on the event decided."""

    journey_id: str
    outcome: Literal["enrolled", "skipped"]
    reason: str | None = None
    state_id: UUID | None = None


class EventExitView(View):
    """What a journey with exit rules, which the contact was in, decided."""

    journey_id: str
    state_id: UUID
    exited: bool


class EventAnswer(View):
    """What came of an event."""

    stored: bool
    event_id: UUID
    contact_key: str
    enrollments: list[EventEnrollmentView]
    exits: list[EventExitView]
    conflict: bool | None = None
    lists_error: str | None = None


EXAMPLE = {
    "name": "plan.upgraded",
    "userId": "ada",
    "eventProperties": {"plan": "team"},
    "contactProperties": {"plan": "team"},
    "idempotencyKey": "invoice-2041",
}
EXAMPLE_ANSWER = {
    "stored": True,
    "eventId": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "contactKey": "ada",
    "enrollments": [
        {"journeyId": "trial-conversion", "outcome": "skipped", "reason": "already_entered"}
    ],
    "exits": [
        {
            "journeyId": "activation-welcome",
            "stateId": "01a20364-0b6e-72a7-b294-d14dbb994441",
            "exited": False,
        }
    ],
}

routes.declare(
    "POST",
    PATH,
    scope="ingest-public",
    doc="""Submit an event.

    The response is sent when the event, every decision about it, and every enrollment that it
    starts or ends are on disk.
    """,
    answers={202: Answer(EventAnswer, "The event is stored.", EXAMPLE_ANSWER)},
    body=EventBody,
    body_example=EXAMPLE,
    errors=(413,),
)


class _ClientDisconnected(Exception):
    """The client closed the connection before it had sent the whole body."""


class EventsFastPath:
    """Answers `POST /v1/events` and passes everything else on.

    Args:
        site: the application that answers all other requests.
        context: where events are stored.
        authenticator: finds the actor of a request.
    """

    def __init__(
        self, site: Site, context: ServiceContext, authenticator: KeyAuthenticator
    ) -> None:
        self._site = site
        self._context = context
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._site(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        extra_headers: list[tuple[bytes, bytes]] = []
        try:
            status, body = 202, result_to_json(await self._submit(scope, headers, receive))
        except _ClientDisconnected:
            return
        except HogsendError as error:
            status, body = get_status(error), to_json(error)
            if (seconds := get_retry_after(error)) is not None:
                extra_headers = [(b"retry-after", str(seconds).encode())]
            if status == 500:
                log.error("%s: %s", error.code, error)
        except Exception:
            log.exception("an event could not be stored")
            status, body = 500, INTERNAL
        payload = to_bytes(body)
        own_id = choose_request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        start = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(payload)).encode()),
            (b"x-request-id", own_id.encode()),
            *extra_headers,
        ]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": payload})

    async def _submit(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> IngestResult:
        client = scope.get("client")
        # Read before anything is refused, so that the client has sent all and gets the refusal.
        raw = await _read_body(receive)
        known = await self._authenticator.authenticate(
            headers.get(b"authorization", b"").decode("latin-1")
            or _read_beacon_key(scope.get("query_string", b"")),
            client[0] if client else _NO_ADDRESS,
            headers.get(b"origin", b"").decode("latin-1"),
        )
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes.")
        key = headers.get(b"idempotency-key")
        idempotency_key = None if key is None else key.decode("latin-1")
        return await submit_event_json(self._context, known.actor, raw, idempotency_key)


def _read_beacon_key(query: bytes) -> str:
    """Return the key of a page that is left: a beacon has no headers of its own.

    Only a publishable key is read, because addresses are logged on their way.
    """
    key = query.removeprefix(b"key=")
    is_key = query.startswith(b"key=pk_") and len(key) < _MAX_KEY_LENGTH
    return f"Bearer {key.decode('latin-1')}" if is_key else ""


async def _read_body(receive: Receive) -> bytes:
    """Return the body; of one past the limit, only enough to see that."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _ClientDisconnected
                part: bytes = message.get("body", b"")
                if size <= MAX_BODY_BYTES:
                    parts.append(part)
                size += len(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise InvalidInput(f"The body did not arrive within {BODY_TIMEOUT} seconds.") from None


def choose_request_id(header: str) -> str:
    """Return a request's id: the one of its header if that is valid, else a new one."""
    return header if _REQUEST_ID.fullmatch(header) else secrets.token_urlsafe(12)


def result_to_json(result: IngestResult) -> dict[str, Any]:
    """Return what came of an event, as the API reports it."""
    response: dict[str, Any] = {
        "stored": result.stored,
        "eventId": str(result.event_id),
        "contactKey": result.contact_key,
        "enrollments": list(result.enrollments),
        "exits": list(result.exits),
    }
    if result.conflict:
        response["conflict"] = True
    if result.lists_error:
        response["listsError"] = result.lists_error
    return response
