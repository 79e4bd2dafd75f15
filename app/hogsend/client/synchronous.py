"""The client for programs without asyncio."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from .event_queue import MAX_QUEUED, EventQueue, OnRefused, Outcome, log_refused
from .requests import (
    MAX_RETRIES,
    TIMEOUT,
    ApiRequest,
    ApiResponse,
    build_batch_request,
    build_email_path,
    build_email_request,
    build_event_body,
    build_event_request,
    build_list_path,
    build_person,
    build_upsert_request,
    choose_pause,
    fail_to_connect,
    read_answer,
    read_batch_outcome,
    read_contacts,
    read_lists,
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
        if is_repeatable is None:
            is_repeatable = method.upper() != "POST"
        return self._call(ApiRequest(method, path, query or {}, body, is_repeatable=is_repeatable))

    def _call(self, request: ApiRequest) -> Json:
        retries = 0
        while True:
            response, problem = self._try(request)
            pause = choose_pause(request, response, retries, self._max_retries)
            if pause is None:
                break
            retries += 1
            time.sleep(pause)
        if response is None:
            raise fail_to_connect(self._url, problem) from problem
        return read_answer(response, self._url)

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

    def send_event(
        self,
        name: str,
        *,
        user_id: str | None = None,
        email: str | None = None,
        anonymous_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        contact_properties: Mapping[str, Any] | None = None,
        lists: Mapping[str, bool] | None = None,
        groups: Mapping[str, str] | None = None,
        value: float | None = None,
        currency: str | None = None,
        timestamp: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> EventResult:
        """Send an event now, and return what came of it; it is then on the server's disk.

        Raises:
            ApiRefusal: the server refuses the event.
            ConnectionFailed: no answer arrived.
            ValueError: nobody is named, or the timestamp has no time zone.
        """
        body = build_event_body(
            name,
            user_id=user_id,
            email=email,
            anonymous_id=anonymous_id,
            properties=properties,
            contact_properties=contact_properties,
            lists=lists,
            groups=groups,
            value=value,
            currency=currency,
            timestamp=timestamp,
            idempotency_key=idempotency_key,
        )
        return EventResult.from_json(self._call(build_event_request(body)))

    def queue_event(
        self,
        name: str,
        *,
        user_id: str | None = None,
        email: str | None = None,
        anonymous_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        contact_properties: Mapping[str, Any] | None = None,
        lists: Mapping[str, bool] | None = None,
        groups: Mapping[str, str] | None = None,
        value: float | None = None,
        currency: str | None = None,
        timestamp: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Queue an event, which a thread sends soon, together with others.

        It stays in memory until the server has it: call `close` before the program ends.

        Raises:
            QueueFull: too many events wait already.
            ValueError: nobody is named, the timestamp has no time zone, or the event is not JSON.
            RuntimeError: the client is closed.
        """
        body = build_event_body(
            name,
            user_id=user_id,
            email=email,
            anonymous_id=anonymous_id,
            properties=properties,
            contact_properties=contact_properties,
            lists=lists,
            groups=groups,
            value=value,
            currency=currency,
            # The batch may leave much later.
            timestamp=timestamp or datetime.now().astimezone(),
            idempotency_key=idempotency_key,
        )
        self._sender.add(body)

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

    def upsert_contact(
        self,
        *,
        user_id: str | None = None,
        email: str | None = None,
        anonymous_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        lists: Mapping[str, bool] | None = None,
    ) -> UpsertedContact:
        """Create or change a contact; a property that is None is removed."""
        request = build_upsert_request(user_id, email, anonymous_id, properties, lists)
        return UpsertedContact.from_json(self._call(request))

    def find_contacts(
        self, *, user_id: str | None = None, email: str | None = None
    ) -> list[ContactRecord]:
        """Return the contacts with this user id or this address."""
        person = build_person(user_id, email)
        return read_contacts(self.request("GET", "/v1/contacts/find", query=person))

    def delete_contact(self, *, user_id: str | None = None, email: str | None = None) -> None:
        """Delete a contact.

        Raises:
            ApiRefusal: there is no such contact (404).
        """
        self.request("DELETE", "/v1/contacts", body=build_person(user_id, email))

    def list_lists(
        self, *, user_id: str | None = None, email: str | None = None
    ) -> list[ListChoiceRecord]:
        """Return the lists, with what a contact chose."""
        return read_lists(self.request("GET", "/v1/lists", query=build_person(user_id, email)))

    def subscribe(
        self, list_id: str, *, user_id: str | None = None, email: str | None = None
    ) -> None:
        """Subscribe a contact to a list."""
        path, person = build_list_path(list_id, "subscribe"), build_person(user_id, email)
        self.request("POST", path, body=person, is_repeatable=True)

    def unsubscribe(
        self, list_id: str, *, user_id: str | None = None, email: str | None = None
    ) -> None:
        """Unsubscribe a contact from a list."""
        path, person = build_list_path(list_id, "unsubscribe"), build_person(user_id, email)
        self.request("POST", path, body=person, is_repeatable=True)

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
        body = {
            "to": to,
            "userId": user_id,
            "template": template,
            "props": props,
            "subject": subject,
            **fields,
        }
        return EmailResult.from_json(self._call(build_email_request(body, idempotency_key)))

    def get_email(self, email_id: str) -> Json:
        """Return an email with its state."""
        return self.request("GET", build_email_path(email_id))
