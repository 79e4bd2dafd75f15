"""A damaged row fails alone and visibly, and everything else goes on."""

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
from tests.web.conftest import sign_in_as

PEOPLE = ("ada", "bo", "cy")
SCREENS = ("/", "/contacts", "/emails", "/events", "/inbox", "/journeys", "/journeys/welcome")


async def damage(site: Site, table: str, column: str, value: str = '{"half') -> None:
    """Write something that is not JSON into Bo's rows."""
    ((bo,),) = await site.rows("SELECT id FROM contacts WHERE external_id = 'bo'")
    condition = {
        "contacts": "id = ?",
        "turns": "enrollment_id IN (SELECT id FROM enrollments WHERE contact_id = ?)",
    }.get(table, "contact_id = ?")
    async with site.runtime.database.transaction() as tx:
        sql = f"UPDATE {table} SET {column} = ? WHERE {condition}"  # noqa: S608
        await tx.apply([Write(sql, [(value, bo)])])


async def count_mails(site: Site, user: str) -> int:
    return await site.fetch_value(
        "SELECT COUNT(*) FROM inbox WHERE to_email = ?", f"{user}@example.com"
    )


async def load_enrollment(site: Site, user: str) -> tuple[UUID, str, str]:
    """Return the id, state and error of a user's enrollment."""
    ((enrollment_id, state, error),) = await site.rows(
        "SELECT n.id, n.state, n.error FROM enrollments n JOIN contacts c ON c.id = n.contact_id "
        "WHERE c.external_id = ?",
        user,
    )
    return to_id(enrollment_id), state, error or ""


async def check_screens(site: Site, role: operators.Role = "owner") -> None:
    """Open every list, and every page about Bo."""
    bo = (await site.rows("SELECT id FROM contacts WHERE external_id = 'bo'"))[0][0]
    browser = await sign_in_as(site.app, site.runtime, role)
    pages = [*SCREENS, f"/contacts/{to_id(bo)}"]
    for table in ("enrollments", "emails", "events"):
        sql = f"SELECT id FROM {table.replace('emails', 'sends')} WHERE contact_id = ?"  # noqa: S608
        pages.extend(f"/{table}/{to_id(id)}" for (id,) in await site.rows(sql, bo))
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
async def test_an_enrollment_with_a_damaged_row_fails_alone_and_names_the_row(
    database_url: str, tmp_path: Path, clock: ManualClock, table: str, column: str
) -> None:
    async with open_site(tmp_path, clock, DATABASE_URL=database_url) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await site.wait_for_sends(3)
        # Postgres refuses invalid JSON in a column of that type.
        await damage(site, table, column, '["half"]' if column == "properties" else '{"half')

        clock.set(clock.now() + timedelta(days=1))
        assert site.runtime.worker is not None
        site.runtime.worker.poll()
        await site.wait_for_sends(5)

        assert [await count_mails(site, user) for user in PEOPLE] == [2, 1, 2]
        enrollment_id, state, error = await load_enrollment(site, "bo")
        assert state == "failed" and f"the table {table} cannot be read" in error
        if table in ("enrollments", "turns"):
            assert str(enrollment_id) in error
        if table == "enrollments":
            assert '{"half' in error
        assert [(await load_enrollment(site, user))[1] for user in ("ada", "cy")] == [
            "completed"
        ] * 2
        gauge = "SELECT value FROM counters WHERE name = 'state/welcome/failed' AND day = 0"
        assert await site.rows(gauge) == [(1,)]
        await check_screens(site)


