"""Hatchet's REST API, without the SDK that takes seconds to import.

The API is described in Hatchet's own repository, in `api-contracts/openapi`.
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

PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class HatchetResponse:
    """What Hatchet answered.

    Args:
        status: the HTTP status.
        body: the JSON, or None.
        at: what its clock showed, if it said so, to the second.
    """

    status: int
    body: Any
    at: datetime | None


class HatchetApi:
    """Hatchet's REST API.

    Args:
        address: such as `http://localhost:8888`.
        token: who asks.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address = address.rstrip("/")
        self._token = token

    def get(self, path: str) -> HatchetResponse:
        """Ask for something; any status is an answer.

        Raises:
            HatchetAway: nobody answers.
        """
        parts = urlsplit(self.address)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
        except (ValueError, http.client.HTTPException):
            raise HatchetUnavailable(
                f"{self.address} is no address.", "Correct HATCHET_CLIENT_SERVER_URL."
            ) from None
        try:
            connection.request("GET", f"{parts.path}{path}", headers=headers)
            response = connection.getresponse()
            text, date = response.read(), response.headers.get("Date", "")
        except (OSError, http.client.HTTPException) as error:
            raise HatchetUnavailable(
                f"Hatchet does not answer at {self.address}: {error or type(error).__name__}.",
                "Start it (`docker compose up -d` for the one of compose.yaml), or set "
                "HATCHET_CLIENT_SERVER_URL to where its dashboard is.",
            ) from None
        finally:
            connection.close()
        return HatchetResponse(response.status, _json_of(text), _instant(date))


def _json_of(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _instant(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, TypeError):
        return None
