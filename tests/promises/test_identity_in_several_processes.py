"""Two servers on one database identify the same people at the same time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patience import PATIENCE
from tests.processes import Program, program

PEOPLE = 8
PROPERTIES = tuple("abcdefghij")


def list_calls(name: str) -> list[dict[str, Any]]:
    """Return what a product says about a person, in any order."""
    user, email = {"userId": name}, {"email": f"{name}@example.com"}
    phone, laptop = {"anonymousId": f"{name}-phone"}, {"anonymousId": f"{name}-laptop"}
    return [
        {**email, **phone, "contactProperties": {"a": 1}, "lists": {"tips": True}},
        {**user, **phone, "contactProperties": {"b": 2}},
        {**email, **laptop, "contactProperties": {"c": 3}, "lists": {"news": False}},
        {**user, **laptop, "contactProperties": {"d": 4}},
        {**user, **email, "contactProperties": {"e": 5}, "lists": {"bills": True}},
        *({**user, "contactProperties": {name: n}} for n, name in enumerate("fgh", 6)),
        *({**email, "contactProperties": {name: n}} for n, name in enumerate("ij", 9)),
    ]


class Caller:
    """Calls two servers in turn.

    Args:
        client: sends the requests.
        servers: the servers.
    """

    def __init__(self, client: httpx.AsyncClient, servers: Sequence[Program]) -> None:
        self._client = client
        self._servers = servers

    async def send(self, number: int, call: dict[str, Any]) -> None:
        answer = await self._servers[number % 2].post(self._client, {"name": "seen", **call})
        assert answer.status_code == 202, answer.text

    async def describe(self, name: str) -> Any:
        """Return what is known of a person, by each of the names; there must be one contact."""
        get = self._servers[0].get
        answer = await get(
            self._client, "/v1/contacts/find", userId=name, email=f"{name}@example.com"
        )
        (contact,) = answer["contacts"]
        assert contact["externalId"] == name and contact["email"] == f"{name}@example.com"
        preferences = await get(self._client, "/v1/lists/preferences", userId=name)
        devices = [{"anonymousId": f"{name}-{device}"} for device in ("phone", "laptop")]
        known = [
            await get(self._client, "/v1/contacts/me", **query)
            for query in ({"userId": name}, *devices)
        ]
        assert known[0] == known[1] == known[2]
        return contact["properties"], known[0]["traits"], preferences


@pytest.fixture
async def servers(tmp_path: Path, database_url: str) -> AsyncIterator[Sequence[Program]]:
    """Two servers without a worker, as if behind one balancer."""
    settings: dict[str, Any] = {
        "DATABASE_URL": database_url,
        "SECRET": "s" * 43,
        "PUBLIC_PROPERTIES": ",".join(PROPERTIES),
    }
    async with AsyncExitStack() as stack:
        opened: list[Program] = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            opened.append(await stack.enter_async_context(program(tmp_path / name, **settings)))
        await asyncio.gather(
            *(server.start("--bind", server.settings["BIND"]) for server in opened)
        )
        yield opened


async def test_identities_that_two_processes_learn_at_once_are_as_from_one(
    servers: Sequence[Program],
) -> None:
    chance = random.Random(20260302)  # noqa: S311 - a seed makes the order repeatable
    names = [f"p{number}" for number in range(PEOPLE)]
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        caller = Caller(client, servers)
        shuffled = [chance.sample(calls, len(calls)) for calls in map(list_calls, names)]
        # In each round, both servers learn something about everybody.
        for pair in range(0, len(shuffled[0]), 2):
            calls = [calls[pair + server] for calls in shuffled for server in (0, 1)]
            await asyncio.gather(*(caller.send(number, call) for number, call in enumerate(calls)))
        for call in list_calls("alone"):
            await caller.send(0, call)
        expected = await caller.describe("alone")
        assert expected[0] == expected[1] == dict(zip(PROPERTIES, range(1, 11), strict=True))
        assert expected[2]["categories"] == {"tips": True, "news": False, "bills": True}
        known = await asyncio.gather(*map(caller.describe, names))
        assert known == [expected] * PEOPLE
