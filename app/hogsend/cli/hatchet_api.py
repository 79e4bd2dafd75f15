"""What Hatchet's token says of itself, and Hatchet's REST API, without the SDK that takes seconds.

The API is described in Hatchet's own repository, in `api-contracts/openapi`.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from ..config import ENV_FILE
from ..config_values import of_env_file
from ..errors import ConfigError, HatchetAway

PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class HatchetToken:
    """A token of Hatchet's, and what is written in it. Whether it is genuine only Hatchet knows.

    Args:
        text: the token.
        tenant: whose runs it is for.
        server_url: where the dashboard and the API are.
        host_port: where workers connect to.
        audience: whom it is meant for; Hatchet compares it with its own address.
        expires_at: from when on it is refused, if ever.
    """

    text: str
    tenant: str
    server_url: str
    host_port: str
    audience: str
    expires_at: datetime | None


def read_token(text: str) -> HatchetToken:
    """Read a token.

    Raises:
        ConfigError: it is none of Hatchet's.
    """
    try:
        _, claims, _ = text.strip().split(".")
        found: Any = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        facts = cast("dict[str, Any]", found)
        expires: Any = facts.get("exp")
        given: Any = facts.get("aud", "")
        audience = cast("list[Any]", given)[:1] if isinstance(given, list) else [given]
        return HatchetToken(
            text=text.strip(),
            tenant=str(facts["sub"]),
            server_url=str(facts["server_url"]).rstrip("/"),
            host_port=str(facts["grpc_broadcast_address"]),
            audience="".join(map(str, audience)),
            expires_at=None if expires is None else datetime.fromtimestamp(float(expires), UTC),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
        raise ConfigError(
            "HATCHET_CLIENT_TOKEN is no token of Hatchet's.",
            "Copy it whole, or make one in Hatchet's dashboard under API tokens; for the Hatchet "
            "of compose.yaml `hogsend bootstrap` makes it.",
        ) from None


def client_settings() -> Mapping[str, str]:
    """Return the `HATCHET_CLIENT_…` settings, of the environment and of `.env`.

    Raises:
        ConfigError: `.env` cannot be read.
    """
    found: dict[str, str] = {}
    for source in (of_env_file(Path.cwd() / ENV_FILE), os.environ):
        # An empty text counts as none, here as everywhere.
        found |= {name: text.strip() for name, text in source.items() if text.strip()}
    return {name: text for name, text in found.items() if name.startswith("HATCHET_CLIENT_")}


@dataclass(frozen=True, slots=True)
class Answer:
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

    def get(self, path: str) -> Answer:
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
            raise HatchetAway(
                f"{self.address} is no address.", "Correct HATCHET_CLIENT_SERVER_URL."
            ) from None
        try:
            connection.request("GET", f"{parts.path}{path}", headers=headers)
            response = connection.getresponse()
            text, date = response.read(), response.headers.get("Date", "")
        except (OSError, http.client.HTTPException) as error:
            raise HatchetAway(
                f"Hatchet does not answer at {self.address}: {error or type(error).__name__}.",
                "Start it (`docker compose up -d` for the one of compose.yaml), or set "
                "HATCHET_CLIENT_SERVER_URL to where its dashboard is.",
            ) from None
        finally:
            connection.close()
        return Answer(response.status, _json_of(text), _instant(date))


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
