"""A contact's timeline: every kind of entry, in order, page by page, across merges."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hogsend.errors import InvalidInput
from hogsend.services.contact_timeline import KINDS, EntryKind, list_timeline
from hogsend.services.contacts import suppress_address
from hogsend.services.merging import unmerge_contact
from hogsend.store.db import Write
from tests.actors import OLGA, operator_named
from tests.world import World, world

__all__ = ["world"]
JOURNEY = """
    @journey("hello", trigger="go")
    async def hello(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(1))
"""


async def test_a_timeline_has_every_kind_of_entry_once_on_whatever_pages(world: World) -> None:
    await world.define(JOURNEY)
    visitor = await world.submit("go", email="ada@example.com", lists={"journey": True})
    await world.settle()
    await world.submit("go", email="ada@example.com", properties={"n": 1})
    await world.advance(timedelta(days=2))
    await world.submit("hi", user_id="ada")
    await world.submit("hi", user_id="ada", email="ada@example.com")
    ada = await world.contact()
    (send, *_) = await world.sends()
    async with world.database.transaction() as tx:
        hit = (send.id, send.id, "click", 0, None, "human", "x", "y", 5)
        await tx.apply(
            [
                Write(
                    "INSERT INTO hits (id, send_id, kind, position, url, verdict, agent, network,"
                    " at) VALUES (?,?,?,?,?,?,?,?,?)",
                    [hit],
                )
            ]
        )
    await suppress_address(world.runtime, OLGA, ada.id)

    async def read(limit: int, *kinds: EntryKind) -> list[tuple[str, str]]:
        entries: list[tuple[str, str]] = []
        cursor = ""
        while True:
            page = await list_timeline(
                world.runtime, OLGA, ada.id, kinds=kinds or KINDS, limit=limit, cursor=cursor
            )
            assert len(page.items) <= limit
            instants = [item.at for item in page.items]
            assert instants == sorted(instants, reverse=True)
            entries += [(item.kind, item.key) for item in page.items]
            if not (cursor := page.next_cursor):
                return entries

    everything = await read(100)
    assert {kind for kind, _ in everything} == set(KINDS)
    for limit in (1, 3):
        assert await read(limit) == everything
    assert await read(2, "event") == [entry for entry in everything if entry[0] == "event"]
    # The two triggers, two visits and the suppression.
    assert len(await read(9, "event")) == 5
    # What the visitor did is theirs again, once the merge is undone.
    assert visitor.contact_id is not None
    await unmerge_contact(world.runtime, OLGA, visitor.contact_id)
    assert {kind for kind, _ in await read(100)} == {"event", "merge"}


@pytest.mark.parametrize(
    "cursor", ["x", "1.event.x", "1.nothing.1", "1.steps.x", f"{1 << 70}.steps.1"]
)
async def test_a_cursor_of_another_list_is_refused(world: World, cursor: str) -> None:
    await world.submit("hi", user_id="ada")
    ada = await world.contact()
    with pytest.raises(InvalidInput):
        await list_timeline(world.runtime, OLGA, ada.id, limit=5, cursor=cursor)


async def test_viewers_see_no_tokens_in_links(world: World) -> None:
    url = "https://shop.example/login?token=secret"
    await world.submit("hi", user_id="ada", properties={"url": url})
    ada = await world.contact()
    viewer = operator_named("v", "viewer")
    page = await list_timeline(world.runtime, viewer, ada.id, limit=5)
    assert "secret" not in str(page.items)
