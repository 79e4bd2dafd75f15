"""Requests and responses as values, and the decisions about retries."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .errors import ApiRefusal, ConnectionFailed, UnexpectedAnswer
from .event_queue import Outcome
from .results import Json

TIMEOUT = 30.0
MAX_RETRIES = 4
# The pause before the first retry, and the longest one, in seconds.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# The server may have done what was asked, or may do it when it is asked again.
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request.

    Args:
        method: the HTTP method.
        path: such as `/v1/events`.
        query: the parameters of the query string; those that are None are left out.
        body: the JSON body, if any.
        headers: further headers.
        is_repeatable: whether a second request does no harm.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_repeatable: bool = True


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response.

    Args:
        status: the HTTP status.
        content: the bytes of the body.
        headers: the headers, with names in lower case.
    """

    status: int
    content: bytes
    headers: Mapping[str, str]


def choose_pause(
    request: ApiRequest,
    response: ApiResponse | None,
    retries: int,
    max_retries: int,
    draw: Callable[[], float] = random.random,
) -> float | None:
    """Return for how many seconds to wait before the next attempt; None to give up.

    Args:
        request: what was asked.
        response: the response; None when none arrived.
        retries: how many retries there were.
        max_retries: how many there may be.
        draw: returns a random number from 0 to 1, which keeps many clients apart.
    """
    if retries >= max_retries:
        return None
    if response is not None and response.status not in _RETRIED:
        return None
    is_refused = response is not None and response.status in (429, 503)
    if not request.is_repeatable and not is_refused:
        return None
    if response is not None and response.headers.get("retry-after", "").isdigit():
        return min(float(response.headers["retry-after"]), 2 * _LONGEST_PAUSE)
    pause = min(_FIRST_PAUSE * 2**retries, _LONGEST_PAUSE)
    return pause * (0.5 + draw() / 2)


def read_answer(response: ApiResponse, url: str) -> Json:
    """Return the JSON of a response.

    Args:
        response: the response.
        url: the address that was called.

    Raises:
        ApiRefusal: the server refused the request.
        UnexpectedAnswer: the body is no JSON object.
    """
    answer = _parse(response.content)
    if answer is None:
        raise UnexpectedAnswer(url, response.status)
    if response.status < 400:
        return answer
    raise ApiRefusal(
        response.status,
        _find_message(answer.get("error", "the request failed")),
        code=str(answer.get("code", "")),
        details=answer.get("details") or (),
        request_id=response.headers.get("x-request-id", ""),
    )


def _find_message(error: Any) -> str:
    """Return the sentence of an error; servers of the original have it one level deeper."""
    if isinstance(error, dict):
        error = cast("Json", error).get("message")
    return str(error)


def fail_to_connect(url: str, error: Exception | None) -> ConnectionFailed:
    """Return the error of a call without an answer."""
    return ConnectionFailed(f"No answer from {url}: {str(error) or type(error).__name__}.")


def _parse(content: bytes) -> Json | None:
    try:
        answer: Any = json.loads(content)
    except ValueError:
        return None
    return cast("Json", answer) if isinstance(answer, dict) else None


def build_batch_request(bodies: Sequence[Mapping[str, Any]]) -> ApiRequest:
    """Return the request that sends several events."""
    return ApiRequest("POST", "/v1/events/batch", body={"events": list(bodies)})


def read_batch_outcome(response: ApiResponse | None, url: str) -> Outcome:
    """Return what came of a batch at an address; None when it has to be sent again."""
    request = build_batch_request([])
    if response is None or choose_pause(request, response, 0, 1) is not None:
        return None
    try:
        return read_answer(response, url)
    except UnexpectedAnswer:
        return None
    except ApiRefusal as refusal:
        # The key may be replaced while the program runs; the events can wait.
        return None if refusal.status == 401 else refusal
