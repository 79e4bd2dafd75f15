"""What the steps of the journeys run: they post the step's id to a web server."""

from __future__ import annotations

import asyncio
import json
import os
from http.client import HTTPConnection
from uuid import UUID

from .kill_points import reach

# The environment variable that holds the server's port.
PORT = "CRASH_WEBHOOK_PORT"
BEFORE_POST, AFTER_POST = "step: before its request", "step: after the reply"
POINTS = (BEFORE_POST, AFTER_POST)


class StepRefused(Exception):
    """The server answered with an error status."""


def post_step_id(path: str, step_id: UUID) -> int:
    """Post a step's id, and return the number in the answer.

    Raises:
        StepRefused: the server answered with an error status.
    """
    reach(BEFORE_POST)
    connection = HTTPConnection("127.0.0.1", int(os.environ[PORT]), timeout=30)
    try:
        connection.request("POST", path, str(step_id))
        answer = connection.getresponse()
        body = json.loads(answer.read())
    finally:
        connection.close()
    reach(AFTER_POST)
    if answer.status != 200:
        raise StepRefused(path)
    return body["number"]


async def post_step_id_async(path: str, step_id: UUID) -> int:
    """Post a step's id without blocking the event loop, and return the number in the answer.

    Raises:
        StepRefused: the server answered with an error status.
    """
    reach(BEFORE_POST)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(os.environ[PORT]))
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: sink\r\nContent-Length: 36\r\n\r\n{step_id}".encode()
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    reach(AFTER_POST)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise StepRefused(path)
    return json.loads(body)["number"]
