"""Runs the effects of `ctx.step` so that they block neither the server nor each other."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid5

from ..config.author_environment import mask_author_secrets
from ..domain.durations import describe_duration
from ..domain.journal import encode, to_storable_text
from ..errors import StepFailed, ValueNotStorable
from .calls.effect import Effect
from .daemon_threads import DaemonThreads
from .error_remedies import explain_error
from .step_attempts import StepAttempt

# How many effects of one journey run at the same time.
MAX_CONCURRENT_STEPS = 32
# A loop that does not respond for this long, in seconds, counts as blocked.
_LOOP_TIMEOUT = 1.0
_MAX_ERROR_LENGTH = 2000

log = logging.getLogger("hogsend.turns")


class _JourneySlots:
    """The slots of one journey, which limit how many of its effects run at the same time."""

    def __init__(self) -> None:
        self.semaphore = asyncio.Semaphore(MAX_CONCURRENT_STEPS)
        self._lost = 0

    @property
    def are_all_lost(self) -> bool:
        """Whether abandoned threads occupy every slot."""
        return self._lost >= MAX_CONCURRENT_STEPS

    def lose(self) -> None:
        """Count a slot that an abandoned thread occupies until it returns."""
        self._lost += 1
        if self.are_all_lost:
            # Effects that wait for a slot would wait forever; this release lets them fail.
            self.semaphore.release()

    def regain(self) -> None:
        """Release the slot of an abandoned thread that has returned."""
        if not self.are_all_lost:
            self.semaphore.release()
        self._lost -= 1


class _Slot:
    """The slot of one effect; an abandoned thread keeps its slot.

    Args:
        slots: the slots of the journey.
    """

    def __init__(self, slots: _JourneySlots) -> None:
        self._slots = slots
        self.is_kept = False

    async def __aenter__(self) -> _Slot:
        await self._slots.semaphore.acquire()
        return self

    async def __aexit__(self, *raised: object) -> None:
        if not self.is_kept:
            self._slots.semaphore.release()

    def keep(self) -> None:
        """Leave the slot to a thread that is abandoned."""
        self.is_kept = True
        self._slots.lose()

    def free(self) -> None:
        """Release the slot when the abandoned thread has returned."""
        self._slots.regain()


class StepRunner:
    """Runs authors' effects: `async` functions on a loop for each journey, others on threads."""

    def __init__(self) -> None:
        self._threads = DaemonThreads("steps")
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}
        self._slots: dict[str, _JourneySlots] = {}

    async def run(
        self, journey_id: str, effect: Effect, step_id: UUID, attempt: int
    ) -> StepAttempt:
        """Run an effect once.

        Args:
            journey_id: the journey; each has its own slots.
            effect: the effect. A plain function that exceeds its timeout is abandoned, and keeps
                its slot until it returns.
            step_id: the id of the step, the same at every attempt.
            attempt: the number of the attempt, from 1.

        Returns:
            The outcome; an error of the effect is part of the outcome and is not raised.
        """
        slots = self._slots.setdefault(journey_id, _JourneySlots())
        async with _Slot(slots) as slot:
            if slots.are_all_lost:
                return StepAttempt(
                    error=f"The step was not started: {_describe_lost_slots()}", attempt=attempt
                )
            limit = asyncio.timeout(effect.timeout.total_seconds())
            try:
                async with limit:
                    call = self._call(journey_id, effect.run, step_id, slot)
                    answer = await _raise_own_cancellation(call)
            except StepFailed as error:
                message = mask_author_secrets(to_storable_text(str(error.message)))
                return StepAttempt(error=message, final=True, attempt=attempt)
            except Exception as error:
                if not limit.expired():
                    return StepAttempt(error=_format_traceback(error), attempt=attempt)
                if not slot.is_kept:
                    await self._replace_blocked_loop(journey_id, slot)
                if slot.is_kept and slots.are_all_lost:
                    log.error(
                        "steps of %s are no longer started: %s", journey_id, _describe_lost_slots()
                    )
                text = f"The step took longer than {describe_duration(effect.timeout)}."
                return StepAttempt(error=text, attempt=attempt)
        try:
            return StepAttempt(encode(answer), attempt=attempt)
        except ValueNotStorable as error:
            # Another attempt would repeat the effect, and probably return the same value.
            return StepAttempt(error=f"The step was done, but {error}", final=True, attempt=attempt)

    async def _call(
        self, journey_id: str, function: Callable[[UUID], Any], step_id: UUID, slot: _Slot
    ) -> Any:
        # In an empty context `IN_JOURNEY` is not set, so that `ctx` calls raise an error.
        answer = await self._on_thread(lambda: contextvars.Context().run(function, step_id), slot)
        return await self._await(journey_id, answer) if inspect.isawaitable(answer) else answer

    async def _replace_blocked_loop(self, journey_id: str, slot: _Slot) -> None:
        """Replace a journey's loop when one of its effects blocks the loop."""
        loop = self._loops.get(journey_id)
        if loop is None:
            return
        answer = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(answer), _LOOP_TIMEOUT)
        except TimeoutError:
            if self._loops.get(journey_id) is not loop:
                return
            del self._loops[journey_id]
            log.error(
                "an async step of %s blocks its thread: use a plain function, or await", journey_id
            )
            slot.keep()
            own_loop = asyncio.get_running_loop()

            def stop() -> None:
                loop.stop()
                with suppress(RuntimeError):
                    own_loop.call_soon_threadsafe(slot.free)

            loop.call_soon_threadsafe(stop)

    async def _on_thread(self, call: Callable[[], Any], slot: _Slot) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def set_outcome(value: Any, error: BaseException | None) -> None:
            if answer.cancelled():
                slot.free()
            elif error is None:
                answer.set_result(value)
            else:
                # A future rejects StopIteration, and SystemExit would end the server.
                can_raise = isinstance(error, Exception) and not isinstance(error, StopIteration)
                answer.set_exception(error if can_raise else RuntimeError(repr(error)))

        def job() -> None:
            value, error = None, None
            try:
                value = call()
            except BaseException as raised:
                error = raised
            # The loop may have ended when an abandoned thread returns.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(set_outcome, value, error)

        self._threads.run(job)
        try:
            return await answer
        finally:
            if answer.cancelled():
                slot.keep()

    async def _await(self, journey_id: str, awaitable: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            try:
                return await awaitable
            except Exception:
                raise
            except BaseException as error:
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
                    raise
                # The effect has raised this error, which would end the task that awaits the effect.
                raise RuntimeError(repr(error)) from error

        return await asyncio.wrap_future(_submit(wait(), self._get_loop(journey_id)))

    def _get_loop(self, journey_id: str) -> asyncio.AbstractEventLoop:
        """Return the loop of a journey's effects, which no other journey uses."""
        loop = self._loops.get(journey_id)
        if loop is None:
            loop = self._loops[journey_id] = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(loop,), name="steps", daemon=True).start()
        return loop

    def close(self) -> None:
        """Stop the loops, and abandon running effects; the next process repeats them."""
        for loop in self._loops.values():
            loop.call_soon_threadsafe(loop.stop)
        self._loops.clear()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and cancel its remaining tasks."""
    try:
        while not _run_until_stopped(loop):
            pass
    finally:
        loop.run_until_complete(_cancel_tasks(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> bool:
    """Run a loop; return False when an effect ended the loop with an exit, and it must run on."""
    try:
        loop.run_forever()
    except (SystemExit, KeyboardInterrupt):
        return False
    return True


async def _cancel_tasks(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _submit(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Run a coroutine on a loop of another thread, in an empty context."""
    return contextvars.Context().run(asyncio.run_coroutine_threadsafe, coroutine, loop)


def _describe_lost_slots() -> str:
    return (
        f"{MAX_CONCURRENT_STEPS} functions of this journey's steps have not returned, long after "
        "their timeout. Give what they call a time limit of its own, and restart the server."
    )


async def _raise_own_cancellation(effect: Coroutine[Any, Any, Any]) -> Any:
    """Return the answer of an effect; turn a cancellation by the effect itself into an error."""
    try:
        return await effect
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("it was cancelled by its own code") from None


def _format_traceback(error: BaseException) -> str:
    """Return the traceback of an effect's error, without the frames of this file."""
    if remedy := explain_error(error):
        error.add_note(remedy)
    lines = traceback.format_exception(error)
    text = "".join(line for line in lines if "/turns/step_runner.py" not in line)
    # Masked first: what is cut off a secret would not be recognised.
    return to_storable_text(mask_author_secrets(text)[-_MAX_ERROR_LENGTH:])


def compute_step_id(enrollment_id: UUID, key: str) -> UUID:
    """Return the id of a step, the same at every attempt.

    Args:
        enrollment_id: the enrollment.
        key: the journal key of the step.
    """
    return uuid5(enrollment_id, key)
