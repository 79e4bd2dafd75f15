"""Limits how many connections the server keeps open, in all and for each client address."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

log = logging.getLogger("hogsend.http")

# How often a refusal is logged, in seconds.
_LOG_INTERVAL = 60.0
_REFUSAL = (
    b"HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nretry-after: 5\r\n"
    b"connection: close\r\n\r\n%s"
)
# The addresses of one IPv6 customer, which can take any of them.
_IPV6_PREFIX = 64


class ConnectionLimits:
    """Counts connections, and refuses those past a limit.

    The limit for each address is not for loopback and private addresses, nor for trusted proxies:
    all visitors of a reverse proxy come from its address.

    Args:
        total: how many connections may be open.
        per_address: how many of them one address may have.
        trusted_proxies: addresses and networks to which `per_address` does not apply.
    """

    def __init__(self, total: int, per_address: int, trusted_proxies: Sequence[str] = ()) -> None:
        self._total = total
        self._per_address = per_address
        self._proxies = [ip_network(proxy, strict=False) for proxy in trusted_proxies]
        self._open = 0
        self._by_client: Counter[str] = Counter()
        self._logged_at = -_LOG_INTERVAL

    def admit(self, address: str) -> bytes:
        """Count a new connection of an IP address.

        Returns:
            The HTTP response that refuses the connection, which is then not counted; else nothing.
        """
        client = self._find_client(address)
        if self._open >= self._total:
            self._log(f"{self._total} connections are open, HOGSEND_MAX_CONNECTIONS")
            return _build_refusal(
                b"503 Service Unavailable", "The server has too many connections."
            )
        if client and self._by_client[client] >= self._per_address:
            self._log(
                f"one address has {self._per_address} connections, "
                "HOGSEND_MAX_CONNECTIONS_PER_ADDRESS"
            )
            return _build_refusal(
                b"429 Too Many Requests", "This address has too many connections to the server."
            )
        self._open += 1
        if client:
            self._by_client[client] += 1
        return b""

    def release(self, address: str) -> None:
        """Forget a connection that was counted."""
        self._open -= 1
        client = self._find_client(address)
        if client:
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]

    def _find_client(self, address: str) -> str:
        """Return whom a connection counts for; empty for an address without a limit."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return ""
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        if parsed.is_loopback or parsed.is_private or parsed.is_link_local:
            return ""
        if any(parsed in network for network in self._proxies):
            return ""
        if isinstance(parsed, IPv6Address):
            return str(ip_network(f"{parsed}/{_IPV6_PREFIX}", strict=False))
        return str(parsed)

    def _log(self, reason: str) -> None:
        now = time.monotonic()
        if now - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = now
            log.warning("connections are refused: %s", reason)


def _build_refusal(status: bytes, sentence: str) -> bytes:
    body = f"{sentence} Try again later.\n".encode()
    return _REFUSAL % (status, len(body), body)
