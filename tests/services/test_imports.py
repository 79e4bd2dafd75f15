"""Contacts are imported as facts without events, once each, and exported without loss."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest

from hogsend import days
from hogsend.domain.import_job import ImportJob
from hogsend.errors import Conflict, InvalidInput, NotFound
from hogsend.process.import_runner import ImportRunner
from hogsend.services import import_runs, imports
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.import_files import get_folder, get_seen_file
from hogsend.services.import_leases import LEASE, LeaseLost
from hogsend.services.import_uploads import preview_import, start_import
from hogsend.services.imports import cancel_import, delete_import, get_import, list_imports
from hogsend.services.privacy import erase_contact
from tests.services.importing import (
    count,
    export_objects,
    export_text,
    import_text,
    remarks,
    run,
    upload,
)
from tests.world import World

LISTS = """
    news = MailList("news", "News", "What is new.")
    tips = MailList("tips", "Tips", "How others do it.", default_opt_in=False)

    @journey("hello", trigger="signed_up")
    async def hello(user, ctx):
        await ctx.send("welcome")
"""
# Properties that no import would recognise by the name of a column.
NAMES_WITHOUT_COLUMN = {
    "": "empty",
    " ": 1,
    " x ": True,
    "x@example.com": "address",
    "property:a:number": "5",
    "a:number": "6",
}
PEOPLE = "user id,email,plan\nada,Ada@Example.com,pro\ngrace,grace@example.com,free\n"


@pytest.fixture(autouse=True)
def run_nothing_in_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave imports to the tests, which run them step by step."""

    async def do_nothing(runner: ImportRunner) -> None:
        pass

    monkeypatch.setattr(ImportRunner, "_try_all", do_nothing)


