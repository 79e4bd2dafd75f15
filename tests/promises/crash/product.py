"""The product: it repeats what it tells of people until it is answered, as an outbox does."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from .stories import STORIES, Story, Then

# How long the product takes to think of the next thing, at most, in seconds.
THINKING = 0.15

Answer = Mapping[str, Any]


@dataclass
class Person:
    """Somebody whom the product has told of.

    Args:
        number: which one.
        kind: whose story it is.
        events: ids of the events that were answered, by idempotency key.
        enrollment: what was entered last.
        done: how much of what the product does next is done.
    """

    number: int
    kind: str
    events: dict[str, str] = field(default_factory=dict[str, str])
    enrollment: str = ""
    done: int = 0

    @property
    def story(self) -> Story:
        return STORIES[self.kind]

    def names(self, by: str) -> tuple[str, str]:
        """Return a field of a fact and its value."""
        match by:
            case "user":
                return "user_id", f"p{self.number}"
            case "email":
                return "email", f"p{self.number}@example.com"
            case _:
                return "anonymous_id", f"a{self.number}"


class Product:
    """Feeds whichever worker lives.

    Args:
        socket: where workers connect.
        chance: decides when it goes on.
    """

    def __init__(self, socket: Path, chance: random.Random) -> None:
        self.socket = socket
        self.people: list[Person] = []
        self.faults: list[str] = []
        self.passed: dict[str, int] | None = None
        self._met, self._deserted = asyncio.Event(), asyncio.Event()
        self._deserted.set()
        self._chance = chance
        self._kinds: Iterator[str] = cycle(STORIES)
        self._asks: dict[int, tuple[Mapping[str, Any], Person | None]] = {}
        self._asked = 0
        self._thinking = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen for workers."""
        self._server = await asyncio.start_unix_server(self._meet, self.socket)

    async def close(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()

    async def met(self) -> None:
        """Return when a worker is there."""
        await self._met.wait()

    async def deserted(self) -> None:
        """Return when none is, and everything that the last one said is heard."""
        await self._deserted.wait()

    @property
    def unanswered(self) -> int:
        """How many things are still to be answered, or to be asked."""
        return len(self._asks) + self._thinking

    def tell_of_more(self, count: int) -> None:
        """Tell of new people, of each kind in turn."""
        for _ in range(count):
            self.tell_of(next(self._kinds))

    def tell_of(self, kind: str) -> None:
        """Tell of somebody whose story is of a kind."""
        person = Person(len(self.people), kind)
        self.people.append(person)
        self._tell(person, f"{kind}.begun", person.story.opening)

    def click(self, send_id: str, url: str) -> None:
        """Let somebody follow a link in a mail."""
        self._ask({"what": "click", "send": send_id, "url": url}, None)

    def send_out(self, journey_id: str) -> None:
        """Let an operator end everyone who waits in a journey."""
        ask = {"what": "exit all", "journey": journey_id}
        if all(asked != ask for asked, _ in self._asks.values()):
            self._ask(ask, None)

    def stop_worker(self) -> None:
        """Tell the worker that lives to stop."""
        assert self._writer is not None
        self._writer.write(b'"stop"\n')

    def _tell(self, person: Person, event: str, named: Any) -> None:
        fact = {
            "name": event,
            "idempotency_key": f"{event}-{person.number}-{person.done}",
            **dict(person.names(by) for by in named),
        }
        self._ask({"what": "take", "fact": fact}, person)

    def _ask(self, ask: Mapping[str, Any], person: Person | None) -> None:
        self._asked += 1
        self._asks[self._asked] = ask, person
        self._say(self._asked)

    def _say(self, number: int) -> None:
        # One that has just died hears nothing more; the next one is told.
        if self._writer is not None and not self._writer.is_closing():
            line = json.dumps({"number": number, "ask": self._asks[number][0]})
            self._writer.write(line.encode() + b"\n")

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._deserted.clear()
        self._met.set()
        for number in self._asks:
            self._say(number)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                self._hear(json.loads(line))
        self._met.clear()
        self._deserted.set()
        self._writer = None
        writer.close()

    def _hear(self, told: Mapping[str, Any]) -> None:
        if "passed" in told:
            self.passed = told["passed"]
            return
        asked = self._asks.pop(told["number"], None)
        if asked is None:
            return
        ask, person = asked
        if "error" in told["said"]:
            self.faults.append(f"{ask} was answered with {told['said']}")
        elif person is not None:
            self._note(person, ask, told["said"])

    def _note(self, person: Person, ask: Mapping[str, Any], said: Answer) -> None:
        if "again" in said:
            self._later(self._ask, ask, person)
            return
        if ask["what"] == "take":
            person.events[ask["fact"]["idempotency_key"]] = said["event"]
            for one in said["enrollments"]:
                person.enrollment = one.get("stateId") or person.enrollment
        if person.done < len(person.story.then):
            following = person.story.then[person.done]
            person.done += 1
            self._later(self._go_on, person, following)

    def _later(self, do: Callable[..., None], *what: Any) -> None:
        def go_on() -> None:
            self._thinking -= 1
            do(*what)

        self._thinking += 1
        asyncio.get_running_loop().call_later(self._chance.uniform(0, THINKING), go_on)

    def _go_on(self, person: Person, following: Then) -> None:
        if following.what == "take":
            self._tell(person, following.event, following.named)
        else:
            self._ask({"what": following.what, "enrollment": person.enrollment}, person)
