"""A key is activated only when the DNS publishes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncresolver
import pytest

from hogsend.clock import ManualClock
from hogsend.errors import Conflict
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.dkim import activate_dkim_key, create_dkim_key, list_signing_keys
from tests.doubles.dns_server import dns_server
from tests.site import Site, open_site


@pytest.fixture
async def site(tmp_path: Path, clock: ManualClock, sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(tmp_path, clock, with_worker=False, DATABASE_URL=sqlite_url) as site:
        yield site


async def test_a_key_signs_only_when_its_record_is_published(site: Site) -> None:
    key = await create_dkim_key(site.runtime, COMMAND_LINE, "example.org", algorithm="ed25519")
    zone: dict[tuple[str, str], list[str]] = {(key.record.name, "TXT"): ['"v=DKIM1; p=other"']}

    with dns_server(zone) as server:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = server.nameservers, server.port

        async def activate() -> None:
            await activate_dkim_key(
                site.runtime, COMMAND_LINE, "example.org", key.selector, resolver=resolver
            )

        with pytest.raises(Conflict, match="does not have the record"):
            await activate()
        zone[key.record.name, "TXT"] = [" ".join(f'"{text}"' for text in key.record.strings)]
        await activate()

    active = await list_signing_keys(site.runtime, COMMAND_LINE, "news.example.org")
    assert [signing.record for signing in active] == [key.record]
    assert await list_signing_keys(site.runtime, COMMAND_LINE, "example.net") == []
