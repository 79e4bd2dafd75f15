"""The dashboard says who is stuck, what can be done, and what it will do to how many."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest

from hogsend.domain.journey import Journey
from hogsend.process.runtime import Runtime
from hogsend.store import audit, enrollments
from hogsend.store.db import Query, Write
from hogsend.store.fields import to_micros
from hogsend.web.admin import bulk_actions
from tests.web import product
from tests.web.conftest import Browser, extract_text
from tests.web.sample_data import SampleData

WELCOME = "/journeys/activation-welcome"


async def put(runtime: Runtime, state: str, journey_id: str = "activation-welcome") -> int:
    """Put all live enrollments of a journey into a state; return how many they are."""
    count = Query(
        "SELECT COUNT(*) FROM enrollments WHERE journey_id = ? "
        "AND state IN ('active', 'waiting', 'drifted', 'parked')",
        [journey_id],
        lambda rows: int(rows[0][0]),
    )
    people = await runtime.database.read_one(count)
    async with runtime.database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "UPDATE enrollments SET state = ?, wake_at = NULL WHERE journey_id = ? "
                    "AND state IN ('active', 'waiting', 'drifted', 'parked')",
                    [(state, journey_id)],
                ),
                Write("DELETE FROM counters WHERE name LIKE ?", [(f"state/{journey_id}/%",)]),
                Write(
                    "INSERT INTO counters (name, day, value) VALUES (?, 0, ?)",
                    [(f"state/{journey_id}/{state}", people)],
                ),
            ]
        )
    return people


async def read_state(runtime: Runtime, enrollment_id: UUID) -> str:
    by_id = await runtime.database.read_one(enrollments.find_by_ids([enrollment_id]))
    return by_id[enrollment_id].state


# -- one enrollment -------------------------------------------------------------------------------


async def test_a_drifted_enrollment_can_be_continued_restarted_or_exited(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await put(runtime, "drifted")
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    text = extract_text(await owner.read(f"/enrollments/{ada}"))
    assert "The wait that this contact is in (wait:plan.upgraded) is no longer in the code" in text
    for button in ("Continue enrollment", "Restart enrollment", "Exit enrollment"):
        assert button in text
    assert "Wake now" not in text

    answer = await owner.post(f"/enrollments/{ada}/continue")
    assert answer.headers["Location"] == f"/enrollments/{ada}?done=continued"
    assert await read_state(runtime, ada) == "active"


async def test_a_restart_leads_to_the_new_enrollment(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await put(runtime, "drifted")
    old = sample.ids["activation-welcome/Jorge L. Borges"]
    answer = await owner.post(f"/enrollments/{old}/restart", reason="asked for")
    location = answer.headers["Location"]
    assert location.endswith("?done=restarted") and str(old) not in location
    assert "Restarted. This is the new enrollment" in extract_text(await owner.read(location))
    assert "restarted by owner@example.com: asked for" in extract_text(
        await owner.read(f"/enrollments/{old}")
    )


async def test_a_failed_enrollment_can_be_retried_and_the_retry_is_logged(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    grace = sample.ids["payment-recovery/grace@example.com"]
    assert "Retry enrollment" in extract_text(await owner.read(f"/enrollments/{grace}"))
    answer = await owner.post(f"/enrollments/{grace}/retry")
    assert answer.headers["Location"] == f"/enrollments/{grace}?done=retried"
    assert await read_state(runtime, grace) in ("active", "waiting")
    (line,) = await audit.list_entries(runtime.database, 1)
    assert (line.who, line.action) == ("owner@example.com", "retry")


async def test_an_action_that_the_state_does_not_allow_is_refused_with_the_reason(
    owner: Browser, sample: SampleData
) -> None:
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    answer = await owner.post(f"/enrollments/{ada}/retry")
    assert answer.status_code == 409
    assert "this one is waiting" in await answer.get_data(as_text=True)
    assert (await owner.post(f"/enrollments/{ada}/nonsense")).status_code == 404


async def test_a_viewer_is_offered_no_action_and_cannot_run_one(
    viewer: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await put(runtime, "drifted")
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    assert "Continue enrollment" not in extract_text(await viewer.read(f"/enrollments/{ada}"))
    assert "Continue all" not in extract_text(await viewer.read(f"{WELCOME}?state=drifted"))
    for path in (f"/enrollments/{ada}/continue", f"{WELCOME}/everyone", f"{WELCOME}/replay"):
        assert (await viewer.post(path, act="continue", state="drifted")).status_code == 403
    assert await read_state(runtime, ada) == "drifted"


# -- all of a state -------------------------------------------------------------------------------


async def test_all_drifted_enrollments_are_continued_after_their_number_is_shown(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    people = await put(runtime, "drifted")
    text = extract_text(await owner.read(f"{WELCOME}?state=drifted"))
    assert f"{people} enrollments continue now with the current code" in text
    assert f"Continue {people} enrollments" in text

    answer = await owner.post(f"{WELCOME}/everyone", act="continue", state="drifted")
    assert answer.headers["Location"] == f"{WELCOME}?done=all-done"
    assert "Continue all" not in extract_text(await owner.read(f"{WELCOME}?state=drifted"))
    (line,) = await audit.list_entries(runtime.database, 1)
    assert (line.action, line.before, line.after) == (
        "continue all",
        {"state": "drifted"},
        {"people": people},
    )


async def set_retrying(runtime: Runtime, sample: SampleData) -> None:
    """Let the last turn of all waiting people have failed, Ada's with an error of its own."""
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    async with runtime.database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "UPDATE enrollments SET attempt = 1, updated_at = ?, error = CASE "
                    "WHEN id = ? "
                    "THEN ? ELSE 'KeyError: 0' END "
                    "WHERE journey_id = 'activation-welcome' AND state IN ('active', 'waiting')",
                    [(to_micros(runtime.clock.now()), ada, "TypeError: no plan")],
                )
            ]
        )


