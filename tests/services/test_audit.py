"""Every change that a service makes has its entry in the audit log, in the same transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.errors import Conflict
from hogsend.services import (
    bulk_actions,
    consent,
    contacts,
    enrollment_actions,
    enrollments,
    events,
    inbox,
    journeys,
    keys,
    operators,
    send_hold,
    sessions,
)
from hogsend.services.actor import HATCHET, Actor
from hogsend.services.audit import apply_audited, list_entries
from hogsend.store import consents
from hogsend.store import inbox as captured_mails
from hogsend.store import operators as stored_operators
from hogsend.store.db import Write
from hogsend.store.inbox import CapturedMail, InboxEntry
from tests.actors import OLGA, operator_named
from tests.site import Site, open_site

OWNER = operator_named("owner@example.com", "owner")
Entry = tuple[str, str, str, Any, Any]


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation in which Ada is in a journey."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        await opened.event("user.created")
        yield opened


async def entries(site: Site) -> list[Entry]:
    """Return the audit log, oldest first."""
    newest = await list_entries(site.runtime, OWNER, 100)
    return [
        (entry.who, entry.action, entry.subject, entry.before, entry.after)
        for entry in reversed(newest)
    ]


async def suppress_and_capture(site: Site) -> None:
    """Suppress Ada's address, and put a mail into the inbox."""
    now = site.clock.now()
    mail = InboxEntry(new_id(now), "ada@example.com", "news@example.com", "Hello", now)
    async with site.runtime.database.transaction() as tx:
        await tx.apply(
            [
                captured_mails.capture([CapturedMail(mail, b"Hello")]),
                consents.suppress([("ada@example.com", "bounced", None)], now),
            ]
        )


async def change_everything(site: Site, actor: Actor) -> list[Entry]:
    """Make one change of each kind; return the entries that are expected."""
    runtime, who = site.runtime, actor.name
    ada = (await site.contact()).id
    (enrollment,) = await enrollments.list_enrollments(runtime, actor, "welcome", limit=1)
    path = f"/enrollments/{enrollment.enrollment.id}"
    await suppress_and_capture(site)
    await consent.change_consent(runtime, actor, ada, "tips", subscribed=True)
    await consent.change_consent(runtime, actor, ada, "*", subscribed=False)
    await contacts.unsuppress_address(runtime, actor, ada)
    await journeys.set_enabled(runtime, actor, "welcome", enabled=False)
    await journeys.set_enabled(runtime, actor, "welcome", enabled=True)
    await inbox.clear_inbox(runtime, actor)
    await enrollment_actions.run_action(runtime, actor, "wake", enrollment.enrollment.id)
    await enrollment_actions.run_action(
        runtime, actor, "exit", enrollment.enrollment.id, note="moved"
    )
    decision = await journeys.enroll_contact(
        runtime, actor, "welcome", user_id="bo", properties={"plan": "pro"}
    )
    event = await events.send_test_event(runtime, actor, "seen", user_id="bo", properties={"n": 1})
    return [
        (who, "subscribe", f"/contacts/{ada}", None, {"list": "tips", "subscribed": True}),
        (who, "unsubscribe", f"/contacts/{ada}", None, {"list": "*", "subscribed": False}),
        (who, "unsuppress", f"/contacts/{ada}", {"address": "ada@example.com"}, None),
        (who, "disable", "/journeys/welcome", {"enabled": True}, {"enabled": False}),
        (who, "enable", "/journeys/welcome", {"enabled": False}, {"enabled": True}),
        (who, "clear", "/inbox", None, None),
        (who, "wake", path, None, None),
        (who, "exit", path, None, {"reason": f"by {who}: moved"}),
        (who, "enroll", f"/enrollments/{decision.enrollment_id}", None, {"person": "bo"}),
        (who, "fire event", f"/events/{event.event_id}", None, {"name": "seen"}),
    ]


async def test_each_change_is_recorded_with_its_actor(site: Site) -> None:
    assert await change_everything(site, OLGA) == await entries(site)


async def test_keys_are_recorded_without_their_text(site: Site) -> None:
    key, text = await keys.create_key(site.runtime, OWNER, name="backend", scopes=["ingest"])
    await keys.revoke_key(site.runtime, OWNER, key.id)
    after = {"id": str(key.id), "name": "backend", "scopes": ["ingest"]}
    recorded = await entries(site)
    assert recorded == [
        ("owner@example.com", "create key", f"key {key.prefix}", None, after),
        ("owner@example.com", "revoke key", f"key {key.prefix}", None, None),
    ]
    assert text not in str(recorded)


