"""Calls the running server, at the address that it listens on."""

from __future__ import annotations

import http.client
import json
from typing import Any, cast

from ..config.settings import Settings, build_local_address
from ..errors import HogsendError, ServerUnreachable

# In seconds.
_TIMEOUT = 30.0
_PROBE_TIMEOUT = 2.0


def post(settings: Settings, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post JSON to the running server and return its answer.

    Args:
        settings: where it listens, and the API key.
        path: such as `/v1/events`.
        body: what to send.

    Raises:
        ServerUnreachable: nothing answers there, or another program does.
        HogsendError: the server refuses the request.
    """
    address = build_local_address(settings.host, settings.port)
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=_TIMEOUT)
    headers = {
        "Authorization": f"Bearer {settings.api_key}",
        "Content-Type": "application/json",
    }
    try:
        connection.request("POST", path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        status, text = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ServerUnreachable(
            f"No server answers at {address}: {error or type(error).__name__}.",
            "Start it with `hogsend serve`, or set HOGSEND_BIND to where it listens.",
        ) from error
    finally:
        connection.close()
    answer = _parse(text, address)
    if status >= 400:
        raise HogsendError(f"The server refused the request ({status}): {_describe_error(answer)}")
    return answer


def is_running(host: str, port: int) -> bool:
    """Return whether Hogsend answers at an address, within two seconds."""
    address = build_local_address(host, port).removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=_PROBE_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _parse(text: bytes, address: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ServerUnreachable(
            f"The program that answers at {address} is not Hogsend.",
            "Set HOGSEND_BIND to where the server listens.",
        )
    return cast("dict[str, Any]", answer)


def _describe_error(answer: dict[str, Any]) -> str:
    """Return the message of an error, whatever its form: the batch route has another one."""
    error: Any = answer.get("error")
    if isinstance(error, dict):
        error = cast("dict[str, Any]", error).get("message")
    details: list[dict[str, Any]] = answer.get("details") or []
    fields = [f"{detail.get('path')}: {detail.get('message')}" for detail in details]
    return " ".join([str(error), *fields])
