"""Hatchet's client token: its claims, and the address of Hatchet's dashboard."""

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
from .env_file import ENV_FILE, read_env_file

# The name of the setting of a namespace, which Hatchet's SDK has for all its programs.
NAMESPACE = "HATCHET_CLIENT_NAMESPACE"


@dataclass(frozen=True, slots=True)
class HatchetToken:
    """A token and its claims. Only Hatchet can verify the token's signature.

    Args:
        text: the token.
        tenant: the tenant that runs are created for.
        server_url: the address of the dashboard and the API.
        host_port: the address that workers connect to.
        audience: the server that accepts the token; Hatchet compares it with its own address.
        expires_at: when the token expires, if ever.
    """

    text: str
    tenant: str
    server_url: str
    host_port: str
    audience: str
    expires_at: datetime | None


def parse_token(text: str) -> HatchetToken:
    """Parse a token and its claims.

    Raises:
        ConfigError: the text is not a token of Hatchet.
    """
    try:
        _, claims, _ = text.strip().split(".")
        decoded: Any = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        values = cast("dict[str, Any]", decoded)
        expires: Any = values.get("exp")
        audiences: Any = values.get("aud", "")
        if not isinstance(audiences, list):
            audiences = [audiences]
        return HatchetToken(
            text=text.strip(),
            tenant=str(values["sub"]),
            server_url=str(values["server_url"]).rstrip("/"),
            host_port=str(values["grpc_broadcast_address"]),
            audience="".join(map(str, cast("list[Any]", audiences)[:1])),
            expires_at=None if expires is None else datetime.fromtimestamp(float(expires), UTC),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
        raise ConfigError(
            "HATCHET_CLIENT_TOKEN is not a Hatchet token.",
            "Copy all of it, or create one in Hatchet's dashboard under API tokens. "
            "`hogsend bootstrap` creates it for the Hatchet of compose.yaml.",
        ) from None


def read_client_settings() -> Mapping[str, str]:
    """Return the `HATCHET_CLIENT_…` settings of the environment and of `.env`.

    Raises:
        ConfigError: `.env` cannot be read.
    """
    values: dict[str, str] = {}
    for source in (read_env_file(Path.cwd() / ENV_FILE), os.environ):
        # An empty value counts as unset, as for our own settings.
        values |= {name: text.strip() for name, text in source.items() if text.strip()}
    return {name: text for name, text in values.items() if name.startswith("HATCHET_CLIENT_")}


def select_namespace(settings: Mapping[str, str], installation_id: str) -> str:
    """Return the namespace of an installation in Hatchet: the one that is set, or its own.

    In one namespace, installations would run each other's turns and take each other's events.

    Args:
        settings: the `HATCHET_CLIENT_…` settings.
        installation_id: the id of the installation, a UUID in hex.
    """
    return settings.get(NAMESPACE, "") or f"hogsend-{installation_id[:8]}"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Hatchet's dashboard.

    Args:
        address: the address, such as `http://localhost:8888`.
        tenant: the tenant that our runs belong to.
    """

    address: str
    tenant: str

    def build_run_url(self, run_id: str) -> str:
        """Return the address of a run's page."""
        return f"{self.address}/tenants/{self.tenant}/runs/{run_id}"


def find_dashboard() -> Dashboard | None:
    """Return Hatchet's dashboard; None when the token cannot be read."""
    try:
        values = read_client_settings()
        token = parse_token(values.get("HATCHET_CLIENT_TOKEN", ""))
    except ConfigError:
        return None
    address = values.get("HATCHET_CLIENT_SERVER_URL", token.server_url).rstrip("/")
    # The address becomes a link in our own dashboard.
    if not address.startswith(("http://", "https://")):
        return None
    return Dashboard(address, token.tenant)
