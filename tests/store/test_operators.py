"""Operators come in by a one-time link or their password, and sessions end when they should."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.errors import Conflict, InvalidInput, NotFound, Overloaded, Unauthorized
from hogsend.store import operators, passwords, sessions
from hogsend.store.db import Database, Query, Write
from tests.patience import PATIENCE

PASSWORD = "correct horse battery"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with argon2's least cost: what is tested is not how long it takes."""
    from argon2 import PasswordHasher

    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_create_hasher", lambda: quick)
    passwords._compute_placeholder_hash.cache_clear()


async def test_the_first_operator_comes_in_by_a_link_and_then_by_password(
    database: Database, clock: ManualClock
) -> None:
    assert not await operators.has_operators(database)
    token = await operators.create_link(database, clock.now())

    ada = await operators.use_link(
        database, token, clock.now(), email=" Ada@Example.com ", password=PASSWORD
    )

    assert (ada.email, ada.role, ada.has_password) == ("ada@example.com", "owner", True)
    assert await operators.has_operators(database)
    assert await operators.authenticate(database, "ADA@example.com", PASSWORD) == ada


async def test_a_link_works_once_also_at_the_same_moment(
    database: Database, clock: ManualClock
) -> None:
    token = await operators.create_link(database, clock.now())

    outcomes = await asyncio.gather(
        *(
            operators.use_link(
                database, token, clock.now(), email=f"{name}@example.com", password=PASSWORD
            )
            for name in ("ada", "bob", "cy")
        ),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Operator",
        "Unauthorized",
        "Unauthorized",
    ]
    assert len(await operators.list_operators(database)) == 1
    assert await operators.find_link(database, token, clock.now()) is None


async def test_looking_at_a_link_does_not_use_it(database: Database, clock: ManualClock) -> None:
    token = await operators.create_link(database, clock.now(), email="ada@example.com")

    for _ in range(2):
        link = await operators.find_link(database, token, clock.now())
        assert link is not None and link.email == "ada@example.com"


async def test_a_link_is_over_after_a_day(database: Database, clock: ManualClock) -> None:
    token = await operators.create_link(database, clock.now())

    assert await operators.find_link(database, token, clock.now() + DAY) is None
    with pytest.raises(Unauthorized, match="hogsend operators link"):
        await operators.use_link(
            database, token, clock.now() + DAY, email="ada@example.com", password=PASSWORD
        )


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.com", "short"), ("no address", PASSWORD), ("", PASSWORD), ("a\x00@b", PASSWORD)],
)
async def test_a_bad_answer_leaves_the_link_usable(
    database: Database, clock: ManualClock, email: str, password: str
) -> None:
    token = await operators.create_link(database, clock.now())

    with pytest.raises(InvalidInput):
        await operators.use_link(database, token, clock.now(), email=email, password=password)

    assert await operators.find_link(database, token, clock.now()) is not None
    assert not await operators.has_operators(database)


async def test_a_link_for_one_person_lets_no_other_in(
    database: Database, clock: ManualClock
) -> None:
    token = await operators.create_link(database, clock.now(), email="ada@example.com")

    with pytest.raises(Unauthorized):
        await operators.use_link(
            database, token, clock.now(), email="eve@example.com", password=PASSWORD
        )

    assert not await operators.has_operators(database)


async def test_only_the_digest_of_a_link_is_kept(database: Database, clock: ManualClock) -> None:
    token = await operators.create_link(database, clock.now())

    rows = await database.read_one(Query("SELECT * FROM sign_in_links", [], list))

    assert token not in str([tuple(row) for row in rows])


async def test_an_address_is_one_operator(database: Database, clock: ManualClock) -> None:
    await operators.add(database, "ada@example.com", "operator", clock.now())

    with pytest.raises(Conflict, match="operators reset"):
        await operators.add(database, "ADA@example.com", "viewer", clock.now())

    (ada,) = await operators.list_operators(database)
    assert (ada.role, ada.has_password) == ("operator", False)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "wrong password"),
        ("eve@example.com", PASSWORD),
        ("ada@example.com", ""),
        ("ada@example.com", "\ud800" * 10),
        ("ada@example.com", "x" * 100_000),
        ("\x00", PASSWORD),
        ("\ud800@example.com", PASSWORD),
    ],
)
async def test_a_wrong_password_or_address_does_not_sign_in(
    database: Database, clock: ManualClock, email: str, password: str
) -> None:
    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    await operators.set_password(database, ada.id, PASSWORD)

    assert await operators.authenticate(database, email, password) is None