async def test_a_cancelled_hatchet_run_is_recorded_as_hatchet(site: Site) -> None:
    (enrollment,) = await enrollments.list_enrollments(site.runtime, OLGA, "welcome", limit=1)
    enrollment_id = enrollment.enrollment.id
    note = "cancelled_in_hatchet"
    await enrollment_actions.run_action(site.runtime, HATCHET, "exit", enrollment_id, note=note)
    after = {"reason": "by hatchet: cancelled_in_hatchet"}
    assert await entries(site) == [
        ("hatchet", "exit", f"/enrollments/{enrollment_id}", None, after)
    ]


async def refused_action(site: Site) -> None:
    (enrollment,) = await enrollments.list_enrollments(site.runtime, OLGA, "welcome", limit=1)
    await enrollment_actions.run_action(site.runtime, OLGA, "retry", enrollment.enrollment.id)


async def replay_without_code(site: Site) -> None:
    await bulk_actions.replay_missed_triggers(site.runtime, OLGA, "lost")


@pytest.mark.parametrize("change", [refused_action, replay_without_code])
async def test_a_refused_change_leaves_no_entry(
    site: Site, change: Callable[[Site], Awaitable[None]]
) -> None:
    with pytest.raises(Conflict):
        await change(site)
    assert await entries(site) == []


