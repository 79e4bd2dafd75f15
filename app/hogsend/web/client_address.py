"""The address of the client behind trusted proxies, from `X-Forwarded-For` or `Forwarded`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Scope = MutableMapping[str, Any]
Site = Callable[[Any, Any, Any], Awaitable[None]]

# More proxies than this between a client and the server are not believed.
_MAX_HOPS = 32
_MAX_HOP_LENGTH = 64
_FORWARDED_FOR = re.compile(r'(?i)for="?([^";]{1,64})"?')
# The part of an IPv6 address that names a client's network; the client chooses the rest.
_IPV6_PREFIX = 64


class ClientAddress:
    """Replaces a trusted proxy's address by the address of its client.

    Each proxy appends the address that it was called from, so the last address that is not a
    trusted proxy's is the client's. What stands before it was sent by the client, and may be
    invented.

    Args:
        site: the application that answers requests.
        proxies: the addresses and networks of the trusted proxies.
    """

    def __init__(self, site: Site, proxies: Iterable[str]) -> None:
        self._site = site
        self._proxies = [ipaddress.ip_network(proxy) for proxy in proxies]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        client = scope.get("client")
        if client and self._proxies and scope["type"] == "http":
            peer = _parse(client[0])
            if peer is not None and self._is_trusted(peer):
                address = self._find_client(peer, scope["headers"])
                scope = {**scope, "client": (str(address), client[1])}
        await self._site(scope, receive, send)

    def _find_client(self, peer: Address, headers: Sequence[tuple[bytes, bytes]]) -> Address:
        clients = {
            self._find_last_untrusted(peer, hops)
            for hops in (_list_forwarded_for(headers), _list_forwarded(headers))
            if hops
        }
        # Most proxies write one of the headers and pass the client's own other one on: two that
        # disagree prove nothing.
        return clients.pop() if len(clients) == 1 else peer

    def _find_last_untrusted(self, peer: Address, hops: Sequence[str]) -> Address:
        address = peer
        for hop in hops[: -_MAX_HOPS - 1 : -1]:
            parsed = _parse(hop)
            if parsed is None:
                break
            address = parsed
            if not self._is_trusted(parsed):
                break
        return address

    def _is_trusted(self, address: Address) -> bool:
        return any(address in proxy for proxy in self._proxies)


def _list_forwarded_for(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    return list(_split_values(b"x-forwarded-for", headers))


def _list_forwarded(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """Return the `for` of each element (RFC 7239, section 4); empty for one without it."""
    hops: list[str] = []
    for element in _split_values(b"forwarded", headers):
        matches = (_FORWARDED_FOR.fullmatch(pair.strip()) for pair in element.split(";"))
        hops.append(next((match[1] for match in matches if match), ""))
    return hops


def _split_values(name: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Iterator[str]:
    for header, value in headers:
        if header == name:
            yield from value.decode("latin-1").split(",")


def _parse(text: str) -> Address | None:
    """Return the address of a hop such as `192.0.2.1:80` or `[2001:db8::1]:80`."""
    text = text.strip()
    if len(text) > _MAX_HOP_LENGTH:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1024)
def find_network(address: str) -> str:
    """Return what failures of a client are counted by: its address, or its network for IPv6."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return address