async def test_an_operator_without_a_password_signs_in_by_link_only(
    database: Database, clock: ManualClock
) -> None:
    await operators.add(database, "ada@example.com", "owner", clock.now())

    assert await operators.authenticate(database, "ada@example.com", "") is None
    assert await operators.authenticate(database, "ada@example.com", PASSWORD) is None


async def test_a_reset_ends_password_and_sessions_and_gives_a_link(
    database: Database, clock: ManualClock
) -> None:
    ada = await operators.add(database, "ada@example.com", "viewer", clock.now())
    await operators.set_password(database, ada.id, PASSWORD)
    cookie = await sessions.start(database, ada.id, clock.now())

    token = await operators.reset_password(database, "Ada@example.com", clock.now())

    assert await operators.authenticate(database, "ada@example.com", PASSWORD) is None
    assert await sessions.find(database, cookie, clock.now()) is None
    again = await operators.use_link(database, token, clock.now(), password="another long one")
    assert (again.id, again.role) == (ada.id, "viewer")


async def test_a_password_set_by_any_link_ends_the_other_sessions(
    database: Database, clock: ManualClock
) -> None:
    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    bob = await operators.add(database, "bob@example.com", "owner", clock.now())
    own_cookie, other_cookie = [
        await sessions.start(database, who.id, clock.now()) for who in (ada, bob)
    ]
    for email in ("ada@example.com", None):
        token = await operators.create_link(database, clock.now(), email=email)
        await operators.use_link(
            database, token, clock.now(), email="ada@example.com", password=PASSWORD
        )
        assert await sessions.find(database, own_cookie, clock.now()) is None
        own_cookie = await sessions.start(database, ada.id, clock.now())
    assert await sessions.find(database, other_cookie, clock.now()) is not None


async def test_unused_first_links_end_with_the_first_owner(
    database: Database, clock: ManualClock
) -> None:
    first, second = [await operators.create_link(database, clock.now()) for _ in range(2)]
    personal = await operators.create_link(database, clock.now(), email="bob@example.com")
    await operators.use_link(
        database, second, clock.now(), email="ada@example.com", password=PASSWORD
    )
    assert await operators.find_link(database, first, clock.now()) is None
    assert await operators.find_link(database, personal, clock.now()) is not None
    # An owner who makes one later means it.
    later = await operators.create_link(database, clock.now())
    await operators.add(database, "eve@example.com", "owner", clock.now())
    assert await operators.find_link(database, later, clock.now()) is not None


async def test_of_first_links_that_are_used_at_the_same_moment_only_one_makes_an_owner(
    database: Database, clock: ManualClock
) -> None:
    # On Postgres, a transaction that has locked one link must not wait for another one's.
    for number in range(5):
        now = clock.now() + timedelta(seconds=number)
        tokens = [await operators.create_link(database, now) for _ in range(4)]
        results = await asyncio.gather(
            *(
                operators.use_link(
                    database,
                    token,
                    now - timedelta(milliseconds=position),
                    email=f"owner{position}@example.com",
                    password=PASSWORD,
                )
                for position, token in enumerate(tokens)
            ),
            return_exceptions=True,
        )
        assert len(await operators.list_operators(database)) == 1
        refused = [result for result in results if isinstance(result, BaseException)]
        assert len(refused) == 3 and all(isinstance(error, Unauthorized) for error in refused)
        async with database.transaction() as tx:
            await tx.apply([Write("DELETE FROM operators")])


async def test_first_links_end_when_the_first_owner_is_added_by_command(
    database: Database, clock: ManualClock
) -> None:
    token = await operators.create_link(database, clock.now())
    await operators.add(database, "bob@example.com", "viewer", clock.now())
    assert await operators.find_link(database, token, clock.now()) is not None
    await operators.add(database, "ada@example.com", "owner", clock.now())
    assert await operators.find_link(database, token, clock.now()) is None


@pytest.mark.parametrize(
    "password", [" " * 10, " " * 40, "a" * 10, "  short    ", "\u00a0" * 12, "\t" * 12, "x" * 1025]
)
async def test_a_trivial_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput):
        await passwords.compute_hash(password)


async def test_a_password_from_before_todays_rules_still_signs_in(
    database: Database, clock: ManualClock
) -> None:
    from argon2 import PasswordHasher

    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    outdated = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(" " * 10)
    async with database.transaction() as transaction:
        await operators._set_hash(transaction, ada.id, outdated)
    assert await operators.authenticate(database, "ada@example.com", " " * 10) is not None


