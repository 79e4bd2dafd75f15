"""A product that repeats each request until a worker answers, as an outbox does."""

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

from .scenarios import SCENARIOS, FollowUp, Scenario

# The longest delay before a follow-up, in seconds.
MAX_DELAY = 0.15

Request = Mapping[str, Any]
Answer = Mapping[str, Any]


@dataclass
class Customer:
    """A customer of the product.

    Args:
        number: the customer's number, from 0.
        kind: the name of the customer's scenario.
        events: ids of the events that a worker has accepted, by idempotency key.
        enrollment: the id of the customer's latest enrollment.
        follow_ups_done: how many follow-ups of the scenario have been sent.
    """

    number: int
    kind: str
    events: dict[str, str] = field(default_factory=dict[str, str])
    enrollment: str = ""
    follow_ups_done: int = 0

    @property
    def scenario(self) -> Scenario:
        return SCENARIOS[self.kind]

    def identity(self, kind: str) -> tuple[str, str]:
        """Return an identity of the customer as a field of an event, and its value."""
        match kind:
            case "user":
                return "user_id", f"p{self.number}"
            case "email":
                return "email", f"p{self.number}@example.com"
            case _:
                return "anonymous_id", f"a{self.number}"


class Product:
    """Sends requests to the worker that is connected, and again to the next one without an answer.

    Args:
        socket: the path of the Unix socket that workers connect to.
        rng: decides how long follow-ups are delayed.
    """

    def __init__(self, socket: Path, rng: random.Random) -> None:
        self.socket = socket
        self.customers: list[Customer] = []
        self.errors: list[str] = []
        self.reached: dict[str, int] | None = None
        self.answers = 0
        self._connected, self._disconnected = asyncio.Event(), asyncio.Event()
        self._disconnected.set()
        self._rng = rng
        self._kinds: Iterator[str] = cycle(SCENARIOS)
        self._requests: dict[int, tuple[Request, Customer | None]] = {}
        self._last_number = 0
        self._delayed = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen for workers."""
        self._server = await asyncio.start_unix_server(self._serve_worker, self.socket)

    async def close(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()

    async def wait_for_worker(self) -> None:
        """Return when a worker is connected."""
        await self._connected.wait()

    async def wait_for_disconnect(self) -> None:
        """Return when no worker is connected and everything that the last one sent is read."""
        await self._disconnected.wait()

    @property
    def pending(self) -> int:
        """The number of requests without an answer, delayed ones included."""
        return len(self._requests) + self._delayed

    def add_customers(self, count: int) -> None:
        """Add customers, of each kind in turn."""
        for _ in range(count):
            self.add_customer(next(self._kinds))

    def add_customer(self, kind: str) -> None:
        """Add a customer and send its first event."""
        customer = Customer(len(self.customers), kind)
        self.customers.append(customer)
        self._send_event(customer, f"{kind}.started", customer.scenario.identities)

    def click(self, send_id: str, url: str) -> None:
        """Click a link in a mail."""
        self._send({"kind": "click", "send": send_id, "url": url}, None)

    def exit_all(self, journey_id: str) -> None:
        """End all waiting enrollments of a journey, as an operator."""
        request = {"kind": "exit all", "journey": journey_id}
        if all(pending != request for pending, _ in self._requests.values()):
            self._send(request, None)

    def stop_worker(self) -> None:
        """Tell the connected worker to stop; `reached` is set when it has stopped."""
        assert self._writer is not None
        self.reached = None
        self._writer.write(b'"stop"\n')

    def _send_event(self, customer: Customer, name: str, identities: Any) -> None:
        event = {
            "name": name,
            "idempotency_key": f"{name}-{customer.number}-{customer.follow_ups_done}",
            **dict(customer.identity(kind) for kind in identities),
        }
        self._send({"kind": "event", "event": event}, customer)

    def _send(self, request: Request, customer: Customer | None) -> None:
        self._last_number += 1
        self._requests[self._last_number] = request, customer
        self._write(self._last_number)

    def _write(self, number: int) -> None:
        # A worker that has just died misses the request; the next one gets it.
        if self._writer is not None and not self._writer.is_closing():
            line = json.dumps({"number": number, "request": self._requests[number][0]})
            self._writer.write(line.encode() + b"\n")

    async def _serve_worker(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writer = writer
        self._disconnected.clear()
        self._connected.set()
        for number in self._requests:
            self._write(number)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                self._receive(json.loads(line))
        self._connected.clear()
        self._disconnected.set()
        self._writer = None
        writer.close()

    def _receive(self, message: Mapping[str, Any]) -> None:
        if "reached" in message:
            self.reached = message["reached"]
            return
        self.answers += 1
        entry = self._requests.pop(message["number"], None)
        if entry is None:
            return
        request, customer = entry
        if "error" in message["answer"]:
            self.errors.append(f"{request} was answered with {message['answer']}")
        elif customer is not None:
            self._process_answer(customer, request, message["answer"])

    def _process_answer(self, customer: Customer, request: Request, answer: Answer) -> None:
        if "retry" in answer:
            self._delay(self._send, request, customer)
            return
        if request["kind"] == "event":
            customer.events[request["event"]["idempotency_key"]] = answer["event"]
            for decision in answer["enrollments"]:
                customer.enrollment = decision.get("stateId") or customer.enrollment
        if customer.follow_ups_done < len(customer.scenario.follow_ups):
            follow_up = customer.scenario.follow_ups[customer.follow_ups_done]
            customer.follow_ups_done += 1
            self._delay(self._send_follow_up, customer, follow_up)

    def _delay(self, function: Callable[..., None], *arguments: Any) -> None:
        def call() -> None:
            self._delayed -= 1
            function(*arguments)

        self._delayed += 1
        asyncio.get_running_loop().call_later(self._rng.uniform(0, MAX_DELAY), call)

    def _send_follow_up(self, customer: Customer, follow_up: FollowUp) -> None:
        if follow_up.kind == "event":
            self._send_event(customer, follow_up.event, follow_up.identities)
        else:
            self._send({"kind": follow_up.kind, "enrollment": customer.enrollment}, customer)
