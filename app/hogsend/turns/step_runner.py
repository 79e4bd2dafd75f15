"""Runs the effects of `ctx.step`, where they can neither hold up the server nor each other."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from ..domain.durations import words
from ..domain.journal import as_text, encode
from ..errors import StepFailed, ValueNotStorable
from .daemon_threads import DaemonThreads
from .step_attempts import StepAttempt

# Effects of one journey under way at once.
AT_ONCE = 32
# How long a loop may take to answer before it counts as blocked, in seconds.
_PATIENCE = 1.0

log = logging.getLogger("hogsend.turns")


class _Share:
    """What effects of one journey may have under way at once."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(AT_ONCE)
        self._lost = 0

    @property
    def is_lost(self) -> bool:
        """Whether every slot is with a thread that was given up."""
        return self._lost >= AT_ONCE

    def lose(self) -> None:
        """Note that a thread was given up: its slot is not free before it comes back."""
        self._lost += 1
        if self.is_lost:
            # Whoever waits for a slot would wait for ever, and is told instead.
            self.slots.release()

    def regain(self) -> None:
        """Note that a thread that was given up has come back."""
        if not self.is_lost:
            self.slots.release()
        self._lost -= 1


class _Slot:
    """An effect's own part of its journey's share; a thread that is given up keeps it.

    Args:
        share: the journey's.
    """

    def __init__(self, share: _Share) -> None:
        self._share = share
        self.is_kept = False

    async def __aenter__(self) -> _Slot:
        await self._share.slots.acquire()
        return self

    async def __aexit__(self, *raised: object) -> None:
        if not self.is_kept:
            self._share.slots.release()

    def keep(self) -> None:
        """Give up the thread that the effect keeps."""
        self.is_kept = True
        self._share.lose()

    def free(self) -> None:
        """Hear that the thread has come back."""
        self._share.regain()


