"""The client's address behind proxies: only what trusted proxies say is believed."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend.web.client_address import ClientAddress, find_network

PROXIES = ("10.0.0.0/8", "127.0.0.1/32", "2001:db8:1::/48")
PEER = "10.0.0.1"


async def find_client(
    *headers: tuple[str, str], peer: str = PEER, proxies: tuple[str, ...] = PROXIES
) -> str:
    """Return the address that the application sees."""
    seen: list[str] = []

    async def site(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "client": (peer, 1234), "headers": raw}
    await ClientAddress(site, proxies)(scope, None, None)
    return seen[0]


def xff(value: str) -> tuple[str, str]:
    return ("X-Forwarded-For", value)


def forwarded(value: str) -> tuple[str, str]:
    return ("Forwarded", value)


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([xff("192.0.2.1")], "192.0.2.1"),
        ([xff("192.0.2.1:4711")], "192.0.2.1"),
        ([xff("[2001:db8::7]:4711")], "2001:db8::7"),
        ([xff("::ffff:192.0.2.1")], "192.0.2.1"),
        ([xff("6.6.6.6, 192.0.2.1")], "192.0.2.1"),
        ([xff("6.6.6.6, 192.0.2.1, 10.2.3.4, 2001:db8:1::5")], "192.0.2.1"),
        ([xff("6.6.6.6"), xff("192.0.2.1, 10.2.3.4")], "192.0.2.1"),
        ([xff("10.2.3.4, 10.2.3.5")], "10.2.3.4"),
        ([xff("192.0.2.1, nonsense, 10.2.3.4")], "10.2.3.4"),
        ([xff("nonsense")], PEER),
        ([xff("")], PEER),
        ([xff("192.0.2.1," * 2000)], PEER),
        ([xff("1" * 60_000)], PEER),
        ([xff(", ".join(["192.0.2.1", *["10.0.0.2"] * 40]))], "10.0.0.2"),
        ([forwarded("for=192.0.2.1;proto=https;by=10.0.0.1")], "192.0.2.1"),
        ([forwarded('For="[2001:db8::7]:4711"')], "2001:db8::7"),
        ([forwarded("for=6.6.6.6, for=192.0.2.1, for=10.2.3.4")], "192.0.2.1"),
        ([forwarded("for=_hidden")], PEER),
        ([forwarded("proto=https")], PEER),
        ([xff("192.0.2.1"), forwarded("for=192.0.2.1")], "192.0.2.1"),
        ([xff("192.0.2.1"), forwarded("for=6.6.6.6")], PEER),
        ([], PEER),
    ],
)
async def test_the_last_address_that_is_no_trusted_proxy_is_the_client(
    headers: list[tuple[str, str]], client: str
) -> None:
    assert await find_client(*headers) == client


async def test_nothing_is_believed_without_trusted_proxies() -> None:
    assert await find_client(xff("192.0.2.1"), proxies=()) == PEER


async def test_only_a_trusted_proxy_is_believed() -> None:
    assert await find_client(xff("192.0.2.1"), peer="198.51.100.1") == "198.51.100.1"


def test_failures_of_one_ipv6_network_are_counted_together() -> None:
    assert find_network("2001:db8:1:2:3::4") == find_network("2001:db8:1:2:ffff::") != ""
    assert find_network("2001:db8:1:3::") != find_network("2001:db8:1:2::")
    assert find_network("192.0.2.1") == "192.0.2.1" and find_network("<local>") == "<local>"
