"""Speaks to the running server, at the address that it listens on."""

from __future__ import annotations

import http.client
import json
from typing import Any, cast

from ..config.settings import Settings, local_address
from ..errors import HogsendError, ServerUnreachable

_PATIENCE = 30.0
_GLANCE = 2.0


def post(settings: Settings, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post JSON to the running server and return its answer.

    Args:
        settings: where it listens, and the key to show.
        path: such as `/v1/events`.
        body: what to send.

    Raises:
        ServerUnreachable: nobody answers there, or not as Hogsend does.
        HogsendError: the server refuses.
    """
    address = local_address(settings.host, settings.port)
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=_PATIENCE)
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
    answer = _parsed(text, address)
    if status >= 400:
        raise HogsendError(f"The server refuses ({status}): {_reason(answer)}")
    return answer


def answers(host: str, port: int) -> bool:
    """Say whether Hogsend answers there, as far as can be told in two seconds."""
    address = local_address(host, port).removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=_GLANCE)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _parsed(text: bytes, address: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ServerUnreachable(
            f"What answers at {address} is not Hogsend.",
            "Set HOGSEND_BIND to where the server listens.",
        )
    return cast("dict[str, Any]", answer)


def _reason(answer: dict[str, Any]) -> str:
    error: Any = answer.get("error")
    if isinstance(error, dict):
        error = cast("dict[str, Any]", error).get("message")
    details: list[dict[str, Any]] = answer.get("details") or []
    named = [f"{detail.get('path')}: {detail.get('message')}" for detail in details]
    return " ".join([str(error), *named])