# A row in the audit log breaks a foreign key, which the database notices at the commit.
_REFUSE_AT_COMMIT = {
    "sqlite": (
        "CREATE TABLE allowed (id INTEGER PRIMARY KEY)",
        "CREATE TABLE checked (id INTEGER REFERENCES allowed (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER refuse AFTER INSERT ON audit BEGIN INSERT INTO checked VALUES (1); END",
    ),
    "postgres": (
        "CREATE TABLE allowed (id INTEGER PRIMARY KEY)",
        "CREATE TABLE checked (id INTEGER REFERENCES allowed (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO checked VALUES (1); RETURN NEW; END $$",
        "CREATE TRIGGER refuse AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
}
_CHANGED_TABLES = ("events", "contacts", "consents", "enrollments", "refusals", "audit")


async def count_rows(site: Site) -> dict[str, int]:
    """Return how many rows each table has that these changes write to."""
    return {
        table: await site.fetch_value(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        for table in _CHANGED_TABLES
    }


async def change_consent(site: Site) -> None:
    ada = (await site.contact()).id
    await consent.change_consent(site.runtime, OLGA, ada, "tips", subscribed=True)


async def send_test_event(site: Site) -> None:
    await events.send_test_event(site.runtime, OLGA, "seen", user_id="bo", properties={})


async def enroll_by_hand(site: Site) -> None:
    await journeys.enroll_contact(site.runtime, OLGA, "welcome", user_id="bo", properties={})


@pytest.mark.parametrize("change", [change_consent, send_test_event, enroll_by_hand])
async def test_an_event_and_its_audit_entry_commit_together(
    database_url: str,
    tmp_path: Path,
    clock: ManualClock,
    change: Callable[[Site], Awaitable[None]],
) -> None:
    async with open_site(tmp_path, clock, with_worker=False, DATABASE_URL=database_url) as site:
        await site.event("user.created")
        rows_before = await count_rows(site)
        kind = "sqlite" if site.runtime.database.is_sqlite else "postgres"
        async with site.runtime.database.transaction() as tx:
            await tx.apply([Write(statement) for statement in _REFUSE_AT_COMMIT[kind]])
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            await change(site)
        assert await count_rows(site) == rows_before

        async with site.runtime.database.transaction() as tx:
            drop = "DROP TRIGGER refuse" if kind == "sqlite" else "DROP TRIGGER refuse ON audit"
            await tx.apply([Write(drop)])
        await change(site)
        rows_after = await count_rows(site)
        assert rows_after["audit"] == rows_before["audit"] + 1
        assert rows_after["events"] == rows_before["events"] + 1


async def unsuppress(site: Site) -> None:
    await contacts.unsuppress_address(site.runtime, OLGA, (await site.contact()).id)


async def disable_journey(site: Site) -> None:
    await journeys.set_enabled(site.runtime, OLGA, "welcome", enabled=False)


async def clear_inbox(site: Site) -> None:
    await inbox.clear_inbox(site.runtime, OLGA)


async def exit_enrollment(site: Site) -> None:
    (enrollment,) = await enrollments.list_enrollments(site.runtime, OLGA, "welcome", limit=1)
    await enrollment_actions.run_action(site.runtime, OLGA, "exit", enrollment.enrollment.id)


async def exit_all(site: Site) -> None:
    await bulk_actions.run_action_on_all(site.runtime, OLGA, "exit", "welcome", "active")


async def create_key(site: Site) -> None:
    await keys.create_key(site.runtime, OWNER, name="backend", scopes=["ingest"])


async def register_key(site: Site) -> None:
    await keys.register_key(site.runtime, OWNER, name="known", text=keys.generate_text())


async def revoke_key(site: Site) -> None:
    (key,) = await keys.list_keys(site.runtime, OWNER)
    await keys.revoke_key(site.runtime, OWNER, key.id)


async def add_operator(site: Site) -> None:
    await operators.add_operator(site.runtime, OWNER, "new@example.com", "viewer")


async def reset_operator(site: Site) -> None:
    await operators.reset_operator(site.runtime, OWNER, "olga@example.com")


async def create_sign_in_link(site: Site) -> None:
    await operators.create_sign_in_link(site.runtime, OWNER, "viewer")


async def resume_sending(site: Site) -> None:
    await send_hold.resume_sending(site.runtime, OWNER)


OTHER_CHANGES = [
    unsuppress,
    disable_journey,
    clear_inbox,
    exit_enrollment,
    exit_all,
    create_key,
    register_key,
    revoke_key,
    add_operator,
    reset_operator,
    create_sign_in_link,
    resume_sending,
]


async def dump(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table."""
    tables = await site.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return {table: await site.rows(f"SELECT * FROM {table}") for (table,) in tables}  # noqa: S608


@pytest.mark.parametrize("change", OTHER_CHANGES)
async def test_a_change_whose_entry_cannot_be_written_is_rolled_back(
    site: Site, change: Callable[[Site], Awaitable[None]]
) -> None:
    now = site.clock.now()
    await suppress_and_capture(site)
    async with site.runtime.database.transaction() as tx:
        await stored_operators.add(tx, "olga@example.com", "operator", now)
        await tx.apply(
            [
                Write("INSERT INTO meta (key, value) VALUES ('fence', 'restored copy')"),
                *[Write(statement) for statement in _REFUSE_AT_COMMIT["sqlite"]],
            ]
        )
    rows_before = await dump(site)

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await change(site)
    assert await dump(site) == rows_before

    async with site.runtime.database.transaction() as tx:
        await tx.apply([Write("DROP TRIGGER refuse")])
    await change(site)
    rows_after = await dump(site)
    changed = {table for table, rows in rows_before.items() if rows_after[table] != rows}
    assert len(rows_after["audit"]) == 1
    assert len(changed) > 1


async def test_a_change_that_changes_nothing_leaves_no_entry(site: Site) -> None:
    runtime, ada = site.runtime, (await site.contact()).id
    await suppress_and_capture(site)
    key, _ = await keys.create_key(runtime, OWNER, name="backend", scopes=["ingest"])
    for expected in (6, 6):
        await consent.change_consent(runtime, OLGA, ada, "tips", subscribed=True)
        await contacts.unsuppress_address(runtime, OLGA, ada)
        await journeys.set_enabled(runtime, OLGA, "welcome", enabled=False)
        await inbox.clear_inbox(runtime, OLGA)
        await keys.revoke_key(runtime, OWNER, key.id)
        await send_hold.resume_sending(runtime, OWNER)
        assert len(await entries(site)) == expected
    assert await site.fetch_value("SELECT COUNT(*) FROM events WHERE source = 'dashboard'") == 1


async def test_an_operator_who_is_new_by_a_link_is_in_the_log(site: Site) -> None:
    now, database = site.clock.now(), site.runtime.database
    for email in ("first@example.com", "first@example.com"):
        token = await stored_operators.create_link(database, now)
        await sessions.use_sign_in_link(
            site.runtime, token, email=email, password="correct horse battery"
        )
    after = {"role": "owner", "by": "sign-in link"}
    assert await entries(site) == [
        ("first@example.com", "add operator", "first@example.com", None, after)
    ]


async def test_a_contact_who_is_refused_leaves_no_entry(site: Site) -> None:
    decision = await journeys.enroll_contact(
        site.runtime, OLGA, "welcome", user_id="ada", properties={}
    )
    assert decision.reason == "already_live"
    assert await entries(site) == []


async def test_a_change_that_cannot_be_written_leaves_no_entry(site: Site) -> None:
    broken = Write("INSERT INTO no_such_table (id) VALUES (?)", [(1,)])
    with pytest.raises(Exception, match="no_such_table"):
        await apply_audited(site.runtime, OLGA, [broken], "test", "/")
    assert await entries(site) == []
