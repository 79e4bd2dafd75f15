"""A row that somebody has spoilt: it fails alone and visibly, and everything else goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.store import operators
from hogsend.store.db import Write
from hogsend.store.fields import to_id
from tests.site import FILES, Site, open_site, until
from tests.web.conftest import browser_of

PEOPLE = ("ada", "bo", "cy")
SCREENS = ("/", "/contacts", "/emails", "/events", "/inbox", "/journeys", "/journeys/welcome")


async def spoil(site: Site, table: str, column: str, value: str = '{"half') -> None:
    """Write what is no JSON into the rows of Bo."""
    ((bo,),) = await site.rows("SELECT id FROM contacts WHERE external_id = 'bo'")
    condition = {
        "contacts": "id = ?",
        "turns": "enrollment_id IN (SELECT id FROM enrollments WHERE contact_id = ?)",
    }.get(table, "contact_id = ?")
    async with site.runtime.database.transaction() as tx:
        sql = f"UPDATE {table} SET {column} = ? WHERE {condition}"  # noqa: S608
        await tx.apply([Write(sql, [(value, bo)])])


async def mails_of(site: Site, user: str) -> int:
    return await site.one("SELECT COUNT(*) FROM inbox WHERE to_email = ?", f"{user}@example.com")


async def enrollment_of(site: Site, user: str) -> tuple[UUID, str, str]:
    """Return id, state and error."""
    ((one, state, error),) = await site.rows(
        "SELECT n.id, n.state, n.error FROM enrollments n JOIN contacts c ON c.id = n.contact_id "
        "WHERE c.external_id = ?",
        user,
    )
    return to_id(one), state, error or ""


async def all_screens_open(site: Site, role: operators.Role = "owner") -> None:
    """Look at every list, and at all that there is of Bo."""
    bo = (await site.rows("SELECT id FROM contacts WHERE external_id = 'bo'"))[0][0]
    browser = await browser_of(site.app, site.runtime, role)
    pages = [*SCREENS, f"/contacts/{to_id(bo)}"]
    for table in ("enrollments", "emails", "events"):
        sql = f"SELECT id FROM {table.replace('emails', 'sends')} WHERE contact_id = ?"  # noqa: S608
        pages.extend(f"/{table}/{to_id(one)}" for (one,) in await site.rows(sql, bo))
    for page in pages:
        assert (await browser.get(page)).status_code == 200, page


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("enrollments", "wait"),
        ("enrollments", "wait_result"),
        ("turns", "steps"),
        ("events", "properties"),
        ("contacts", "properties"),
    ],
)
async def test_an_enrollment_of_a_spoilt_row_fails_alone_and_says_which(
    database_url: str, tmp_path: Path, clock: ManualClock, table: str, column: str
) -> None:
    async with open_site(tmp_path, clock, DATABASE_URL=database_url) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await site.settled(3)
        # Postgres lets nobody write half of a JSON text into a column of that type.
        await spoil(site, table, column, '["half"]' if column == "properties" else '{"half')

        clock.set(clock.now() + timedelta(days=1))
        assert site.runtime.worker is not None
        site.runtime.worker.poll()
        await site.settled(5)

        assert [await mails_of(site, user) for user in PEOPLE] == [2, 1, 2]
        enrollment_id, state, error = await enrollment_of(site, "bo")
        assert state == "failed" and f"the table {table} cannot be read" in error
        if table in ("enrollments", "turns"):
            assert str(enrollment_id) in error
        if table == "enrollments":
            assert '{"half' in error
        assert [(await enrollment_of(site, user))[1] for user in ("ada", "cy")] == ["completed"] * 2
        gauge = "SELECT value FROM counters WHERE name = 'state/welcome/failed' AND day = 0"
        assert await site.rows(gauge) == [(1,)]
        await all_screens_open(site)


async def test_a_journal_of_another_shape_fails_alone_too(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await site.settled(3)
        await spoil(site, "turns", "steps", '[{"strange": true}]')
        clock.set(clock.now() + timedelta(days=1))
        assert site.runtime.worker is not None
        site.runtime.worker.poll()
        await site.settled(5)
        assert [await mails_of(site, user) for user in PEOPLE] == [2, 1, 2]
        assert (await enrollment_of(site, "bo"))[1] == "failed"


STEPPING = """
from hogsend import Contact, Context, days, journey