async def test_two_hashes_are_computed_at_once_and_few_wait() -> None:
    running, most = 0, 0
    lock, release = threading.Lock(), threading.Event()

    def compute() -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        release.wait(PATIENCE)
        with lock:
            running -= 1
        return True

    waiting = [asyncio.create_task(passwords._run(compute)) for _ in range(10)]
    async with asyncio.timeout(PATIENCE):
        while most < 2:  # noqa: ASYNC110 - threads cannot notify the loop
            await asyncio.sleep(0.01)
    with pytest.raises(Overloaded, match="Too many people"):
        await passwords._run(compute)
    release.set()
    assert await asyncio.gather(*waiting) == [True] * 10 and most == 2
    assert await passwords._run(compute)


@pytest.mark.parametrize("memory_error", ["of Python", "hashing", "verification"])
async def test_too_little_memory_is_not_a_wrong_password(
    database: Database,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    memory_error: str,
) -> None:
    from argon2 import exceptions

    kind = {"hashing": exceptions.HashingError, "verification": exceptions.VerificationError}.get(
        memory_error, MemoryError
    )
    error = kind("Memory allocation error")

    class NoMemory:
        def verify(self, *_: Any) -> bool:
            raise error

        hash = check_needs_rehash = verify

    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    await operators.set_password(database, ada.id, PASSWORD)
    monkeypatch.setattr(passwords, "_create_hasher", NoMemory)
    for password in (PASSWORD, "a wrong password"):
        with pytest.raises(Overloaded, match="lacks memory"):
            await operators.authenticate(database, "ada@example.com", password)
    assert "argon2 cannot compute" in caplog.text


async def test_resetting_an_unknown_operator_is_an_error(
    database: Database, clock: ManualClock
) -> None:
    with pytest.raises(NotFound, match="operators list"):
        await operators.reset_password(database, "eve@example.com", clock.now())


async def test_a_session_ends_when_idle_or_after_thirty_days(
    database: Database, clock: ManualClock
) -> None:
    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    start = clock.now()
    cookie = await sessions.start(database, ada.id, start)
    assert await sessions.find(database, cookie, start + 7 * DAY) is None

    for day in range(6, 30, 6):
        session = await sessions.find(database, cookie, start + day * DAY)
        assert session is not None and session.operator == ada
        await sessions.touch(database, session, start + day * DAY)

    assert await sessions.find(database, cookie, start + 29 * DAY) is not None
    assert await sessions.find(database, cookie, start + 30 * DAY) is None


async def test_a_session_can_be_ended_alone_or_with_all_others(
    database: Database, clock: ManualClock
) -> None:
    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    bob = await operators.add(database, "bob@example.com", "owner", clock.now())
    first, second, third = [await sessions.start(database, ada.id, clock.now()) for _ in range(3)]
    others = await sessions.start(database, bob.id, clock.now())

    await sessions.end(database, first, clock.now())
    alive = [await sessions.find(database, c, clock.now()) for c in (first, second, third)]
    assert [session is not None for session in alive] == [False, True, True]

    await sessions.end_all(database, ada.id, clock.now())
    alive = [await sessions.find(database, c, clock.now()) for c in (second, third, others)]
    assert [session is not None for session in alive] == [False, False, True]


async def test_a_disabled_operator_is_out_at_once(database: Database, clock: ManualClock) -> None:
    ada = await operators.add(database, "ada@example.com", "owner", clock.now())
    await operators.set_password(database, ada.id, PASSWORD)
    cookie = await sessions.start(database, ada.id, clock.now())
    token = await operators.create_link(database, clock.now(), email="ada@example.com")

    async with database.transaction() as transaction:
        await transaction.apply(
            [Write("UPDATE operators SET disabled_at = ? WHERE id = ?", [(1, ada.id)])]
        )

    assert await sessions.find(database, cookie, clock.now()) is None
    assert await operators.authenticate(database, "ada@example.com", PASSWORD) is None
    with pytest.raises(Unauthorized):
        await operators.use_link(database, token, clock.now())


async def test_an_unknown_cookie_is_no_session(database: Database, clock: ManualClock) -> None:
    for cookie in ("", "wrong", "\x00", "\ud800"):
        assert await sessions.find(database, cookie, clock.now()) is None
