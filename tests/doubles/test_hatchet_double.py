"""The double of the Hatchet engine behaves like the real engine.

The same scenarios, with the real SDK in worker processes, run against the double and, if there is
a `HATCHET_CLIENT_TOKEN`, against the engine that the token is for.
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
from tests.doubles.hatchet_setup import Setup, client, until
from tests.doubles.hatchet_worker import Nap, Try

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("hatchet-double"),
]

# The real engine waits half a minute for a heartbeat of a worker that is gone.
LONG = 90.0


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["double", "real"])
async def setup(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Setup]:
    """An engine with two workers."""
    seen = tmp_path_factory.mktemp("hatchet") / "seen"
    seen.touch()
    async with AsyncExitStack() as stack:
        if request.param == "real":
            if "HATCHET_CLIENT_TOKEN" not in os.environ:
                pytest.skip("no real engine: HATCHET_CLIENT_TOKEN is not set")
            ours = {key: os.environ[key] for key in os.environ if key.startswith("HATCHET_CLIENT_")}
            setup = Setup(ours, seen)
        else:
            double = await stack.enter_async_context(hatchet_double())
            setup = Setup(double.environment, seen, double)
        for name in ("one", "two"):
            setup.start_worker(name)
        try:
            await until(lambda: _both_work(setup))
            yield setup
        finally:
            setup.close()


async def _both_work(setup: Setup) -> bool:
    return sorted((await setup.active_workers()).values()) == ["one", "two"]


async def test_a_sleep_lasts_its_whole_seconds(setup: Setup) -> None:
    began = time.monotonic()
    result = await setup.result(await setup.nap(seconds=3.9))
    assert result["sleeper"]["ended_by"] == {"sleep": [{"sleep_duration": "3s"}]}
    assert time.monotonic() - began >= 3


async def test_a_scoped_event_ends_its_wait_and_no_other(setup: Setup) -> None:
    first, second = await setup.nap(scope="mine"), await setup.nap(scope="other")
    for run in (first, second):
        await until(lambda run=run: setup.has_begun_to_wait(run))
    await setup.wake("mine", n=1)
    result = await setup.result(first)
    assert result["sleeper"] == {"ended_by": {"wake": [{"n": 1}]}, "invocation": 1}
    assert await setup.status(second) == "RUNNING"
    await setup.hatchet.runs.aio_cancel(second.workflow_run_id)


async def test_an_event_before_the_wait_counts_only_with_a_look_back(setup: Setup) -> None:
    scope = uuid.uuid4().hex
    for n in (1, 2):
        await setup.wake(scope, n=n)
    with_look_back, without = await asyncio.gather(
        setup.nap(scope=scope, seconds=4, look_back=30), setup.nap(scope=scope, seconds=1)
    )
    # The engine does not say which of the two it is.
    ended_by = (await setup.result(with_look_back))["sleeper"]["ended_by"]
    assert ended_by in ({"wake": [{"n": 1}]}, {"wake": [{"n": 2}]})
    ended_by = (await setup.result(without))["sleeper"]["ended_by"]
    assert ended_by == {"sleep": [{"sleep_duration": "1s"}]}


async def test_fifty_runs_are_started_listed_woken_and_cancelled_in_bulk(
    setup: Setup,
) -> None:
    batch, sleeper = uuid.uuid4().hex, setup.tasks["sleeper"]
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
    await until(lambda: _are_listed(setup, batch, 50))
    await setup.hatchet.event.aio_bulk_push(
        [
            BulkPushEventWithMetadata(key="wake", payload={"n": n}, scope=f"{batch}-{n}")
            for n in range(40)
        ]
    )
    results = await asyncio.gather(*(setup.result(run) for run in runs[:40]))
    woken_by = [result["sleeper"]["ended_by"]["wake"] for result in results]
    assert woken_by == [[{"n": n}] for n in range(40)]
    remaining_ids = [run.workflow_run_id for run in runs[40:]]
    await setup.hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(ids=remaining_ids))
    for run in runs[40:]:
        await setup.until(run, "CANCELLED")


async def _are_listed(setup: Setup, batch: str, count: int) -> bool:
    matching_runs = await setup.hatchet.runs.aio_list(
        since=datetime.now(UTC) - timedelta(hours=1),
        additional_metadata={"batch": batch},
        limit=100,
        include_payloads=False,
    )
    return len(matching_runs.rows) == count


async def test_a_cancelled_run_has_that_status_and_its_body_is_cancelled(setup: Setup) -> None:
    run = await setup.nap(scope="to-cancel")
    await until(lambda: setup.has_happened(run, "STARTED"))
    await until(lambda: setup.has_begun_to_wait(run))
    await setup.hatchet.runs.aio_cancel(run.workflow_run_id)
    await setup.until(run, "CANCELLED")
    assert await setup.result(run) == {}
    last = (await setup.history(run))[-1]
    assert last["eventType"] == "CANCELLED"
    assert (last["message"], last["errorMessage"], last.get("workerId")) == ("", "", None)
    await until(lambda: _was_seen(setup, "cancelled to-cancel"))


async def _was_seen(setup: Setup, line: str) -> bool:
    return line in setup.seen.read_text(encoding="utf-8").splitlines()


async def test_a_long_wait_is_evicted_and_continues_with_its_event(setup: Setup) -> None:
    run = await setup.nap("evicted", scope="restored")
    await until(lambda: setup.is_evicted(run))
    assert await setup.status(run) == "RUNNING"
    await setup.wake("restored", n=1)
    result = await setup.result(run)
    assert result["evicted"] == {"ended_by": {"wake": [{"n": 1}]}, "invocation": 2}
    await until(lambda: setup.has_happened(run, "FINISHED"))
    kinds = [line["eventType"] for line in await setup.history(run)]
    assert "CANCELLED" not in kinds
    assert kinds.index("DURABLE_EVICTED") < kinds.index("DURABLE_RESTORING")


async def test_an_evicted_run_is_cancelled_by_id_and_not_by_a_filter(
    setup: Setup,
) -> None:
    run = await setup.tasks["evicted"].aio_run(
        Nap(scope="missed"), wait_for_result=False, additional_metadata={"batch": setup.namespace}
    )
    await until(lambda: setup.is_evicted(run))
    # The list shows it a moment later.
    await until(lambda: _are_listed(setup, setup.namespace, 1))
    since = datetime.now(UTC) - timedelta(hours=1)
    all_runs = RunFilter(since=since, additional_metadata={"batch": setup.namespace})
    await setup.hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(filters=all_runs))
    assert await setup.status(run) == "RUNNING"
    await setup.hatchet.runs.aio_cancel(run.workflow_run_id)
    await setup.until(run, "CANCELLED")
    assert (await setup.history(run))[-1]["eventType"] == "CANCELLED"


async def test_a_replay_that_differs_fails(setup: Setup) -> None:
    run = await setup.nap("evicted", scope="drift", drift=True)
    await until(lambda: setup.is_evicted(run))
    await setup.wake("drift")
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await setup.result(run)
    assert failure.value.exceptions[0].exc_type == "NonDeterminismError"
    message = str(failure.value)
    assert "at node 2:1" in message
    assert f"expected: any of: sleep(1m0s), event({setup.namespace}_wake)" in message
    assert "received: any of: sleep(1m1s)" in message


async def test_a_task_is_retried_as_often_as_it_declares(setup: Setup) -> None:
    attempt = setup.tasks["attempt"]
    once, twice, final = await asyncio.gather(
        attempt.aio_run(Try(fail=1), wait_for_result=False),
        attempt.aio_run(Try(fail=2), wait_for_result=False),
        attempt.aio_run(Try(final=True), wait_for_result=False),
    )
    assert await setup.result(once) == {"attempt": {"retry_count": 1}}
    for run, message in ((twice, "not yet"), (final, "never again")):
        with pytest.raises(FailedTaskRunExceptionGroup) as failure:
            await setup.result(run)
        assert failure.value.exceptions[0].exc == message
    await until(lambda: setup.has_happened(twice, "FAILED"))
    kinds = [line["eventType"] for line in await setup.history(final)]
    assert "RETRYING" not in kinds


async def test_a_task_that_takes_too_long_times_out_and_is_not_cancelled(
    setup: Setup,
) -> None:
    run = await setup.tasks["hurried"].aio_run(Try(hang=60), wait_for_result=False)
    with pytest.raises(FailedTaskRunExceptionGroup, match="Task exceeded timeout of 1s"):
        await setup.result(run)
    await until(lambda: setup.has_happened(run, "TIMED_OUT"))
    assert not await setup.has_happened(run, "CANCELLED")
    assert await setup.status(run) == "FAILED"


async def test_a_run_that_no_worker_takes_fails_without_an_error(setup: Setup) -> None:
    orphan = setup.hatchet.task(name="orphan", schedule_timeout=timedelta(seconds=1))(_nothing)
    await asyncio.to_thread(setup.hatchet._client.admin.put_workflow, orphan.to_proto())
    run = await orphan.aio_run(wait_for_result=False)
    await setup.until(run, "FAILED")
    assert await setup.result(run) == {}
    assert (await setup.history(run))[-1]["eventType"] == "SCHEDULING_TIMED_OUT"


async def _nothing(input: Any, ctx: Any) -> None: ...


async def test_an_event_starts_the_tasks_that_listen_to_its_name(setup: Setup) -> None:
    event = await setup.hatchet.event.aio_push(
        "heard:bell", {"loud": True}, additional_metadata={"from": "afar"}, scope="somewhere"
    )
    await until(lambda: _has_ended_well(setup, event.event_id))
    row = (await setup.api(f"/stable/tenants/{setup.hatchet.tenant_id}/events?limit=1")).json()
    assert (row["rows"][0]["scope"], row["rows"][0]["payload"]) == ("somewhere", {"loud": True})
    run_id = row["rows"][0]["triggeredRuns"][0]["workflowRunId"]
    run = setup.hatchet.runs.get_run_ref(run_id)
    assert await setup.result(run) == {
        "catcher": {
            "id": event.event_id,
            "key": f"{setup.namespace}_heard:bell",
            "payload": {"loud": True},
        }
    }
    metadata = (await setup.hatchet.runs.aio_get_details(run_id)).additional_metadata or {}
    assert metadata["from"] == "afar"
    assert metadata["hatchet__event_id"] == event.event_id


async def _has_ended_well(setup: Setup, event_id: str) -> bool:
    path = f"/stable/tenants/{setup.hatchet.tenant_id}/events?limit=1"
    rows = (await setup.api(path)).json()["rows"]
    return (
        bool(rows)
        and rows[0]["metadata"]["id"] == event_id
        and rows[0]["workflowRunSummary"]["succeeded"] == 1
    )


async def test_cancelling_an_unknown_run_is_no_error_but_reading_it_is(
    setup: Setup,
) -> None:
    unknown = str(uuid.uuid4())
    await setup.hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(ids=[unknown]))
    with pytest.raises(NotFoundException):
        await setup.hatchet.runs.aio_get_status(unknown)
    with pytest.raises(grpc.RpcError) as refusal:
        await setup.hatchet.runs.aio_get_details(unknown)
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
    # A start of a task that is not registered is accepted.
    nobody = setup.hatchet.task(name=f"nobody-{unknown}")(_nothing)
    assert (await nobody.aio_run(wait_for_result=False)).workflow_run_id


async def test_a_thousand_events_fit_into_one_push(setup: Setup) -> None:
    event = BulkPushEventWithMetadata(key="wake", payload={}, scope="nobody")
    assert len(await setup.hatchet.event.aio_bulk_push([event] * 1000)) == 1000
    with pytest.raises(grpc.RpcError) as refusal:
        await setup.hatchet.event.aio_bulk_push([event] * 1001)
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_history_is_returned_only_with_a_limit(setup: Setup) -> None:
    run = await setup.tasks["attempt"].aio_run(Try(), wait_for_result=False)
    assert await setup.result(run) == {"attempt": {"retry_count": 0}}
    await until(lambda: setup.has_happened(run, "FINISHED"))
    kinds = {line["eventType"] for line in await setup.history(run)}
    assert kinds == {"QUEUED", "ASSIGNED", "SENT_TO_WORKER", "STARTED", "FINISHED"}
    assert await setup.history(run, limit=None) == []


async def test_a_token_of_another_engine_is_refused(setup: Setup) -> None:
    forged = setup.environment["HATCHET_CLIENT_TOKEN"][:-4] + "AAAA"
    stranger = client({**setup.environment, "HATCHET_CLIENT_TOKEN": forged})
    with pytest.raises(grpc.RpcError) as refusal:
        await stranger.event.aio_push("wake", {})
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(Exception, match="403"):
        await stranger.workers.aio_list()


async def test_the_run_of_a_killed_worker_is_finished_by_another(setup: Setup) -> None:
    run = await setup.nap(scope="orphaned")
    await until(lambda: setup.has_happened(run, "STARTED"))
    await until(lambda: setup.has_begun_to_wait(run))
    names = await setup.active_workers()
    assigned = [line for line in await setup.history(run) if line["eventType"] == "ASSIGNED"]
    setup.kill_worker(names[assigned[-1]["workerId"]])
    await setup.wake("orphaned", n=1)
    result = await asyncio.wait_for(setup.result(run), LONG)
    assert result["sleeper"] == {"ended_by": {"wake": [{"n": 1}]}, "invocation": 2}
    await until(lambda: setup.has_happened(run, "FINISHED"))
    reassignments = [line for line in await setup.history(run) if line["eventType"] == "REASSIGNED"]
    assert [line["retryCount"] for line in reassignments] == [0]
    assert (await setup.history(run))[-1]["retryCount"] == 1
