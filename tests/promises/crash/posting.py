"""What the journeys' steps do: they post their id to a web server, and return its answer."""

from __future__ import annotations

import asyncio
import json
import os
from http.client import HTTPConnection
from uuid import UUID

from .points import passes

# The port of the server.
PORT = "CRASH_WEBHOOK_PORT"
BEFORE, TOLD = "step: before it is told", "step: told, before it returns"
POINTS = (BEFORE, TOLD)


class Unwilling(Exception):
    """The server has refused."""


def post(path: str, step_id: UUID) -> int:
    """Post a step's id, and return the number in the answer.

    Raises:
        Unwilling: it was refused.
    """
    passes(BEFORE)
    connection = HTTPConnection("127.0.0.1", int(os.environ[PORT]), timeout=10)
    try:
        connection.request("POST", path, str(step_id))
        answer = connection.getresponse()
        said = json.loads(answer.read())
    finally:
        connection.close()
    passes(TOLD)
    if answer.status != 200:
        raise Unwilling(path)
    return said["number"]


async def post_without_waiting(path: str, step_id: UUID) -> int:
    """Do the same on a loop.

    Raises:
        Unwilling: it was refused.
    """
    passes(BEFORE)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(os.environ[PORT]))
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: sink\r\nContent-Length: 36\r\n\r\n{step_id}".encode()
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    passes(TOLD)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise Unwilling(path)
    return json.loads(body)["number"]
