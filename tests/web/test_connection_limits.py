"""The server keeps a limited number of connections open."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hogsend.web.connection_limits import ConnectionLimits
from tests.patience import PATIENCE
from tests.web.raw_http import parse_response, serve_raw
from tests.web.test_slow_readers import REQUEST, answer_shortly

VISITOR, OTHER = "203.0.114.5", "203.0.114.6"


def test_an_address_has_a_limited_number_of_connections() -> None:
    limits = ConnectionLimits(total=100, per_address=2)
    assert [limits.admit(VISITOR) for _ in range(2)] == [b"", b""]
    assert parse_response(limits.admit(VISITOR)).status == 429
    assert limits.admit(OTHER) == b""

    limits.release(VISITOR)
    assert limits.admit(VISITOR) == b""
    assert limits.admit(VISITOR)


def test_all_addresses_together_have_a_limited_number_of_connections() -> None:
    limits = ConnectionLimits(total=3, per_address=2)
    for address in (VISITOR, OTHER, "127.0.0.1"):
        assert limits.admit(address) == b""
    assert parse_response(limits.admit("198.51.101.1")).status == 503
    assert parse_response(limits.admit("127.0.0.1")).status == 503
    limits.release("127.0.0.1")
    assert limits.admit("198.51.101.1") == b""


@pytest.mark.parametrize(
    "proxy",
    ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "172.17.0.1", "fd00::1", "fe80::1%eth0",
     "::ffff:10.0.0.1", "198.51.101.7", "", "a socket"],
)  # fmt: skip
def test_a_proxy_has_no_limit_of_its_own(proxy: str) -> None:
    limits = ConnectionLimits(total=100, per_address=1, trusted_proxies=["198.51.101.0/24"])
    assert [limits.admit(proxy) for _ in range(100)] == [b""] * 100


def test_the_addresses_of_a_visitor_with_ipv6_count_together() -> None:
    limits = ConnectionLimits(total=100, per_address=2)
    assert limits.admit("2a00:1:2:3::1") == limits.admit("2a00:1:2:3:ffff::2") == b""
    assert limits.admit("2a00:1:2:3::3")
    assert limits.admit("2a00:1:2:4::1") == b""
    assert limits.admit("::ffff:203.0.114.5") == limits.admit(VISITOR) == b""
    assert limits.admit(VISITOR)


def test_refusals_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    limits = ConnectionLimits(total=1, per_address=1)
    limits.admit(VISITOR)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            assert limits.admit(VISITOR)
    assert len(caplog.records) == 1 and VISITOR not in caplog.text


async def test_a_connection_past_the_limit_is_refused_and_one_that_ends_makes_room() -> None:
    limits = ConnectionLimits(total=1, per_address=1)
    async with asyncio.timeout(PATIENCE), serve_raw(answer_shortly, admission=limits) as server:
        reader, writer = await server.connect()
        writer.write(REQUEST)
        await reader.readuntil(b"ok")

        assert parse_response(await server.exchange(b"")).status == 503
        assert parse_response(await server.exchange(REQUEST)).status == 503

        writer.close()
        while (await server.request("GET /")).status != 200:
            pass
