"""The stream of requests and answers of durable runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from hatchet_sdk.contracts.v1 import dispatcher_pb2 as messages
from hatchet_sdk.contracts.v1.dispatcher_pb2_grpc import V1DispatcherServicer

from tests.doubles.hatchet.engine import Engine, completed
from tests.doubles.hatchet.log import (
    NonDeterminism,
    build_fingerprint,
    describe,
    end_by_earlier,
    parse_conditions,
    replay_or_append_entry,
)
from tests.doubles.hatchet.metadata import decoded
from tests.doubles.hatchet.rows import Entry, Run

Answers = asyncio.Queue[messages.DurableTaskResponse]
DurableRequest = (
    messages.DurableTaskMemoRequest
    | messages.DurableTaskWaitForRequest
    | messages.DurableTaskTriggerRunsRequest
)


class Durable(V1DispatcherServicer):
    """Keeps the logs of durable runs.

    Args:
        engine: holds the rows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def DurableTask(
        self,
        requests: AsyncIterator[messages.DurableTaskRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[messages.DurableTaskResponse]:
        answers: Answers = asyncio.Queue()

        async def receive_requests() -> None:
            async for request in requests:
                self._receive(request, answers)

        receiving = asyncio.create_task(receive_requests())
        receiving.add_done_callback(lambda _: answers.put_nowait(messages.DurableTaskResponse()))
        try:
            while True:
                answer = await answers.get()
                if answer.WhichOneof("message") is None:
                    # Raises if the stream ended with an error.
                    await receiving
                    return
                yield answer
        finally:
            receiving.cancel()
            streams = self._engine.durable_streams
            for run_id in [key for key, stream in streams.items() if stream is answers]:
                del streams[run_id]

    def _receive(self, request: messages.DurableTaskRequest, answers: Answers) -> None:
        kind = request.WhichOneof("message")
        if kind == "register_worker":
            worker = messages.DurableTaskResponseRegisterWorker(
                worker_id=request.register_worker.worker_id
            )
            answers.put_nowait(messages.DurableTaskResponse(register_worker=worker))
        elif kind == "memo":
            self._answer(request.memo, answers)
        elif kind == "wait_for":
            self._answer(request.wait_for, answers)
        elif kind == "trigger_runs":
            self._answer(request.trigger_runs, answers)
        elif kind == "complete_memo":
            self._complete_memo(request.complete_memo)
        elif kind == "evict_invocation":
            self._evict(request.evict_invocation, answers)
        elif kind == "worker_status":
            self._repeat(request.worker_status, answers)

    def _answer(self, request: DurableRequest, answers: Answers) -> None:
        run = self._engine.rows.runs.get(request.durable_task_external_id)
        if run is None:
            return
        self._engine.durable_streams[run.id] = answers
        if request.invocation_count != run.invocation:
            reason = (
                f"invocation count mismatch for task {run.id}:"
                f" server has {run.invocation}, worker sent {request.invocation_count}"
            )
            answers.put_nowait(_stale(run, request.invocation_count, reason))
            return
        try:
            if isinstance(request, messages.DurableTaskMemoRequest):
                self._memo(run, request, answers)
            elif isinstance(request, messages.DurableTaskWaitForRequest):
                self._wait_for(run, request, answers)
            else:
                self._trigger_runs(run, request, answers)
        except NonDeterminism as error:
            answers.put_nowait(_refusal(run, error))

    def _memo(self, run: Run, request: messages.DurableTaskMemoRequest, answers: Answers) -> None:
        entry, existed = replay_or_append_entry(run, "MEMO", ("MEMO", request.key.hex()), "memo")
        if request.payload and not existed:
            entry.payload, entry.satisfied = request.payload, True
        ack = messages.DurableTaskEventMemoAckResponse(
            ref=_ref(run, entry.node_id), memo_already_existed=existed
        )
        if entry.satisfied:
            ack.memo_result_payload = entry.payload
        answers.put_nowait(messages.DurableTaskResponse(memo_ack=ack))
        if entry.satisfied:
            answers.put_nowait(completed(run, entry))

    def _complete_memo(self, done: messages.DurableTaskCompleteMemoRequest) -> None:
        run = self._engine.rows.runs.get(done.ref.durable_task_external_id)
        if run is None or not 1 <= done.ref.node_id <= len(run.log):
            return
        entry = run.log[done.ref.node_id - 1]
        if not entry.satisfied:
            entry.payload, entry.satisfied = done.payload, True

    def _wait_for(
        self, run: Run, request: messages.DurableTaskWaitForRequest, answers: Answers
    ) -> None:
        conditions = parse_conditions(request.wait_for_conditions)
        entry, existed = replay_or_append_entry(
            run, "WAIT_FOR", build_fingerprint(conditions), describe(conditions)
        )
        if not existed:
            entry.conditions = conditions
        if not entry.satisfied:
            end_by_earlier(entry, self._engine.rows.events)
        ack = messages.DurableTaskEventWaitForAckResponse(ref=_ref(run, entry.node_id))
        answers.put_nowait(messages.DurableTaskResponse(wait_for_ack=ack))
        if entry.satisfied:
            answers.put_nowait(completed(run, entry))

    def _trigger_runs(
        self, run: Run, request: messages.DurableTaskTriggerRunsRequest, answers: Answers
    ) -> None:
        entries: list[Entry] = []
        for child in request.trigger_opts:
            fingerprint = ("RUN", child.input, child.name)
            entry, existed = replay_or_append_entry(run, "RUN", fingerprint, f"run({child.name})")
            if not existed:
                entry.child_id = self._engine.start_run(
                    child.name,
                    child.input,
                    decoded(child.additional_metadata),
                    priority=child.priority or 1,
                    parent_id=run.id,
                )
            entries.append(entry)
        ack = messages.DurableTaskEventTriggerRunsAckResponse(
            durable_task_external_id=run.id,
            invocation_count=run.invocation,
            run_entries=[
                messages.DurableTaskRunAckEntry(
                    node_id=entry.node_id, branch_id=1, workflow_run_external_id=entry.child_id
                )
                for entry in entries
            ],
        )
        answers.put_nowait(messages.DurableTaskResponse(trigger_runs_ack=ack))
        for entry in entries:
            if entry.satisfied:
                answers.put_nowait(completed(run, entry))

    def _evict(self, request: messages.DurableTaskEvictInvocationRequest, answers: Answers) -> None:
        run = self._engine.rows.runs.get(request.durable_task_external_id)
        ack = messages.DurableTaskEvictionAckResponse(
            invocation_count=request.invocation_count,
            durable_task_external_id=request.durable_task_external_id,
        )
        answers.put_nowait(messages.DurableTaskResponse(eviction_ack=ack))
        if self._engine.ignores_evictions:
            return
        if run is not None and run.status == "RUNNING" and not run.evicted:
            self._engine.evict(run, request.reason)

    def _repeat(self, status: messages.DurableTaskWorkerStatusRequest, answers: Answers) -> None:
        for waiting in status.waiting_entries:
            run = self._engine.rows.runs.get(waiting.durable_task_external_id)
            if run is None or run.stranded or run.missed or waiting.node_id > len(run.log):
                continue
            if waiting.invocation_count < run.invocation:
                reason = (
                    f"stale invocation: server has {run.invocation},"
                    f" worker sent {waiting.invocation_count}"
                )
                answers.put_nowait(_stale(run, waiting.invocation_count, reason))
            elif run.log[waiting.node_id - 1].satisfied:
                answers.put_nowait(completed(run, run.log[waiting.node_id - 1]))


def _ref(run: Run, node_id: int) -> messages.DurableEventLogEntryRef:
    return messages.DurableEventLogEntryRef(
        durable_task_external_id=run.id,
        invocation_count=run.invocation,
        branch_id=1,
        node_id=node_id,
    )


def _stale(run: Run, invocation: int, reason: str) -> messages.DurableTaskResponse:
    notice = messages.DurableTaskServerEvictNotice(
        durable_task_external_id=run.id, invocation_count=invocation, reason=reason
    )
    return messages.DurableTaskResponse(server_evict=notice)


def _refusal(run: Run, error: NonDeterminism) -> messages.DurableTaskResponse:
    refusal = messages.DurableTaskErrorResponse(
        ref=_ref(run, error.node_id),
        error_type=messages.DURABLE_TASK_ERROR_TYPE_NONDETERMINISM,
        error_message=str(error),
    )
    return messages.DurableTaskResponse(error=refusal)
