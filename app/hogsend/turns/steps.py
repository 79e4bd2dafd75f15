"""Runs the effects of `ctx.step`, where they can neither hold up the server nor each other."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from ..domain.durations import words
from ..domain.journal import as_text, encode
from ..errors import StepFailed, ValueNotStorable
from .threads import Threads
from .trying import Tried

# Effects of one journey under way at once.
AT_ONCE = 32
# How long a loop may take to answer before it counts as blocked, in seconds.
_PATIENCE = 1.0

log = logging.getLogger("hogsend.turns")


class Effects:
    """Runs authors' effects: `async` ones on a loop of each journey, plain ones on threads."""

    def __init__(self) -> None:
        self._threads = Threads("steps")
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def run(
        self,
        journey_id: str,
        effect: Callable[[UUID], Any],
        step_id: UUID,
        timeout: timedelta,  # noqa: ASYNC109 (it is the step's own)
        attempt: int,
    ) -> Tried:
        """Try an effect once.

        Args:
            journey_id: whose it is; each journey has its own share of what runs at once.
            effect: the author's function; it gets the step's id.
            step_id: the same at every try.
            timeout: how long it may take; a plain one that takes longer is left to itself.
            attempt: which try it is, from 1.
        """
        async with self._slots[journey_id]:
            limit = asyncio.timeout(timeout.total_seconds())
            try:
                async with limit:
                    answer = await self._call(journey_id, effect, step_id)
            except StepFailed as error:
                return Tried(error=as_text(error.message), final=True, attempt=attempt)
            except Exception as error:
                if not limit.expired():
                    return Tried(error=_told(error), attempt=attempt)
                await self._let_go_blocked(journey_id)
                text = f"It took longer than {words(timeout)}."
                return Tried(error=text, attempt=attempt)
        try:
            return Tried(encode(answer), attempt=attempt)
        except ValueNotStorable as error:
            # Trying again would do the effect again, and come to the same.
            return Tried(error=f"It was done, but {error}", final=True, attempt=attempt)

    async def _call(self, journey_id: str, effect: Callable[[UUID], Any], step_id: UUID) -> Any:
        # An empty context: the effect is not driven by a player, and can use asyncio.
        found = await self._on_thread(lambda: contextvars.Context().run(effect, step_id))
        return await self._await(journey_id, found) if inspect.isawaitable(found) else found

    async def _let_go_blocked(self, journey_id: str) -> None:
        """Give a journey another loop when one of its effects keeps the thread of its own."""
        loop = self._loops.get(journey_id)
        if loop is None:
            return
        there = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(there), _PATIENCE)
        except TimeoutError:
            if self._loops.pop(journey_id, None) is not None:
                log.error(
                    "an async step of %s blocks its thread: use a plain function, or await",
                    journey_id,
                )
                loop.call_soon_threadsafe(loop.stop)

    async def _on_thread(self, call: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def settle(value: Any, error: BaseException | None) -> None:
            if answer.done():
                return
            if error is None:
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
        return await answer

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


def _told(error: BaseException) -> str:
    """Return an effect's error without the frames of this file."""
    lines = traceback.format_exception(error)
    told = "".join(line for line in lines if "/turns/steps.py" not in line)[-2000:]
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
