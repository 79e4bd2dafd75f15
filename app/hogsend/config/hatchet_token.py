"""What Hatchet's token says of itself, and where its dashboard shows a run."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ..errors import ConfigError
from .settings import ENV_FILE, read_env_file


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
    for source in (read_env_file(Path.cwd() / ENV_FILE), os.environ):
        # An empty text counts as none, here as everywhere.
        found |= {name: text.strip() for name, text in source.items() if text.strip()}
    return {name: text for name, text in found.items() if name.startswith("HATCHET_CLIENT_")}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Where Hatchet's own screens are.

    Args:
        address: such as `http://localhost:8888`.
        tenant: whose runs are ours.
    """

    address: str
    tenant: str

    def run(self, run_id: str) -> str:
        """Return the address of the screen of a run."""
        return f"{self.address}/tenants/{self.tenant}/runs/{run_id}"


def dashboard() -> Dashboard | None:
    """Return where Hatchet's screens are, as far as its token can be read."""
    try:
        given = client_settings()
        token = read_token(given.get("HATCHET_CLIENT_TOKEN", ""))
    except ConfigError:
        return None
    address = given.get("HATCHET_CLIENT_SERVER_URL", token.server_url).rstrip("/")
    # It becomes a link on our screens.
    if not address.startswith(("http://", "https://")):
        return None
    return Dashboard(address, token.tenant)
