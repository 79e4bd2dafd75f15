"""Calls a server over connections that stay open, as a product's servers do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server import Server

EVENTS, BATCH = "/v1/events", "/v1/events/batch"


def event(name: str, who: str) -> dict[str, Any]:
    """Return the body of an event of a person with an address."""
    return {"name": name, "userId": who, "email": f"{who}@example.com"}


class Line:
    """One connection; one call after the other.

    Args:
        server: who is called.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post a body as JSON and return the answer's; raises unless it was taken."""
        if self._streams is None:
            host, port = self._server.address.removeprefix("http://").split(":")
            self._streams = await asyncio.open_connection(host, int(port))
        reader, writer = self._streams
        data = json.dumps(body).encode()
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._server.key}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        answer = await reader.readexactly(length)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
            raise RuntimeError(head.decode() + answer.decode())
        if b"\r\nconnection: close" in head.lower():
            # A server does not serve one connection forever.
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(frozen=True, slots=True)
class Call:
    """An event that was posted.

    Args:
        who: the user id.
        at: when it was due to be posted, in seconds since 1970.
        taken: seconds from then to the answer.
    """

    who: str
    at: float
    taken: float


async def steadily(
    server: Server,
    rate: float,
    seconds: float,
    make: Callable[[int], dict[str, Any]],
    *,
    over: Callable[[], bool] = lambda: False,
    lines: int = 32,
) -> list[Call]:
    """Post events at a steady rate, whether or not the server keeps up.

    A call that has to wait for a free connection is late, and its wait counts.

    Args:
        server: who is called.
        rate: events a second.
        seconds: for how long at most.
        make: the body of the event with a number.
        over: whether it is enough already.
        lines: how many connections at most.
    """
    free = [Line(server) for _ in range(lines)]
    room = asyncio.Semaphore(lines)
    calls: list[Call] = []
    begun, clock = time.time(), time.monotonic()

    async def send_one(number: int) -> None:
        body, due = make(number), number / rate
        async with room:
            line = free.pop()
            await line.post(EVENTS, body)
            free.append(line)
        calls.append(Call(body["userId"], begun + due, time.monotonic() - clock - due))

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(clock + number / rate - time.monotonic())
            if over():
                break
            group.create_task(send_one(number))
    for line in free:
        line.close()
    return calls


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that a part (0 to 1) of the values is below."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