async def test_all_retrying_enrollments_are_retried_after_their_number_is_shown(
    owner: Browser, viewer: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await set_retrying(runtime, sample)
    page = f"{WELCOME}?state=retrying"
    text = extract_text(await owner.read(page))
    number = int(re.findall(r"Retry ([\d,]+) enrollments", text)[0].replace(",", ""))
    assert number > 2 and "Retry all" in text and "TypeError: no plan" in text
    assert "Retry all" not in extract_text(await viewer.read(page))
    answer = await viewer.post(f"{WELCOME}/everyone", act="retry", state="retrying")
    assert answer.status_code == 403

    answer = await owner.post(f"{WELCOME}/everyone", act="retry", state="retrying")
    assert answer.headers["Location"] == f"{WELCOME}?done=all-retried&number={number}"
    text = extract_text(await owner.read(answer.headers["Location"]))
    assert f"Retried {number} enrollments. Their turns run again shortly." in text
    assert "retrying" not in text


async def test_only_the_retrying_enrollments_with_an_error_are_retried(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await set_retrying(runtime, sample)
    query = "state=retrying&error=TypeError&within=hour"
    html = await owner.read(f"{WELCOME}?{query}")
    text = extract_text(html)
    assert "Retry 1 enrollment" in text and "Retry these" in text and "KeyError" not in text
    fields = dict(re.findall(r'name="(act|state|error|within)" value="([^"]*)"', html))
    answer = await owner.post(f"{WELCOME}/everyone", **fields)
    assert answer.headers["Location"] == f"{WELCOME}?done=all-retried&number=1"
    assert "No enrollment failed like this." in extract_text(await owner.read(f"{WELCOME}?{query}"))
    (line,) = await audit.list_entries(runtime.database, 1)
    assert line.before is not None and line.before["error"] == "TypeError"

    answer = await owner.post(f"{WELCOME}/everyone", act="retry", state="retrying", within="aeon")
    assert answer.status_code == 400


async def test_one_retrying_enrollment_can_be_retried_now(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await set_retrying(runtime, sample)
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    text = extract_text(await owner.read(f"/enrollments/{ada}"))
    assert "The last turn failed; it will be tried again" in text
    assert "Retry enrollment" in text and "Wake now" not in text
    answer = await owner.post(f"/enrollments/{ada}/retry")
    assert answer.headers["Location"] == f"/enrollments/{ada}?done=retried"


async def test_unchanged_enrollments_are_counted_by_reason(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    people = await put(runtime, "drifted")
    rules = runtime.ingest.rules
    runtime.ingest.rules = replace(rules, switched_off_ids=frozenset({"activation-welcome"}))
    answer = await owner.post(f"{WELCOME}/everyone", act="restart", state="drifted")
    assert answer.status_code == 409
    text = extract_text(await answer.get_data(as_text=True))
    assert f"Done for 0 enrollments. {people} left unchanged" in text
    assert "disabled_by_operator" in text


async def test_a_bulk_action_on_an_unknown_journey_is_not_found(owner: Browser):
    answer = await owner.post("/journeys/nope/everyone", act="retry", state="failed")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("act", "state"),
    [("exit", "waiting"), ("continue", "failed"), ("wake", "drifted"), ("", ""), ("x", "x")],
)
async def test_no_other_action_can_be_run_on_all(
    owner: Browser, sample: SampleData, act: str, state: str
) -> None:
    answer = await owner.post(f"{WELCOME}/everyone", act=act, state=state)
    assert answer.status_code == 409
    assert "cannot be run on all of them" in await answer.get_data(as_text=True)


async def test_a_long_action_continues_in_the_background(
    owner: Browser, sample: SampleData, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(runtime, "drifted")
    monkeypatch.setattr(bulk_actions, "PATIENCE", 0.0)
    answer = await owner.post(f"{WELCOME}/everyone", act="exit", state="drifted")
    assert answer.headers["Location"] == f"{WELCOME}?done=under-way"
    assert "In progress." in extract_text(await owner.read(answer.headers["Location"]))


# -- what is shown first --------------------------------------------------------------------------


async def test_the_overview_names_turns_that_are_being_retried(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    async with runtime.database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "UPDATE enrollments SET attempt = 2, error = ? WHERE id = ?",
                    [("Traceback\nTypeError: no plan", ada)],
                )
            ]
        )
    html = await owner.read("/")
    assert "1 turn is being retried in Activation welcome: TypeError: no plan" in extract_text(html)
    assert f'href="{WELCOME}?state=retrying#people"' in html
    listed = extract_text(await owner.read(f"{WELCOME}?state=retrying"))
    assert "retrying1" in listed and "Ada Lovelace" in listed


async def test_a_halted_journey_is_named_with_its_file_and_the_remedy(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    people = await put(runtime, "parked")
    text = extract_text(await owner.read("/"))
    assert (
        f"Activation welcome is halted because it blocked its thread three times; {people}" in text
    )
    page = extract_text(await owner.read(WELCOME))
    assert "This journey is halted because it blocked its thread three times." in page
    assert "halted" in extract_text(await owner.read("/journeys"))
    ada = sample.ids["activation-welcome/Ada Lovelace"]
    text = extract_text(await owner.read(f"/enrollments/{ada}"))
    assert "fix it and reload the code; this contact then continues" in text
    assert "Exit enrollment" in text


async def test_people_in_a_journey_without_code_are_named(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    people = await put(runtime, "parked")
    journeys: dict[str, Journey] = {
        journey_id: journey
        for journey_id, journey in product.JOURNEYS.items()
        if journey_id != "activation-welcome"
    }
    content = runtime.content
    runtime.content = replace(content, registry=replace(content.registry, journeys=journeys))
    text = extract_text(await owner.read("/"))
    assert (
        f"{people} enrollments parked in Activation welcome, whose code is missing or broken"
        in text
    )


async def test_missed_triggers_are_replayed_with_a_button(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await owner.post("/events", event="user.created", person="u9", properties='{"plan": "pro"}')
    async with runtime.database.transaction() as tx:
        await tx.apply(
            [
                Write("DELETE FROM enrollments WHERE turn = 0"),
                Write(
                    "INSERT INTO refusals (id, journey_id, reason, contact_id, event_id, at) "
                    "SELECT id, 'activation-welcome', 'journey_broken', contact_id, id, "
                    "received_at FROM events ORDER BY id DESC LIMIT 1"
                ),
                Write(
                    "INSERT INTO counters (name, day, value) VALUES (?, ?, 1)",
                    [
                        (
                            "refused/activation-welcome/journey_broken",
                            int(runtime.clock.now().timestamp()) // 86_400,
                        )
                    ],
                ),
            ]
        )
    assert (
        "1 trigger missed while the code of Activation welcome was missing or broken"
        in extract_text(await owner.read("/"))
    )
    page = f"{WELCOME}?refused=journey_broken"
    assert "Replay 1 trigger" in extract_text(await owner.read(page))
    answer = await owner.post(f"{WELCOME}/replay")
    assert answer.headers["Location"] == f"{WELCOME}?done=all-done"
    assert "Replay" not in extract_text(await owner.read(page))
    assert "1 trigger missed" not in extract_text(await owner.read("/"))
