"""What a call of the API can fail with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """A call failed; its kind says whether the server was reached."""


class ConnectionFailed(ClientError):
    """No answer arrived, also not to the last retry; what was asked may have been done."""


class UnexpectedAnswer(ClientError):
    """What answered is not Hogsend, such as a proxy's page.

    Args:
        url: the address that was called.
        status: the HTTP status of the answer.
    """

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"What answers at {url} is not Hogsend (status {status}).")
        self.status = status


class ApiRefusal(ClientError):
    """The server refused a request.

    Args:
        status: the HTTP status.
        message: the server's sentence, which says what to do.
        code: the server's word for programs.
        details: the fields that are not valid.
        request_id: the server's id of the request.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        details: Sequence[Mapping[str, Any]] = (),
        request_id: str = "",
    ) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.code = code
        self.details = list(details)
        self.request_id = request_id


class QueueFull(ClientError):
    """The queue of events has no room: the server has not accepted events for a long time."""


class EventsNotSent(ClientError):
    """Queued events could not be sent in time.

    Args:
        events: the bodies of these events, to be stored or sent again; their idempotency keys make
            a second attempt harmless.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        noun = "event" if len(events) == 1 else "events"
        super().__init__(f"{len(events)} queued {noun} could not be sent.")
        self.events = list(events)
