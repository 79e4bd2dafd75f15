"""Calls the running server, at the address that it listens on."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..config.settings import Settings, build_local_address
from ..errors import HogsendError, ServerUnreachable

if TYPE_CHECKING:
    from ..client import ApiRefusal

# In seconds.
_PROBE_TIMEOUT = 2.0


def post(settings: Settings, path: str, body: dict[str, Any]) -> Mapping[str, Any]:
    """Post JSON to the running server and return its answer.

    Args:
        settings: where it listens, and the API key.
        path: such as `/v1/events`.
        body: what to send.

    Raises:
        ServerUnreachable: nothing answers there, or another program does.
        HogsendError: the server refuses the request.
    """
    from ..client import ApiRefusal, ConnectionFailed, Hogsend, UnexpectedAnswer

    address = build_local_address(settings.host, settings.port)
    client = Hogsend(address, settings.api_key or "", max_retries=0)
    try:
        return client.request("POST", path, body=body)
    except ConnectionFailed as error:
        raise ServerUnreachable(
            f"No server answers at {address}: {error.__cause__ or error}.",
            "Start it with `hogsend serve`, or set HOGSEND_BIND to where it listens.",
        ) from error
    except UnexpectedAnswer as error:
        raise ServerUnreachable(
            f"The program that answers at {address} is not Hogsend.",
            "Set HOGSEND_BIND to where the server listens.",
        ) from error
    except ApiRefusal as refusal:
        raise HogsendError(
            f"The server refused the request ({refusal.status}): {_describe(refusal)}"
        ) from None
    finally:
        client.close()


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


def _describe(refusal: ApiRefusal) -> str:
    """Return the message of a refusal, with the fields that are not valid."""
    fields = [f"{detail.get('path')}: {detail.get('message')}" for detail in refusal.details]
    return " ".join([refusal.message, *fields])
