"""A token in the engine's format. The SDK reads its claims and ignores the signature."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

TENANT = "707d0855-80ab-4e1f-a156-f1c4546cbf52"
_TEN_YEARS = 10 * 365 * 24 * 3600


def mint(grpc_address: str, server_url: str, expires_in: float = _TEN_YEARS) -> str:
    """Return a token.

    Args:
        grpc_address: the host and port of the engine.
        server_url: the address of the dashboard and REST API, which is also audience and issuer.
        expires_in: seconds until it expires; negative for one that has expired.
    """
    issued = int(time.time())
    claims = {
        "aud": server_url,
        "exp": issued + int(expires_in),
        "grpc_broadcast_address": grpc_address,
        "iat": issued,
        "iss": server_url,
        "server_url": server_url,
        "sub": TENANT,
        "token_id": "5f0d7f7e-5f1f-4c58-9f0c-0f6cf2f8d8f1",
    }
    return ".".join((_part({"alg": "ES256", "kid": "double"}), _part(claims), "x" * 86))


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