async def test_a_journal_with_an_unknown_structure_fails_alone(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await site.wait_for_sends(3)
        await damage(site, "turns", "steps", '[{"strange": true}]')
        clock.set(clock.now() + timedelta(days=1))
        assert site.runtime.worker is not None
        site.runtime.worker.poll()
        await site.wait_for_sends(5)
        assert [await count_mails(site, user) for user in PEOPLE] == [2, 1, 2]
        assert (await load_enrollment(site, "bo"))[1] == "failed"


STEP_JOURNEY = """
from hogsend import Contact, Context, days, journey

@journey("stepping", trigger="step.started", list="news")
async def stepping(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.contact(label="large")
    await ctx.step("pay", lambda: "paid")
    await ctx.sleep(days(1), label="rest")
"""


@pytest.mark.parametrize(
    "damaged",
    [("steps", "answer", '{"half'), ("answers", "body", b"half")],
    ids=["steps", "answers"],
)
async def test_a_damaged_step_or_answer_of_a_journal_fails_alone(
    database_url: str, tmp_path: Path, clock: ManualClock, damaged: tuple[str, str, object]
) -> None:
    table, column, value = damaged
    files = {**FILES, "stepping.py": STEP_JOURNEY}
    async with open_site(tmp_path, clock, files=files, DATABASE_URL=database_url) as site:
        for user in PEOPLE:
            large = {"about": "x" * 4000, "name": user}
            await site.event("step.started", user, contactProperties=large)
        await site.wait_for_sends(3)
        bo = (await load_enrollment(site, "bo"))[0]
        async with site.runtime.database.transaction() as tx:
            sql = "INSERT INTO steps (enrollment_id, key, attempts, is_over) VALUES (?,?,1,?)"
            writes = [Write(sql, [(bo, "step:later", True)])] if table == "steps" else []
            damage = f"UPDATE {table} SET {column} = ? WHERE enrollment_id = ?"  # noqa: S608
            await tx.apply([*writes, Write(damage, [(value, bo)])])

        clock.set(clock.now() + timedelta(days=1))
        assert site.runtime.worker is not None
        site.runtime.worker.poll()

        async def is_over() -> bool:
            return (
                await site.fetch_value("SELECT COUNT(*) FROM enrollments WHERE ended_at IS NULL")
                == 0
            )

        await until(site.runtime.change_feed, is_over)
        states = [(await load_enrollment(site, user))[1] for user in PEOPLE]
        assert states == ["completed", "failed", "completed"]
        assert "cannot be read" in (await load_enrollment(site, "bo"))[2]


async def test_a_damaged_definition_of_a_journey_is_logged_and_stops_nothing(
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
        await site.wait_for_sends(2)
        assert [await count_mails(site, user) for user in ("ada", "bo")] == [1, 1]


async def test_events_of_a_contact_with_a_damaged_enrollment_are_accepted(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await damage(site, "enrollments", "wait")
        for user in PEOPLE:
            assert (await site.event("seen", user))["stored"] is True
        assert [(await load_enrollment(site, user))[1] for user in PEOPLE] == [
            "active",
            "failed",
            "active",
        ]


async def test_a_damaged_contact_refuses_only_its_own_events(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        for user in PEOPLE:
            await site.event("user.created", user)
        await damage(site, "contacts", "properties")
        events = [{"name": "seen", "userId": user} for user in PEOPLE]
        answer = await (await site.post("/v1/events/batch", {"events": events})).get_json()
        assert [result.get("code") for result in answer["results"]] == [None, "damaged_row", None]
        assert answer["accepted"] == 2
        await check_screens(site)


@pytest.mark.parametrize("column", ["props", "attempts"])
async def test_a_mail_with_a_damaged_row_fails_alone_and_keeps_its_content(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, column: str
) -> None:
    async with open_site(tmp_path, clock) as site:
        worker = site.runtime.worker
        assert worker is not None
        worker.mailer.send_hold = "until the row is damaged"
        for user in PEOPLE:
            await site.event("user.created", user)
        await _wait_for_sends(site, 3, "queued")
        await damage(site, "sends", column)
        await check_screens(site)

        worker.mailer.send_hold = None
        worker.mailer.poll()
        await _wait_for_sends(site, 3, "failed", "sent")
        assert [await count_mails(site, user) for user in PEOPLE] == [1, 0, 1]
        ((status, reason, attempts),) = await site.rows(
            "SELECT s.status, s.reason, s.attempts FROM sends s JOIN contacts c "
            "ON c.id = s.contact_id WHERE c.external_id = 'bo'"
        )
        assert status == "failed" and "the table sends cannot be read" in reason
        assert '{\\"half' in attempts
        await check_screens(site, "viewer")


async def _wait_for_sends(site: Site, count: int, *statuses: str) -> None:
    """Wait until so many mails have one of these statuses."""

    async def is_reached() -> bool:
        sql = "SELECT COUNT(*) FROM sends WHERE status IN ?"
        return await site.fetch_value(sql, list(statuses)) == count

    await until(site.runtime.change_feed, is_reached)
