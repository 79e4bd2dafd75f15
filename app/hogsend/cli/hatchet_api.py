"""Hatchet's REST API, without the SDK, which takes seconds to import.

Hatchet's repository describes the API in `api-contracts/openapi`.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from ..errors import HatchetUnavailable

# In seconds.
TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class HatchetResponse:
    """A response of Hatchet.

    Args:
        status: the HTTP status.
        body: the JSON; None when the body is not JSON.
        at: Hatchet's clock, to the second; None when it did not send it.
    """

    status: int
    body: Any
    at: datetime | None


class HatchetApi:
    """A client of Hatchet's REST API.

    Args:
        address: such as `http://localhost:8888`.
        token: the API token.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address = address.rstrip("/")
        self._token = token

    def get(self, path: str) -> HatchetResponse:
        """Send a GET request; the response may have any status.

        Raises:
            HatchetUnavailable: Hatchet does not answer.
        """
        parts = urlsplit(self.address)
        https = http.client.HTTPSConnection
        connect = https if parts.scheme == "https" else http.client.HTTPConnection
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        try:
            connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
        except (ValueError, http.client.HTTPException):
            raise HatchetUnavailable(
                f"{self.address} is not an address.", "Correct HATCHET_CLIENT_SERVER_URL."
            ) from None
        try:
            connection.request("GET", f"{parts.path}{path}", headers=headers)
            response = connection.getresponse()
            text, date = response.read(), response.headers.get("Date", "")
        except (OSError, http.client.HTTPException) as error:
            raise HatchetUnavailable(
                f"Hatchet does not answer at {self.address}: {error or type(error).__name__}.",
                "Start it (`docker compose up -d` for the one in compose.yaml), or set "
                "HATCHET_CLIENT_SERVER_URL to the address of its dashboard.",
            ) from None
        finally:
            connection.close()
        return HatchetResponse(response.status, _parse_json(text), _parse_date(date))


def _parse_json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _parse_date(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, TypeError):
        return None