@journey("stepping", trigger="step.asked", list="news")
async def stepping(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.contact(label="large")
    await ctx.step("pay", lambda: "paid")
    await ctx.sleep(days(1), label="rest")
"""


@pytest.mark.parametrize(
    "spoilt",
    [("steps", "answer", '{"half'), ("answers", "body", b"half")],
    ids=["steps", "answers"],
)
async def test_what_a_journal_keeps_apart_fails_alone_when_it_is_spoilt(
    database_url: str, tmp_path: Path, clock: ManualClock, spoilt: tuple[str, str, object]
) -> None:
    table, column, value = spoilt
    files = {**FILES, "stepping.py": STEPPING}
    async with open_site(tmp_path, clock, files=files, DATABASE_URL=database_url) as site:
        for user in PEOPLE:
            large = {"about": "x" * 4000, "name": user}
            await site.event("step.asked", user, contactProperties=large)
        await site.settled(3)
        bo = (await enrollment_of(site, "bo"))[0]
        async with site.runtime.database.transaction() as tx:
            kept = "INSERT INTO steps (enrollment_id, key, attempts, is_over) VALUES (?,?,1,?)"
            writes = [Write(kept, [(bo, "step:later", True)])] if table == "steps" else []
            spoil = f"UPDATE {table} SET {column} = ? WHERE enrollment_id = ?"  # noqa: S608
            await tx.apply([*writes, Write(spoil, [(value, bo)])])

        clock.set(clock.now() + timedelta(days=1))
        assert site.runtime.worker is not None
        site.runtime.worker.poll()

        async def over() -> bool:
            return await site.one("SELECT COUNT(*) FROM enrollments WHERE ended_at IS NULL") == 0

        await until(site.runtime.change_feed, over)
        states = [(await enrollment_of(site, user))[1] for user in PEOPLE]
        assert states == ["completed", "failed", "completed"]
        assert "cannot be read" in (await enrollment_of(site, "bo"))[2]


async def test_a_definition_that_cannot_be_read_is_told_and_hinders_nobody(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await site.event("user.created", "ada")
        async with site.runtime.database.transaction() as tx:
            await tx.apply([Write("UPDATE journeys SET definition = ?", [('{"half',)])])
        await site.runtime.refresh_rules()
        assert (await site.event("user.created", "bo"))["stored"] is True
    async with open_site(tmp_path, clock) as site:
        assert "The row welcome of the table journeys cannot be read" in caplog.text
        await site.settled(2)
        assert [await mails_of(site, user) for user in ("ada", "bo")] == [1, 1]


async def test_events_of_somebody_with_a_spoilt_enrollment_are_taken(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await spoil(site, "enrollments", "wait")
        for user in PEOPLE:
            assert (await site.event("seen", user))["stored"] is True
        assert [(await enrollment_of(site, user))[1] for user in PEOPLE] == [
            "active",
            "failed",
            "active",
        ]


async def test_a_contact_that_cannot_be_read_refuses_its_own_events_only(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await spoil(site, "contacts", "properties")
        events = [{"name": "seen", "userId": user} for user in PEOPLE]
        answer = await (await site.post("/v1/events/batch", {"events": events})).get_json()
        assert [one.get("code") for one in answer["results"]] == [None, "damaged_row", None]
        assert answer["accepted"] == 2
        await all_screens_open(site)


@pytest.mark.parametrize("column", ["props", "attempts"])
async def test_a_mail_of_a_spoilt_row_fails_alone_and_keeps_what_it_held(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, column: str
) -> None:
    async with open_site(tmp_path, clock) as site:
        worker = site.runtime.worker
        assert worker is not None
        worker.mailer.fence = "until the row is spoilt"
        for user in PEOPLE:
            await site.event("user.created", user)
        await _sends(site, 3, "queued")
        await spoil(site, "sends", column)
        await all_screens_open(site)

        worker.mailer.fence = None
        worker.mailer.poll()
        await _sends(site, 3, "failed", "sent")
        assert [await mails_of(site, user) for user in PEOPLE] == [1, 0, 1]
        ((status, reason, tries),) = await site.rows(
            "SELECT s.status, s.reason, s.attempts FROM sends s JOIN contacts c "
            "ON c.id = s.contact_id WHERE c.external_id = 'bo'"
        )
        assert status == "failed" and "the table sends cannot be read" in reason
        assert '{\\"half' in tries
        await all_screens_open(site, "viewer")


async def _sends(site: Site, count: int, *statuses: str) -> None:
    """Wait until so many mails have one of these statuses."""

    async def asked() -> bool:
        sql = "SELECT COUNT(*) FROM sends WHERE status IN ?"
        return await site.one(sql, list(statuses)) == count

    await until(site.runtime.change_feed, asked)
