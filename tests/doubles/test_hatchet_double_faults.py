"""The faults of the double: outages, restarts, and lost state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from hatchet_sdk.clients.rest.exceptions import ServiceException

from tests.doubles.hatchet import HatchetDouble, hatchet_double
from tests.doubles.hatchet_setup import Setup, client, until
from tests.patience import PATIENCE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("hatchet-double-faults"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Setup]:
    """A double with TLS, and a worker with its token."""
    seen = tmp_path_factory.mktemp("hatchet") / "seen"
    with pytest.MonkeyPatch.context() as patch:
        async with hatchet_double(tls=True) as double:
            patch.setenv("SSL_CERT_FILE", double.environment["SSL_CERT_FILE"])
            setup = Setup(double.environment, seen, double)
            setup.start_worker("one")
            try:
                await until(lambda: _works(setup))
                yield setup
            finally:
                setup.close()


async def _works(setup: Setup) -> bool:
    return bool(await setup.active_workers())


@pytest_asyncio.fixture(loop_scope="module")
async def started_double() -> AsyncIterator[tuple[HatchetDouble, Any]]:
    """A double without a worker, and a client's task on it."""
    async with hatchet_double() as double:
        hatchet = client(double.environment)
        task = hatchet.task(name="alone", on_crons=["0 3 1 1 *"])(_nothing)
        await asyncio.to_thread(hatchet._client.admin.put_workflow, task.to_proto())
        yield double, task


async def _nothing(input: Any, ctx: Any) -> None: ...


def _get_double(setup: Setup) -> HatchetDouble:
    assert setup.double is not None
    return setup.double


async def test_a_hosted_engine_needs_only_its_token(hosted: Setup) -> None:
    names = [name for name in hosted.environment if name.startswith("HATCHET_")]
    assert names == ["HATCHET_CLIENT_TOKEN"]
    assert hosted.hatchet.config.server_url.startswith("https://")
    result = await hosted.result(await hosted.nap(seconds=1))
    assert result["sleeper"]["ended_by"] == {"sleep": [{"sleep_duration": "1s"}]}


async def test_a_lost_push_is_answered_and_ends_no_wait(hosted: Setup) -> None:
    double = _get_double(hosted)
    run = await hosted.nap(scope="deaf")
    await until(lambda: hosted.has_begun_to_wait(run))
    double.lose_next_pushes(1)
    await hosted.wake("deaf", n=1)
    assert [event.scope for event in double.lost] == ["deaf"]
    await hosted.wake("deaf", n=2)
    assert (await hosted.result(run))["sleeper"]["ended_by"] == {"wake": [{"n": 2}]}


async def test_a_stranded_run_is_never_woken_and_can_be_cancelled(
    hosted: Setup,
) -> None:
    run = await hosted.nap("evicted", scope="stranded")
    _get_double(hosted).strand(run.workflow_run_id)
    await until(lambda: hosted.has_begun_to_wait(run))
    await hosted.wake("stranded")
    await until(lambda: hosted.is_evicted(run))
    await hosted.hatchet.runs.aio_cancel(run.workflow_run_id)
    assert await hosted.status(run) == "CANCELLED"


async def test_a_cancel_in_the_dashboard_equals_one_through_the_api(hosted: Setup) -> None:
    run = await hosted.nap()
    await until(lambda: hosted.has_begun_to_wait(run))
    _get_double(hosted).cancel(run.workflow_run_id)
    assert await hosted.status(run) == "CANCELLED"
    last = (await hosted.history(run))[-1]
    assert (last["eventType"], last["message"]) == ("CANCELLED", "")
    assert run.workflow_run_id in _get_double(hosted).cancelled


async def test_waiting_runs_continue_after_an_outage(hosted: Setup) -> None:
    double = _get_double(hosted)
    sleeps, listens = await hosted.nap(seconds=2), await hosted.nap(scope="patient")
    for run in (sleeps, listens):
        await until(lambda run=run: hosted.has_begun_to_wait(run))
    await double.stop()
    with pytest.raises(grpc.RpcError) as refusal:
        await hosted.wake("patient")
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
    await double.start()
    await until(lambda: _was_pushed(hosted))
    assert (await hosted.result(sleeps))["sleeper"]["invocation"] == 1
    assert (await hosted.result(listens))["sleeper"]["ended_by"] == {"wake": [{}]}
    assert [worker.name for worker in double.workers] == [f"{hosted.namespace}_one"]


async def _was_pushed(setup: Setup) -> bool:
    # The channel waits a while before it tries the port again.
    try:
        await setup.wake("patient")
    except grpc.RpcError:
        return False
    return True


async def test_calls_are_refused_as_unavailable_while_a_test_asks_for_it(
    started_double: tuple[HatchetDouble, Any],
) -> None:
    double, task = started_double
    hatchet = client(double.environment)
    double.refuse = True
    with pytest.raises(grpc.RpcError) as refusal:
        await task.aio_run(wait_for_result=False)
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(ServiceException):
        await hatchet.workers.aio_list()
    double.refuse = False
    run = await task.aio_run(wait_for_result=False)
    assert list(double.runs) == [run.workflow_run_id]
    assert double.calls["TriggerWorkflow"] == 2


async def test_answers_are_delayed_as_a_test_asks(
    started_double: tuple[HatchetDouble, Any],
) -> None:
    double, task = started_double
    double.delay = 0.3
    began = time.monotonic()
    await task.aio_run(wait_for_result=False)
    assert time.monotonic() - began >= 0.3


async def test_a_forgotten_run_is_unknown(started_double: tuple[HatchetDouble, Any]) -> None:
    double, task = started_double
    kept = await task.aio_run(wait_for_result=False)
    gone = await task.aio_run(wait_for_result=False)
    double.forget(gone.workflow_run_id)
    assert await _code(double, kept.workflow_run_id) == 200
    assert await _code(double, gone.workflow_run_id) == 404


async def test_a_restored_engine_has_its_earlier_state(
    started_double: tuple[HatchetDouble, Any],
) -> None:
    double, task = started_double
    before = await task.aio_run(wait_for_result=False)
    yesterday = double.snapshot()
    after = await task.aio_run(wait_for_result=False)
    double.cancel(before.workflow_run_id)
    await double.restore(yesterday)
    assert double.is_running
    assert list(double.runs) == [before.workflow_run_id]
    assert double.runs[before.workflow_run_id].status == "QUEUED"
    assert await _code(double, after.workflow_run_id) == 404


async def test_crons_are_listed_and_run_on_request(
    started_double: tuple[HatchetDouble, Any],
) -> None:
    double, _ = started_double
    assert double.crons == {"alone": ["0 3 1 1 *"]}
    run = double.runs[double.fire_cron("alone")]
    assert run.metadata["hatchet__cron_expression"] == "0 3 1 1 *"


async def test_readiness_and_version_need_no_token(
    started_double: tuple[HatchetDouble, Any],
) -> None:
    double, _ = started_double
    async with httpx.AsyncClient(base_url=double.server_url, timeout=PATIENCE) as http:
        assert (await http.get("/api/ready")).status_code == 200
        assert (await http.get("/api/v1/version")).json() == {"version": "v0.104.7"}


async def _code(double: HatchetDouble, run_id: str) -> int:
    async with httpx.AsyncClient(base_url=double.server_url, timeout=PATIENCE) as http:
        answer = await http.get(
            f"/api/v1/stable/workflow-runs/{run_id}/status",
            headers={"authorization": f"Bearer {double.token}"},
        )
    return answer.status_code
