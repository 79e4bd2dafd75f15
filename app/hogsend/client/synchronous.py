"""The client for programs without asyncio."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from . import calls
from .calls import ClientCall, ContactFields, EventFields, PersonFields
from .event_queue import MAX_QUEUED, EventQueue, OnRefused, Outcome, log_refused
from .requests import (
    MAX_RETRIES,
    TIMEOUT,
    ApiRequest,
    ApiResponse,
    build_batch_request,
    choose_pause,
    fail_to_connect,
    read_answer,
    read_batch_outcome,
)
from .results import (
    ContactRecord,
    EmailResult,
    EventResult,
    Json,
    ListChoiceRecord,
    UpsertedContact,
)
from .thread_sender import ThreadSender

T = TypeVar("T")


class Hogsend:
    """Calls the API; safe to use from several threads.

    Every call is repeated after network errors, and when the server is overloaded or restarts; the
    idempotency keys of events and emails keep a repetition from doing anything twice.

    Args:
        url: the address of the server, such as `https://mail.example.com`.
        key: an API key; `ingest` for everything but `/v1/admin`.
        timeout: how long one attempt may take, in seconds.
        max_retries: how often a call is repeated before it fails.
        max_queued: how many events `queue_event` holds at most.
        on_refused: receives queued events that the server refuses for good; logged unless given.
        transport: the transport of httpx, such as for tests.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = TIMEOUT,
        max_retries: int = MAX_RETRIES,
        max_queued: int = MAX_QUEUED,
        on_refused: OnRefused = log_refused,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._max_retries = max_retries
        self._key, self._timeout, self._transport = key, timeout, transport
        self._http, self._process = self._build_http(), os.getpid()
        self._sender = ThreadSender(lambda: EventQueue(max_queued, on_refused), self._send_batch)

    def _build_http(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=self._timeout,
            transport=self._transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- any route --------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        is_repeatable: bool | None = None,
    ) -> Json:
        """Call any route of the API.

        Args:
            method: the HTTP method.
            path: such as `/v1/admin/journeys`.
            query: the parameters of the query string.
            body: the JSON body.
            is_repeatable: whether a second request does no harm; by its method unless given.

        Returns:
            The JSON of the answer.

        Raises:
            ApiRefusal: the server refuses the request.
            ConnectionFailed: no answer arrived.
            UnexpectedAnswer: another program answered.
        """
        return self._call(calls.call_route(method, path, query, body, is_repeatable))

    def _call(self, call: ClientCall[T]) -> T:
        retries = 0
        while True:
            response, problem = self._try(call.request)
            pause = choose_pause(call.request, response, retries, self._max_retries)
            if pause is None:
                break
            retries += 1
            time.sleep(pause)
        if response is None:
            raise fail_to_connect(self._url, problem) from problem
        return call.read(read_answer(response, self._url))

    def _try(self, request: ApiRequest) -> tuple[ApiResponse | None, Exception | None]:
        if os.getpid() != self._process:
            # Two processes with one connection would read each other's answers.
            self._http, self._process = self._build_http(), os.getpid()
        try:
            response = self._http.request(
                request.method,
                request.path,
                params={name: value for name, value in request.query.items() if value is not None},
                json=request.body,
                headers=dict(request.headers),
            )
        except httpx.RequestError as error:
            return None, error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return ApiResponse(response.status_code, response.content, headers), None

    # -- events -----------------------------------------------------------------------------------

    def send_event(self, name: str, **fields: Unpack[EventFields]) -> EventResult:
        """Send an event now, and return what came of it; it is then on the server's disk.

        Args:
            name: what happened.
            fields: whom it happened to, and more about it; see `EventFields`.

        Raises:
            ApiRefusal: the server refuses the event.
            ConnectionFailed: no answer arrived.
            ValueError: nobody is named, or the timestamp has no time zone.
        """
        return self._call(calls.send_event(name, **fields))

    def queue_event(self, name: str, **fields: Unpack[EventFields]) -> None:
        """Queue an event, which a thread sends soon, together with others.

        It stays in memory until the server has it: call `close` before the program ends.

        Args:
            name: what happened.
            fields: whom it happened to, and more about it; see `EventFields`.

        Raises:
            QueueFull: too many events wait already.
            ValueError: nobody is named, the timestamp has no time zone, or the event is not JSON.
            RuntimeError: the client is closed.
        """
        self._sender.add(calls.build_queued_body(name, **fields))

    def _send_batch(self, batch: Sequence[Json]) -> Outcome:
        response, _ = self._try(build_batch_request(batch))
        return read_batch_outcome(response, self._url)

    def flush(self, patience: float = TIMEOUT) -> None:
        """Wait until all queued events are sent.

        Args:
            patience: for how long, in seconds.

        Raises:
            EventsNotSent: some are not sent yet; they stay queued.
        """
        self._sender.flush(patience)

    def close(self, patience: float = TIMEOUT) -> None:
        """Send what is queued, and close the connections; a second call does nothing.

        Args:
            patience: how long to wait for the queue, in seconds.

        Raises:
            EventsNotSent: some events could not be sent; they are in the error.
        """
        try:
            self._sender.close(patience)
        finally:
            self._http.close()

    # -- contacts and lists -----------------------------------------------------------------------

    def upsert_contact(self, **fields: Unpack[ContactFields]) -> UpsertedContact:
        """Create or change a contact; a property that is None is removed."""
        return self._call(calls.upsert_contact(**fields))

    def find_contacts(self, **person: Unpack[PersonFields]) -> list[ContactRecord]:
        """Return the contacts with this user id or this address."""
        return self._call(calls.find_contacts(**person))

    def delete_contact(self, **person: Unpack[PersonFields]) -> None:
        """Delete a contact.

        Raises:
            ApiRefusal: there is no such contact (404).
        """
        self._call(calls.delete_contact(**person))

    def list_lists(self, **person: Unpack[PersonFields]) -> list[ListChoiceRecord]:
        """Return the lists, with what a contact chose."""
        return self._call(calls.list_lists(**person))

    def subscribe(self, list_id: str, **person: Unpack[PersonFields]) -> None:
        """Subscribe a contact to a list."""
        self._call(calls.change_list(list_id, "subscribe", **person))

    def unsubscribe(self, list_id: str, **person: Unpack[PersonFields]) -> None:
        """Unsubscribe a contact from a list."""
        self._call(calls.change_list(list_id, "unsubscribe", **person))

    # -- emails -----------------------------------------------------------------------------------

    def send_email(
        self,
        *,
        to: str | None = None,
        user_id: str | None = None,
        template: str | None = None,
        props: Mapping[str, Any] | None = None,
        subject: str | None = None,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> EmailResult:
        """Send an email outside of journeys.

        Args:
            to: the address.
            user_id: the contact, in place of the address.
            template: the key of the template.
            props: the values of the template.
            subject: in place of the template's.
            idempotency_key: two calls with one key make one email.
            fields: further fields of `POST /v1/emails`, in camelCase.
        """
        call = calls.send_email(
            to=to,
            user_id=user_id,
            template=template,
            props=props,
            subject=subject,
            idempotency_key=idempotency_key,
            **fields,
        )
        return self._call(call)

    def get_email(self, email_id: str) -> Json:
        """Return an email with its state."""
        return self._call(calls.get_email(email_id))
