"""Maps errors to HTTP responses; the only module that knows statuses."""

from __future__ import annotations

import logging
from typing import Any

from quart import Quart, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ..errors import (
    Conflict,
    Forbidden,
    HogsendError,
    InvalidInput,
    NotFound,
    Overloaded,
    RateLimited,
    StoreUnavailable,
    TooLarge,
    Unauthorized,
)
from .pages import render_error_page

log = logging.getLogger("hogsend.http")

_STATUSES: tuple[tuple[type[HogsendError], int], ...] = (
    (InvalidInput, 400),
    (Unauthorized, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (RateLimited, 429),
    (StoreUnavailable, 503),
    (Overloaded, 503),
)
_SENTENCES = {
    400: ("bad_request", "This request is not valid HTTP."),
    404: ("not_found", "Not Found"),
    405: ("not_found", "Not Found"),
    413: ("too_large", "The body is larger than 1 MiB (5 MiB for a batch)."),
}
_PAGES = {
    404: (
        "This page does not exist.",
        "Check its address: it may be incomplete, or the page may have moved.",
    ),
    405: ("This page does not support that request.", "Open it with a link or a form."),
}

INTERNAL = {"error": "Internal Server Error", "code": "internal"}


def get_status(error: HogsendError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def get_retry_after(error: HogsendError) -> int | None:
    """Return in how many seconds the caller may retry; None when a retry does not help."""
    has_time = isinstance(error, RateLimited | StoreUnavailable | Overloaded)
    return error.retry_after if has_time else None


def wants_json() -> bool:
    """Return whether a program made the request; `/v1/email` has two pages for recipients."""
    is_page = request.path in ("/v1/email/unsubscribe", "/v1/email/preferences")
    return request.path.startswith(("/v1/", "/segment/", "/posthog/")) and not is_page


def register_error_handlers(app: Quart) -> None:
    """Handle errors of an application: with JSON under `/v1`, with a page elsewhere."""

    @app.errorhandler(HogsendError)
    async def known(error: HogsendError) -> Response:  # pyright: ignore[reportUnusedFunction]
        status = get_status(error)
        if status == 500:
            log.error("%s: %s", error.code, error)
        if wants_json():
            response = jsonify(to_json(error))
            response.status_code = status
        elif status == 503 and not request.path.startswith("/admin"):
            # The cause is for operators; a recipient can only try again.
            response = render_error_page(
                status, "This is not possible right now.", "Try again later."
            )
        else:
            response = render_error_page(status, error.message, error.remedy)
        if (seconds := get_retry_after(error)) is not None:
            response.headers["Retry-After"] = str(seconds)
        return response

    @app.errorhandler(HTTPException)
    async def http(error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        status = error.code or 500
        code, sentence = _SENTENCES.get(status, ("error", error.description or "An error."))
        status = 404 if status == 405 and wants_json() else status
        if not wants_json():
            return render_error_page(status, *_PAGES.get(status, (sentence,)))
        response = jsonify({"error": sentence, "code": code})
        response.status_code = status
        return response

    @app.errorhandler(Exception)
    async def unknown(error: Exception) -> Response:  # pyright: ignore[reportUnusedFunction]
        log.exception("a request failed", exc_info=error)
        if not wants_json():
            return render_error_page(
                500, "Something went wrong.", "The server's log has the details."
            )
        response = jsonify(INTERNAL)
        response.status_code = 500
        return response


def to_json(error: HogsendError) -> dict[str, Any]:
    """Return an error as JSON: `error` is always text, the form that every client reads."""
    body: dict[str, Any] = {"error": str(error), "code": error.code}
    if error.details:
        body["details"] = error.details
    return body
