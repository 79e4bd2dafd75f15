"""What the double of the Hatchet engine does is what a real one does.

The same scenarios, with the real SDK in worker processes, run against the double and, when there
is a `HATCHET_CLIENT_TOKEN`, against the engine that it is for.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import pytest_asyncio
from hatchet_sdk import BulkCancelReplayOpts, BulkPushEventWithMetadata, RunFilter
from hatchet_sdk.clients.rest.exceptions import NotFoundException
from hatchet_sdk.exceptions import FailedTaskRunExceptionGroup

from tests.doubles.hatchet import hatchet_double
from tests.doubles.hatchet_site import Site, client, until
from tests.doubles.hatchet_worker import Nap, Try

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The real engine waits half a minute for a worker's heartbeat.
LONG = 90.0


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["double", "real"])
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """An engine with two workers."""
    seen = tmp_path_factory.mktemp("hatchet") / "seen"
    seen.touch()
    async with AsyncExitStack() as stack:
        if request.param == "real":
            if "HATCHET_CLIENT_TOKEN" not in os.environ:
                pytest.skip("no real engine: HATCHET_CLIENT_TOKEN is not set")
            ours = {key: os.environ[key] for key in os.environ if key.startswith("HATCHET_CLIENT_")}
            site = Site(ours, seen)
        else:
            double = await stack.enter_async_context(hatchet_double())
            site = Site(double.environment, seen, double)
        for name in ("one", "two"):
            site.start_worker(name)
        try:
            await until(lambda: _both_work(site))
            yield site
        finally:
            site.leave()


async def _both_work(site: Site) -> bool:
    return sorted((await site.active_workers()).values()) == ["one", "two"]


async def test_a_sleep_lasts_its_whole_seconds(site: Site) -> None:
    began = time.monotonic()
    result = await site.result(await site.nap(seconds=3.9))
    assert result["sleeper"]["ended_by"] == {"sleep": [{"sleep_duration": "3s"}]}
    assert 3 <= time.monotonic() - began < 6


async def test_a_scoped_event_wakes_its_wait_and_no_other(site: Site) -> None:
    mine, other = await site.nap(scope="mine"), await site.nap(scope="other")
    for run in (mine, other):
        await until(lambda run=run: site.has_begun_to_wait(run))
    pushed = time.monotonic()
    await site.wake("mine", n=1)
    result = await site.result(mine)
    assert result["sleeper"] == {"ended_by": {"wake": [{"n": 1}]}, "invocation": 1}
    assert time.monotonic() - pushed < 2
    assert await site.status(other) == "RUNNING"
    await site.hatchet.runs.aio_cancel(other.workflow_run_id)


async def test_an_event_before_the_wait_counts_for_who_looks_back(site: Site) -> None:
    scope = uuid.uuid4().hex
    for n in (1, 2):
        await site.wake(scope, n=n)
    looks, does_not = await asyncio.gather(
        site.nap(scope=scope, seconds=4, look_back=30), site.nap(scope=scope, seconds=1)
    )
    # One of them, and nobody says which.
    found = (await site.result(looks))["sleeper"]["ended_by"]
    assert found in ({"wake": [{"n": 1}]}, {"wake": [{"n": 2}]})
    found = (await site.result(does_not))["sleeper"]["ended_by"]
    assert found == {"sleep": [{"sleep_duration": "1s"}]}


async def test_fifty_runs_are_started_found_woken_and_cancelled_in_bulk(site: Site) -> None:
    batch, sleeper = uuid.uuid4().hex, site.tasks["sleeper"]
    runs = await sleeper.aio_run_many(
        [
            sleeper.create_bulk_run_item(
                input=Nap(scope=f"{batch}-{n}", look_back=30),
                additional_metadata={"batch": batch, "n": str(n)},
            )
            for n in range(50)
        ],
        wait_for_result=False,
    )
    await until(lambda: _is_found(site, batch, 50))
    await site.hatchet.event.aio_bulk_push(
        [
            BulkPushEventWithMetadata(key="wake", payload={"n": n}, scope=f"{batch}-{n}")
            for n in range(40)
        ]
    )
    results = await asyncio.gather(*(site.result(run) for run in runs[:40]))
    woken_by = [result["sleeper"]["ended_by"]["wake"] for result in results]
    assert woken_by == [[{"n": n}] for n in range(40)]
    left = [run.workflow_run_id for run in runs[40:]]
    await site.hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(ids=left))
    for run in runs[40:]:
        await site.until(run, "CANCELLED")


async def _is_found(site: Site, batch: str, count: int) -> bool:
    found = await site.hatchet.runs.aio_list(
        since=datetime.now(UTC) - timedelta(hours=1),
        additional_metadata={"batch": batch},
        limit=100,
        include_payloads=False,
    )
    return len(found.rows) == count


async def test_a_cancelled_run_says_so_and_its_body_is_cancelled(site: Site) -> None:
    run = await site.nap(scope="to-cancel")
    await until(lambda: site.has_happened(run, "STARTED"))
    await until(lambda: site.has_begun_to_wait(run))
    await site.hatchet.runs.aio_cancel(run.workflow_run_id)
    await site.until(run, "CANCELLED")
    assert await site.result(run) == {}
    last = (await site.history(run))[-1]
    assert last["eventType"] == "CANCELLED"
    assert (last["message"], last["errorMessage"], last.get("workerId")) == ("", "", None)
    await until(lambda: _was_seen(site, "cancelled to-cancel"))


async def _was_seen(site: Site, line: str) -> bool:
    return line in site.seen.read_text(encoding="utf-8").splitlines()


async def test_a_long_wait_is_evicted_and_goes_on_when_its_event_comes(site: Site) -> None:
    run = await site.nap("evicted", scope="restored")
    await until(lambda: site.is_evicted(run))
    assert await site.status(run) == "RUNNING"
    await site.wake("restored", n=1)
    result = await site.result(run)
    assert result["evicted"] == {"ended_by": {"wake": [{"n": 1}]}, "invocation": 2}
    await until(lambda: site.has_happened(run, "FINISHED"))
    kinds = [line["eventType"] for line in await site.history(run)]
    assert "CANCELLED" not in kinds
    assert kinds.index("DURABLE_EVICTED") < kinds.index("DURABLE_RESTORING")


async def test_an_evicted_run_is_cancelled_by_its_id_and_missed_by_a_filter(site: Site) -> None:
    run = await site.tasks["evicted"].aio_run(
        Nap(scope="missed"), wait_for_result=False, additional_metadata={"batch": site.namespace}
    )
    await until(lambda: site.is_evicted(run))
    # It is in the list a moment later than in the engine.
    await until(lambda: _is_found(site, site.namespace, 1))
    since = datetime.now(UTC) - timedelta(hours=1)
    everyone = RunFilter(since=since, additional_metadata={"batch": site.namespace})
    await site.hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(filters=everyone))
    assert await site.status(run) == "RUNNING"
    await site.hatchet.runs.aio_cancel(run.workflow_run_id)
    await site.until(run, "CANCELLED")
    assert (await site.history(run))[-1]["eventType"] == "CANCELLED"


async def test_a_replay_that_asks_for_something_else_fails(site: Site) -> None:
    run = await site.nap("evicted", scope="drift", drift=True)
    await until(lambda: site.is_evicted(run))
    await site.wake("drift")
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await site.result(run)
    assert failure.value.exceptions[0].exc_type == "NonDeterminismError"
    said = str(failure.value)
    assert "at node 2:1" in said
    assert f"expected: any of: sleep(1m0s), event({site.namespace}_wake)" in said
    assert "received: any of: sleep(1m1s)" in said


async def test_a_task_is_tried_again_as_often_as_it_says(site: Site) -> None:
    attempt = site.tasks["attempt"]
    once, twice, final = await asyncio.gather(
        attempt.aio_run(Try(fail=1), wait_for_result=False),
        attempt.aio_run(Try(fail=2), wait_for_result=False),
        attempt.aio_run(Try(final=True), wait_for_result=False),
    )
    assert await site.result(once) == {"attempt": {"retry_count": 1}}
    for run, said in ((twice, "not yet"), (final, "never again")):
        with pytest.raises(FailedTaskRunExceptionGroup) as failure:
            await site.result(run)
        assert failure.value.exceptions[0].exc == said
    await until(lambda: site.has_happened(twice, "FAILED"))
    kinds = [line["eventType"] for line in await site.history(final)]
    assert "RETRYING" not in kinds


async def test_a_task_that_takes_too_long_has_timed_out_and_was_not_cancelled(site: Site) -> None:
    run = await site.tasks["hurried"].aio_run(Try(hang=60), wait_for_result=False)
    with pytest.raises(FailedTaskRunExceptionGroup, match="Task exceeded timeout of 1s"):
        await site.result(run)
    await until(lambda: site.has_happened(run, "TIMED_OUT"))
    assert not await site.has_happened(run, "CANCELLED")
    assert await site.status(run) == "FAILED"


async def test_a_run_that_no_worker_takes_has_failed_and_has_no_error(site: Site) -> None:
    orphan = site.hatchet.task(name="orphan", schedule_timeout=timedelta(seconds=1))(_nothing)
    await asyncio.to_thread(site.hatchet._client.admin.put_workflow, orphan.to_proto())
    run = await orphan.aio_run(wait_for_result=False)
    await site.until(run, "FAILED")
    assert await site.result(run) == {}
    assert (await site.history(run))[-1]["eventType"] == "SCHEDULING_TIMED_OUT"


async def _nothing(input: Any, ctx: Any) -> None: ...


async def test_an_event_starts_what_listens_to_names_like_its(site: Site) -> None:
    event = await site.hatchet.event.aio_push(
        "heard:bell", {"loud": True}, additional_metadata={"from": "afar"}, scope="somewhere"
    )
    await until(lambda: _has_ended_well(site, event.event_id))
    row = (await site.api(f"/stable/tenants/{site.hatchet.tenant_id}/events?limit=1")).json()
    assert (row["rows"][0]["scope"], row["rows"][0]["payload"]) == ("somewhere", {"loud": True})
    run_id = row["rows"][0]["triggeredRuns"][0]["workflowRunId"]
    run = site.hatchet.runs.get_run_ref(run_id)
    assert await site.result(run) == {
        "catcher": {
            "id": event.event_id,
            "key": f"{site.namespace}_heard:bell",
            "payload": {"loud": True},
        }
    }
    metadata = (await site.hatchet.runs.aio_get_details(run_id)).additional_metadata or {}
    assert metadata["from"] == "afar"
    assert metadata["hatchet__event_id"] == event.event_id


async def _has_ended_well(site: Site, event_id: str) -> bool:
    path = f"/stable/tenants/{site.hatchet.tenant_id}/events?limit=1"
    rows = (await site.api(path)).json()["rows"]
    return (
        bool(rows)
        and rows[0]["metadata"]["id"] == event_id
        and rows[0]["workflowRunSummary"]["succeeded"] == 1
    )


async def test_what_is_unknown_is_no_error_to_cancel_and_one_to_ask_for(site: Site) -> None:
    unknown = str(uuid.uuid4())
    await site.hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(ids=[unknown]))
    with pytest.raises(NotFoundException):
        await site.hatchet.runs.aio_get_status(unknown)
    with pytest.raises(grpc.RpcError) as refusal:
        await site.hatchet.runs.aio_get_details(unknown)
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
    # It is found out too late that nobody registered it.
    nobody = site.hatchet.task(name=f"nobody-{unknown}")(_nothing)
    assert (await nobody.aio_run(wait_for_result=False)).workflow_run_id


async def test_a_thousand_events_fit_into_one_push(site: Site) -> None:
    one = BulkPushEventWithMetadata(key="wake", payload={}, scope="nobody")
    assert len(await site.hatchet.event.aio_bulk_push([one] * 1000)) == 1000
    with pytest.raises(grpc.RpcError) as refusal:
        await site.hatchet.event.aio_bulk_push([one] * 1001)
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_histories_are_told_to_who_names_a_limit(site: Site) -> None:
    run = await site.tasks["attempt"].aio_run(Try(), wait_for_result=False)
    assert await site.result(run) == {"attempt": {"retry_count": 0}}
    await until(lambda: site.has_happened(run, "FINISHED"))
    kinds = {line["eventType"] for line in await site.history(run)}
    assert kinds == {"QUEUED", "ASSIGNED", "SENT_TO_WORKER", "STARTED", "FINISHED"}
    assert await site.history(run, limit=None) == []


async def test_a_token_that_is_not_the_engines_is_refused(site: Site) -> None:
    forged = site.environment["HATCHET_CLIENT_TOKEN"][:-4] + "AAAA"
    stranger = client({**site.environment, "HATCHET_CLIENT_TOKEN": forged})
    with pytest.raises(grpc.RpcError) as refusal:
        await stranger.event.aio_push("wake", {})
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(Exception, match="403"):
        await stranger.workers.aio_list()


async def test_a_killed_workers_run_is_finished_by_another(site: Site) -> None:
    run = await site.nap(scope="orphaned")
    await until(lambda: site.has_happened(run, "STARTED"))
    await until(lambda: site.has_begun_to_wait(run))
    names = await site.active_workers()
    assigned = [line for line in await site.history(run) if line["eventType"] == "ASSIGNED"]
    site.kill_worker(names[assigned[-1]["workerId"]])
    await site.wake("orphaned", n=1)
    result = await asyncio.wait_for(site.result(run), LONG)
    assert result["sleeper"] == {"ended_by": {"wake": [{"n": 1}]}, "invocation": 2}
    await until(lambda: site.has_happened(run, "FINISHED"))
    taken = [line for line in await site.history(run) if line["eventType"] == "REASSIGNED"]
    assert [line["retryCount"] for line in taken] == [0]
    assert (await site.history(run))[-1]["retryCount"] == 1