class StepRunner:
    """Runs authors' effects: `async` ones on a loop of each journey, plain ones on threads."""

    def __init__(self) -> None:
        self._threads = DaemonThreads("steps")
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}
        self._shares: dict[str, _Share] = {}

    async def run(
        self,
        journey_id: str,
        effect: Callable[[UUID], Any],
        step_id: UUID,
        timeout: timedelta,  # noqa: ASYNC109 (it is the step's own)
        attempt: int,
    ) -> StepAttempt:
        """Try an effect once.

        Args:
            journey_id: whose it is; each journey has its own share of what runs at once.
            effect: the author's function; it gets the step's id.
            step_id: the same at every try.
            timeout: how long it may take; a plain one that takes longer is left to itself, and
                counts as under way until it comes back.
            attempt: which try it is, from 1.
        """
        share = self._shares.setdefault(journey_id, _Share())
        async with _Slot(share) as slot:
            if share.is_lost:
                return StepAttempt(error=f"It was not begun: {_none_left()}", attempt=attempt)
            limit = asyncio.timeout(timeout.total_seconds())
            try:
                async with limit:
                    answer = await _not_cancelled(self._call(journey_id, effect, step_id, slot))
            except StepFailed as error:
                return StepAttempt(error=as_text(str(error.message)), final=True, attempt=attempt)
            except Exception as error:
                if not limit.expired():
                    return StepAttempt(error=_told(error), attempt=attempt)
                if not slot.is_kept:
                    await self._let_go_blocked(journey_id, slot)
                if slot.is_kept and share.is_lost:
                    log.error("steps of %s are not begun any more: %s", journey_id, _none_left())
                text = f"It took longer than {words(timeout)}."
                return StepAttempt(error=text, attempt=attempt)
        try:
            return StepAttempt(encode(answer), attempt=attempt)
        except ValueNotStorable as error:
            # Trying again would do the effect again, and come to the same.
            return StepAttempt(error=f"It was done, but {error}", final=True, attempt=attempt)

    async def _call(
        self, journey_id: str, effect: Callable[[UUID], Any], step_id: UUID, slot: _Slot
    ) -> Any:
        # An empty context: the effect is not driven by a player, and can use asyncio.
        found = await self._on_thread(lambda: contextvars.Context().run(effect, step_id), slot)
        return await self._await(journey_id, found) if inspect.isawaitable(found) else found

    async def _let_go_blocked(self, journey_id: str, slot: _Slot) -> None:
        """Give a journey another loop when one of its effects keeps the thread of its own."""
        loop = self._loops.get(journey_id)
        if loop is None:
            return
        there = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(there), _PATIENCE)
        except TimeoutError:
            if self._loops.get(journey_id) is not loop:
                return
            del self._loops[journey_id]
            log.error(
                "an async step of %s blocks its thread: use a plain function, or await", journey_id
            )
            slot.keep()
            ours = asyncio.get_running_loop()

            def go() -> None:
                loop.stop()
                with suppress(RuntimeError):
                    ours.call_soon_threadsafe(slot.free)

            loop.call_soon_threadsafe(go)

    async def _on_thread(self, call: Callable[[], Any], slot: _Slot) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def settle(value: Any, error: BaseException | None) -> None:
            if answer.cancelled():
                slot.free()
            elif error is None:
                answer.set_result(value)
            else:
                # A future takes no StopIteration, and SystemExit would end the server.
                kept = error if isinstance(error, Exception) else RuntimeError(repr(error))
                answer.set_exception(
                    RuntimeError(repr(kept)) if isinstance(kept, StopIteration) else kept
                )

        def job() -> None:
            value, error = None, None
            try:
                value = call()
            except BaseException as raised:
                error = raised
            # The loop may be gone when one that was given up comes back.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, value, error)

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
                # Of the effect's own doing; as it is, it would end whoever waits for it.
                raise RuntimeError(repr(error)) from error

        return await asyncio.wrap_future(_submit(wait(), self._loop_of(journey_id)))

    def _loop_of(self, journey_id: str) -> asyncio.AbstractEventLoop:
        """Return the loop of a journey's effects: one that blocks holds up only its own."""
        loop = self._loops.get(journey_id)
        if loop is None:
            loop = self._loops[journey_id] = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(loop,), name="steps' loop", daemon=True).start()
        return loop

    def close(self) -> None:
        """Let the loops go; what still runs is left to itself, and is tried again by the next."""
        for loop in self._loops.values():
            loop.call_soon_threadsafe(loop.stop)
        self._loops.clear()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and end what is left on it."""
    try:
        while not _ran(loop):
            pass
    finally:
        loop.run_until_complete(_end_tasks(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _ran(loop: asyncio.AbstractEventLoop) -> bool:
    """Run a loop; return False when a task of an effect broke out of it, and it is to go on."""
    try:
        loop.run_forever()
    except (SystemExit, KeyboardInterrupt):
        return False
    return True


async def _end_tasks(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _submit(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Run a coroutine on a loop of another thread, in an empty context."""
    return contextvars.Context().run(asyncio.run_coroutine_threadsafe, coroutine, loop)


def _none_left() -> str:
    return (
        f"{AT_ONCE} functions of this journey's steps have not come back, long after their time. "
        "Give what they call a time limit of its own, and start the server anew."
    )


async def _not_cancelled(effect: Coroutine[Any, Any, Any]) -> Any:
    """Return what an effect gives; one that is cancelled by its own code raises like another."""
    try:
        return await effect
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("it was cancelled by its own code") from None


def _told(error: BaseException) -> str:
    """Return an effect's error without the frames of this file."""
    lines = traceback.format_exception(error)
    told = "".join(line for line in lines if "/turns/step_runner.py" not in line)[-2000:]
    return as_text(told)


def taking_its_id(fn: Callable[..., Any]) -> Callable[[UUID], Any]:
    """Return a function that takes the step's id, whether the author's does or not."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return lambda step_id: fn()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return fn if required else lambda step_id: fn()


def step_id(enrollment_id: UUID, key: str) -> UUID:
    """Return the id of a step, the same at every try.

    Args:
        enrollment_id: of which enrollment.
        key: its journal key.
    """
    return uuid5(enrollment_id, key)