def set_step_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let every step of an import have so many rows."""
    for name in ("MIN_STEP_SIZE", "FIRST_STEP_SIZE", "MAX_STEP_SIZE"):
        monkeypatch.setattr(import_runs, name, size)


async def choices(world: World) -> set[tuple[str, str, bool]]:
    """Return the address, the list and the choice of each consent."""
    rows = await world.query(
        "SELECT c.email, s.list_id, s.subscribed FROM consents s JOIN contacts c "
        "ON c.id = s.contact_id"
    )
    return {(email, list_id, bool(subscribed)) for email, list_id, subscribed in rows}


async def test_an_import_makes_and_changes_contacts_without_any_event(idle_world: World):
    await idle_world.define(LISTS)
    await idle_world.submit(
        "x", user_id="ada", email="ada@example.com", contact_properties={"plan": "free", "a": 1}
    )
    job = await import_text(idle_world, PEOPLE + ",new@example.com,\n", lists=["news"])
    assert count(job) == {"rows": 3, "created": 2, "updated": 1}
    assert job.status == "completed"
    ada = await idle_world.contact("ada")
    assert ada.properties == {"plan": "pro", "a": 1}
    assert (await idle_world.contact("grace")).properties == {"plan": "free"}
    assert await choices(idle_world) == {
        (f"{name}@example.com", "news", True) for name in ("ada", "grace", "new")
    }
    assert await idle_world.query("SELECT COUNT(*) FROM events") == [(1,)]
    assert (await idle_world.query("SELECT value FROM counters WHERE name = 'contacts'"))[0][0] == 3
    again = await import_text(idle_world, PEOPLE, lists=["news"])
    assert count(again) == {"rows": 2, "unchanged": 2}
    # The file is not kept longer than it is needed.
    assert not list(get_folder(idle_world.runtime.settings).iterdir())


async def test_an_import_never_overturns_an_unsubscribe_unless_asked(idle_world: World):
    await idle_world.define(LISTS)
    for name, list_id in (("ada", "news"), ("grace", "*")):
        await idle_world.submit(
            "x", user_id=name, email=f"{name}@example.com", lists={list_id: False}
        )
    file = "user id,email,subscribed\nada,ada@example.com,yes\ngrace,grace@example.com,yes\n"
    before = await choices(idle_world)
    job = await import_text(idle_world, file, lists=["news"])
    assert await choices(idle_world) == before | {("grace@example.com", "news", True)}
    assert [remark.reason for remark in await remarks(idle_world, job)] == [
        "Still unsubscribed from news, as the contact chose",
        "Still unsubscribed from all mail, as the contact chose",
    ]
    await import_text(idle_world, file, lists=["news"], resubscribe=True)
    assert all(subscribed for _, _, subscribed in await choices(idle_world))


async def test_an_import_merges_contacts_and_keeps_identities_apart_as_events_do(
    idle_world: World,
):
    await idle_world.submit("x", email="ada@example.com", contact_properties={"a": 1})
    await idle_world.submit("x", user_id="ada", anonymous_id="b1")
    await idle_world.submit("x", user_id="grace", email="grace@example.com")
    job = await import_text(
        idle_world, "user id,email\nada,ada@example.com\nother,grace@example.com\n"
    )
    assert count(job) == {"rows": 2, "created": 1, "updated": 1, "noted": 1}
    ada = await idle_world.contact("ada")
    assert (ada.email, ada.anonymous_id, ada.properties) == ("ada@example.com", "b1", {"a": 1})
    assert (await idle_world.contact("other")).email is None
    assert (await idle_world.query("SELECT value FROM counters WHERE name = 'contacts'"))[0][0] == 3


async def test_a_wait_moves_when_an_import_changes_its_property(sqlite_world: World):
    await sqlite_world.define("""
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep_until(prop("ends"), label="end")
    """)
    now = sqlite_world.clock.now()
    await sqlite_world.submit(
        "go",
        user_id="ada",
        email="ada@example.com",
        contact_properties={"ends": (now + days(2)).isoformat()},
    )
    await sqlite_world.settle()
    await import_text(sqlite_world, f"user id,ends\nada,{(now + days(5)).isoformat()}\n")
    assert (await sqlite_world.enrollment()).wake_at == now + days(5)


async def test_an_import_starts_journeys_when_it_names_an_event(sqlite_world: World):
    await sqlite_world.define(LISTS)
    await import_text(sqlite_world, PEOPLE)
    assert await sqlite_world.query("SELECT COUNT(*) FROM enrollments") == [(0,)]
    await import_text(sqlite_world, PEOPLE, event="signed_up")
    await sqlite_world.settle()
    assert await sqlite_world.query("SELECT COUNT(*) FROM sends") == [(2,)]


async def test_an_import_that_is_killed_resumes_at_the_row_where_it_stopped(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    set_step_size(monkeypatch, 3)
    rows = "".join(f"u{n},u{n}@example.com\n" if n % 4 else "bad,bad\n" for n in range(10))
    job = await upload(idle_world, "user id,email\n" + rows)
    await start_import(idle_world.runtime, COMMAND_LINE, job.id)

    def kill(progress: ImportJob) -> None:
        if progress.rows == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run(idle_world, job, kill)
    assert (await get_import(idle_world.runtime, COMMAND_LINE, job.id)).rows == 6
    job = await run(idle_world, job)
    assert count(job) == {"rows": 10, "created": 7, "refused": 3}
    assert len(await idle_world.contacts()) == 7
    assert [remark.row for remark in await remarks(idle_world, job)] == [1, 5, 9]


async def test_exactly_one_process_runs_an_import(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    set_step_size(monkeypatch, 1)
    job = await upload(idle_world, PEOPLE)
    await start_import(idle_world.runtime, COMMAND_LINE, job.id)
    started, proceed = asyncio.Event(), asyncio.Event()
    pause = asyncio.sleep

    async def wait(seconds: float) -> None:
        if seconds == import_runs.PAUSE:
            started.set()
            await proceed.wait()
        await pause(0)

    with monkeypatch.context() as patch:
        patch.setattr(import_runs.asyncio, "sleep", wait)
        first = asyncio.create_task(run(idle_world, job))
        await started.wait()
        with pytest.raises(LeaseLost):
            await run(idle_world, job)
        # The first process stands still for so long that it counts as gone.
        idle_world.clock.set(idle_world.clock.now() + LEASE)
        proceed.set()
        second = await run(idle_world, job)
        with pytest.raises(LeaseLost):
            await first
    assert count(second) == {"rows": 2, "created": 2}


async def test_a_cancelled_import_stops_and_what_it_imported_stays(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    set_step_size(monkeypatch, 1)
    job = await upload(idle_world, PEOPLE)
    await start_import(idle_world.runtime, COMMAND_LINE, job.id)
    cancelling: list[asyncio.Task[ImportJob]] = []

    def cancel(progress: ImportJob) -> None:
        work = cancel_import(idle_world.runtime, COMMAND_LINE, job.id)
        cancelling.append(asyncio.create_task(work))

    with monkeypatch.context() as patch:
        # Time for the other task to commit.
        patch.setattr(import_runs, "PAUSE", 0.2)
        ended = await run(idle_world, job, cancel)
    assert (ended.status, ended.rows) == ("cancelled", 1)
    assert [contact.user_id for contact in await idle_world.contacts()] == ["ada"]
    with pytest.raises(Conflict):
        await cancel_import(idle_world.runtime, COMMAND_LINE, job.id)


async def test_an_upload_is_deleted_with_its_file_and_refused_rows_unless_it_runs(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imports, "_REMARKS_PER_STEP", 2)
    runtime, file = idle_world.runtime, PEOPLE + "x,x,x\n" * 5

    async def remove(job: ImportJob) -> None:
        await delete_import(runtime, COMMAND_LINE, job.id)
        assert await list_imports(runtime, COMMAND_LINE, 10) == []
        assert await idle_world.query("SELECT COUNT(*) FROM import_remarks") == [(0,)]
        assert not list(get_folder(runtime.settings).iterdir())

    await remove(await upload(idle_world, file))
    job = await upload(idle_world, file)
    await start_import(runtime, COMMAND_LINE, job.id, dry_run=True)
    with pytest.raises(Conflict, match="Cancel it first"):
        await delete_import(runtime, COMMAND_LINE, job.id)
    await remove(await run(idle_world, job))
    await remove(await import_text(idle_world, file))
    assert len(await idle_world.contacts()) == 2
    with pytest.raises(NotFound):
        await delete_import(runtime, COMMAND_LINE, job.id)
    actions = await idle_world.query("SELECT action FROM audit WHERE action = 'delete import'")
    assert len(actions) == 3


async def test_an_import_is_started_once_however_often_it_is_asked(idle_world: World):
    job = await upload(idle_world, PEOPLE)
    started = await asyncio.gather(
        *(start_import(idle_world.runtime, COMMAND_LINE, job.id) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in started) == [
        "Conflict", "Conflict", "ImportJob"
    ]  # fmt: skip


async def test_refused_rows_are_kept_only_up_to_a_size(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    """Also over several steps, and after an interruption."""
    set_step_size(monkeypatch, 2)
    monkeypatch.setattr(import_runs, "MAX_REMARK_CHARACTERS", 5 * (4000 + 43))
    job = await upload(idle_world, "email\n" + ("x" * 9000 + "\n") * 9)
    await start_import(idle_world.runtime, COMMAND_LINE, job.id)

    def kill(progress: ImportJob) -> None:
        if progress.rows == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run(idle_world, job, kill)
    job = await run(idle_world, job)
    kept = await remarks(idle_world, job)
    assert (job.refused, [len(remark.content) for remark in kept]) == (9, [4000] * len(kept))
    lengths = sum(len(remark.reason) + len(remark.content) for remark in kept)
    assert 4 <= len(kept) < 6 and lengths <= import_runs.MAX_REMARK_CHARACTERS


async def test_a_dry_run_counts_what_the_import_then_does(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    set_step_size(monkeypatch, 2)
    await idle_world.submit("x", user_id="grace", email="grace@example.com")
    file = PEOPLE + "x,x,x\nada,ada@example.com,max\n"
    job = await upload(idle_world, file)
    sample = await preview_import(idle_world.runtime, COMMAND_LINE, job)
    assert [(row.line, bool(row.facts)) for row in sample] == [
        (2, True),
        (3, True),
        (4, False),
        (5, True),
    ]
    await start_import(idle_world.runtime, COMMAND_LINE, job.id, dry_run=True)
    tried = await run(idle_world, job)
    assert len(await idle_world.contacts()) == 1
    await start_import(idle_world.runtime, COMMAND_LINE, job.id)
    done = await run(idle_world, job)
    assert count(tried) == count(done) == {"rows": 4, "created": 1, "updated": 2, "refused": 1}
    assert len(await remarks(idle_world, job)) == 1
    with pytest.raises(Conflict):
        await start_import(idle_world.runtime, COMMAND_LINE, job.id)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(["u1,a@x.co", "u2,b@x.co", "u1,c@x.co", ",b@x.co"], id="again"),
        pytest.param(["u1,a@x.co", "u2,a@x.co", "u3,a@x.co"], id="others"),
        pytest.param([",a@x.co", "u1,a@x.co", "u1,b@x.co", ",b@x.co", "u2,b@x.co"], id="chain"),
        pytest.param(["grace,a@x.co", ",a@x.co", "u1,a@x.co"], id="known"),
    ],
)
async def test_a_dry_run_notices_contacts_of_earlier_steps_also_after_a_kill(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch, rows: list[str]
):
    set_step_size(monkeypatch, 1)
    await sqlite_world.submit("x", user_id="grace")
    text = "".join(f"{row},{number}\n" for number, row in enumerate(rows))
    job = await upload(sqlite_world, "user id,email,n\n" + text)
    await start_import(sqlite_world.runtime, COMMAND_LINE, job.id, dry_run=True)

    def kill(progress: ImportJob) -> None:
        raise KeyboardInterrupt

    for _ in rows:
        with pytest.raises(KeyboardInterrupt):
            await run(sqlite_world, job, kill)
    tried = count(await run(sqlite_world, job))
    assert not get_seen_file(sqlite_world.runtime.settings, job.id).exists()
    await start_import(sqlite_world.runtime, COMMAND_LINE, job.id)
    done = count(await run(sqlite_world, job))
    # That two rows of different steps dispute an address shows in the import only.
    done.pop("noted", None)
    assert tried == done


async def erase_somebody(world: World, email: str) -> None:
    """Make a contact with an address, and erase it."""
    await world.submit("x", email=email)
    (gone,) = [contact for contact in await world.contacts() if contact.email == email]
    await erase_contact(world.runtime, COMMAND_LINE, gone.id)


async def test_json_lines_lose_nothing(idle_world: World):
    """Identities, properties of every type, choices, suppressions and instants come back."""
    await idle_world.define(LISTS)
    properties = {"n": 1.5, "nested": {"a": [1, None, "ü"]}, "yes": True, "=1+1": "=1+1"}
    properties["deep"] = json.loads('{"a":' * 7 + "1" + "}" * 7)
    await idle_world.submit(
        "x",
        user_id="ada",
        email="old@example.com",
        anonymous_id="b1",
        contact_properties=properties,
        lists={"news": False, "tips": True, "*": True},
        source="recipient",
    )
    idle_world.clock.set(idle_world.clock.now() + days(3))
    await idle_world.submit("y", user_id="ada", email="new@example.com", anonymous_id="b2")
    await import_text(idle_world, "email,reason\nnew@example.com,bounced\n", kind="suppressions")
    before = await export_objects(idle_world)
    await erase_somebody(idle_world, "gone@example.com")
    assert before == await export_objects(idle_world)
    assert before[0]["identities"] == {"anonymousIds": ["b2"], "emails": ["old@example.com"]}
    exported = await export_text(idle_world, "jsonl")
    async with idle_world.database.transaction() as tx:
        models = await tx.models()
        for table in ("contacts", "identities", "consents", "suppressions"):
            await models.execute_query(f"DELETE FROM {table}")  # noqa: S608
    idle_world.clock.set(idle_world.clock.now() + days(3))
    job = await import_text(idle_world, exported)
    assert count(job) == {"rows": 1, "created": 1}
    assert await export_objects(idle_world) == before
    assert count(await import_text(idle_world, exported)) == {"rows": 1, "unchanged": 1}


async def test_a_csv_export_has_no_formula_and_is_read_again(idle_world: World):
    formula = '=HYPERLINK("http://x")'
    await idle_world.submit(
        "x",
        user_id="+1",
        email="ada@example.com",
        contact_properties={
            "a": formula,
            "b": -5,
            "email": "@x",
            "c": {"d": [1]},
            "-e": "\t1",
            "q": "'=1",
            **NAMES_WITHOUT_COLUMN,
        },
    )
    exported = await export_text(idle_world, "csv")
    header, row = csv.reader(io.StringIO(exported))
    cells = dict(zip(header, row, strict=True))
    assert cells["a"] == "'" + formula
    assert (cells["userId"], cells["b"], cells["property:email"]) == ("'+1", "-5", "'@x")
    assert not [cell for cell in header if cell[:1] in "=+-@"]
    job = await import_text(idle_world, exported.replace("ada@", "bea@").replace("'+1", "2"))
    assert count(job) == {"rows": 1, "created": 1}
    bea = await idle_world.contact("2")
    assert bea.properties == {
        "a": formula,
        "b": "-5",
        "email": "@x",
        "c": '{"d":[1]}',
        "-e": "\t1",
        "q": "'=1",
        **NAMES_WITHOUT_COLUMN,
    }


async def test_suppressions_are_imported_by_their_reason(idle_world: World):
    await idle_world.submit("x", user_id="ada", email="ada@example.com")
    file = "Email,reason,other\nada@example.com,,x\nb@example.com,Bounced,x\nc@example.com,"
    job = await import_text(
        idle_world, file + "complained,\nd@example.com,whim,\n", kind="suppressions"
    )
    assert count(job) == {"rows": 4, "created": 2, "updated": 1, "refused": 1}
    assert await choices(idle_world) == {("ada@example.com", "*", False)}
    rows = await idle_world.query("SELECT address, reason FROM suppressions ORDER BY address")
    assert [tuple(row) for row in rows] == [
        ("b@example.com", "hard_bounce"),
        ("c@example.com", "complaint"),
    ]


async def test_an_import_without_its_file_or_with_wrong_choices_says_so(sqlite_world: World):
    world = sqlite_world
    wrong: list[tuple[str | bytes, dict[str, Any], str]] = [
        ("a,b\n1,2\n", {}, "No column holds an email address or a user id"),
        (PEOPLE, {"lists": ["nope"]}, "There is no list 'nope'"),
        (PEOPLE, {"columns": {"nope": "email"}}, "The file has no column 'nope'"),
        (PEOPLE, {"columns": {"plan": "emial"}}, "'emial' is nothing that"),
        (PEOPLE, {"columns": {"plan": "email"}}, "are both mapped to email"),
        (PEOPLE, {"preset": "other"}, "There is no preset 'other'"),
        (PEOPLE, {"encoding": "klingon"}, "There is no encoding 'klingon'"),
        ("", {}, "This file is empty"),
        (b"PK\x03\x04", {}, "an Excel workbook or a ZIP file"),
        ('[{"email": "a@example.com"}]', {}, "one JSON array"),
        ("ada@example.com,Ada\n", {}, "a row, not a header"),
        ("email,email\nx,y\n", {}, "two columns named 'email'"),
    ]
    for content, options, problem in wrong:
        with pytest.raises(InvalidInput, match=problem):
            await upload(world, content, **options)
    assert not list(get_folder(world.runtime.settings).iterdir())
    job = await upload(world, PEOPLE)
    await start_import(world.runtime, COMMAND_LINE, job.id)
    (get_folder(world.runtime.settings, job.id) / "source").unlink()
    assert (await run(world, job)).status == "failed"
    with pytest.raises(NotFound):
        await start_import(world.runtime, COMMAND_LINE, UUID(int=1))
