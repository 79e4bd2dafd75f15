"""Lists of contacts: every page of every filter and order, also when a page stops early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hogsend.domain.conditions import Compare, Not
from hogsend.domain.contact import Contact
from hogsend.domain.ids import IdGenerator
from hogsend.domain.property_filter import format_filter, parse_filter, parse_filters
from hogsend.errors import InvalidInput
from hogsend.services import stepwise
from hogsend.services.contact_search import ContactQuery, search_contacts
from hogsend.store import contacts
from hogsend.store.contacts import to_identities
from hogsend.store.db import Write
from hogsend.store.fields import to_micros
from tests.actors import OLGA
from tests.world import World, idle_world

__all__ = ["idle_world"]
START = datetime(2026, 1, 1, tzinfo=UTC)
VALUES: list[dict[str, Any]] = [
    {"plan": "pro", "seats": 5, "on": True, "company": {"plan": "a", "size": 10}},
    {"plan": "free", "seats": "5", "on": 1, "tags": ["red", "blue"]},
    {"plan": None, "seats": 12.5, "on": False, "company.plan": "b"},
    {"plan": "pro", "ends": "2026-03-01T10:00:00+02:00", "name": "O'Brien ümlaut"},
    {
        "seats": 1e300,
        "tags": "a red text",
        "name": '["x"]',
        "big": 9007199254740993,
        "huge": 10**30,
    },
    {"plan": {"a": 1}, "seats": [5], "on": "true", "ends": "2026-03-01T08:00:00Z"},
]
FILTERS: dict[str, set[int]] = {
    "plan=pro": {0, 3},
    "plan!=pro": {1, 5},
    "plan": {0, 1, 3, 5},
    "!plan": {2, 4},
    "seats>=5": {0, 2, 4},
    "seats=5": {0},
    'seats="5"': {1},
    "seats<12.5": {0},
    "on=true": {0},
    "on=1": {1},
    "company.plan=a": {0},
    "company.plan=b": {2},
    "company.size>9": {0},
    "tags~red": {1, 4},
    "name~'B": {3},
    "name ~ ÜMLAUT": set(),
    "ends=2026-03-01T08:00:00Z": {3, 5},
    "ends<2026-03-01T09:00:00Z": {3, 5},
    "big=9007199254740993": {4},
    "plan>o": {0, 3},
    "big<9223372036854775808": {4},
    f"big>={'9' * 400}": set(),
    # Beyond the integers of SQLite.
    f"huge={10**30}": {4},
    f"huge<={10**30 - 1}": set(),
    f"seats<{10**23}": {0, 2},
}


async def fill(world: World, count: int) -> list[Contact]:
    """Store contacts with the properties in turn; each was seen later than the one before."""
    new_id = IdGenerator()
    people = [
        Contact(
            new_id(START + timedelta(minutes=n)),
            user_id=f"u{n}" if n % 3 else None,
            # In another order than the ids, and not in that of a dictionary.
            email=f"{'zZaAäb'[n % 6]}{n}@example.com".lower() if n % 3 else None,
            anonymous_id=f"b{n}",
            properties=VALUES[n % len(VALUES)],
        )
        for n in range(count)
    ]
    # Some are seen at one instant.
    seen = [
        (
            to_micros(START + timedelta(hours=n // 4)),
            to_micros(START + timedelta(hours=-n % 7)),
            person.id,
        )
        for n, person in enumerate(people)
    ]
    async with world.database.transaction() as tx:
        names = [
            (name, person.id)
            for person in people
            for name in to_identities(person.user_id, person.email, person.anonymous_id)
        ]
        await tx.apply(
            [
                contacts.insert(people, START),
                contacts.add_identities(names),
                Write("UPDATE contacts SET last_seen_at = ?, first_seen_at = ? WHERE id = ?", seen),
            ]
        )
    return people


async def list_all(world: World, **query: Any) -> list[Any]:
    """Return the ids on all pages."""
    ids: list[Any] = []
    cursor = ""
    for _ in range(200):
        page = await search_contacts(world.runtime, OLGA, ContactQuery(cursor=cursor, **query))
        assert len(page.contacts) <= query.get("limit", 50)
        ids += [contact.id for contact in page.contacts]
        cursor = page.next_cursor
        if not cursor:
            return ids
    raise AssertionError("the pages have no end")


async def test_every_filter_and_order_lists_each_contact_once(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A page that looks at a few contacts at a time and stops at once is found again and again.
    monkeypatch.setattr(stepwise, "FIRST_STEP_ROWS", 17)
    monkeypatch.setattr(stepwise, "MAX_PAGE_SECONDS", 0)
    people = await fill(idle_world, 60)
    by_number = {person.id: number for number, person in enumerate(people)}
    for text, expected in FILTERS.items():
        ids = await list_all(idle_world, where=[text], limit=8)
        numbers = [by_number[contact_id] for contact_id in ids]
        assert sorted(numbers) == [n for n in range(60) if n % 6 in expected], text
    created = [person.id for person in people]
    seen = sorted(people, key=lambda p: (by_number[p.id] // 4, p.id))
    first = sorted(people, key=lambda p: (-by_number[p.id] % 7, p.id))
    by_email = sorted((p for p in people if p.email), key=lambda p: p.email or "")
    orders = {"created": created, "lastSeen": [p.id for p in seen]}
    orders |= {"firstSeen": [p.id for p in first], "email": [p.id for p in by_email]}
    orders |= {f"-{name}": ids[::-1] for name, ids in orders.items()}
    for sort, expected_ids in orders.items():
        assert await list_all(idle_world, sort=sort, limit=9) == expected_ids, sort
        both = await list_all(idle_world, sort=sort, where=["plan=pro", "seats"], limit=50)
        assert both == [i for i in expected_ids if by_number[i] % 6 == 0]
        matches = await list_all(idle_world, sort=sort, text=" u1\t", limit=3)
        users = {person.id: person.user_id or "" for person in people}
        assert matches == [i for i in expected_ids if users[i].startswith("u1")]
    anonymous = await list_all(idle_world, identity="anonymous", limit=9)
    assert sorted(by_number[i] for i in anonymous) == [n for n in range(60) if n % 3 == 0]
    page = await search_contacts(idle_world.runtime, OLGA, ContactQuery(offset=10, limit=2))
    assert [c.id for c in page.contacts] == orders["-lastSeen"][10:12]
    some = ContactQuery(identity="anonymous", offset=5, limit=2)
    page = await search_contacts(idle_world.runtime, OLGA, some)
    assert [c.id for c in page.contacts] == [
        i for i in orders["-lastSeen"] if by_number[i] % 3 == 0
    ][5:7]
    thorough = ContactQuery(where=["big"], limit=50, is_thorough=True)
    assert len((await search_contacts(idle_world.runtime, OLGA, thorough)).contacts) == 10


async def test_a_page_that_stops_early_says_how_far_it_looked(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepwise, "FIRST_STEP_ROWS", 8)
    monkeypatch.setattr(stepwise, "MAX_PAGE_SECONDS", 0)
    await fill(idle_world, 40)
    page = await search_contacts(idle_world.runtime, OLGA, ContactQuery(where=["nothing=1"]))
    assert (page.contacts, page.looked_until) == ([], START + timedelta(hours=8))
    assert page.next_cursor


@pytest.mark.parametrize(
    "query",
    [
        {"where": ["=5"]},
        {"where": ["a'b=1"]},
        {"where": ['a"b=1']},
        {"where": ["x?=1"]},
        {"where": ["x\x00=1"]},
        {"where": ["x" * 201]},
        {"where": ["a=1"] * 6},
        {"sort": "name"},
        {"identity": "some"},
        {"cursor": "-lastSeen.x.0"},
        {"cursor": "-lastSeen.00000000-0000-7000-8000-000000000000.x"},
        {"cursor": "-created.00000000-0000-7000-8000-000000000000.0"},
        {"cursor": f"-lastSeen.00000000-0000-7000-8000-000000000000.{1 << 70}"},
        {"cursor": "email.00000000-0000-7000-8000-000000000000.a\0b", "sort": "email"},
        {"where": ["a=1"], "offset": 3},
    ],
)
async def test_a_list_that_is_not_valid_is_refused(
    idle_world: World, query: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        await search_contacts(idle_world.runtime, OLGA, ContactQuery(**query))


def test_a_filter_is_read_as_it_is_written() -> None:
    assert parse_filter("company.plan = pro") == Compare("company.plan", "eq", "pro")
    assert parse_filter("seats>=5") == Compare("seats", "gte", 5)
    assert parse_filter("a!=b=c") == Compare("a", "neq", "b=c")
    assert parse_filter("a=[1]") == Compare("a", "eq", "[1]")
    assert parse_filter("! plan") == Not(Compare("plan", "exists"))
    assert parse_filters(["", " "]) == []
    for text in FILTERS:
        assert parse_filter(format_filter(parse_filter(text))) == parse_filter(text)
