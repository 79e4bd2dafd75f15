"""Forms with a file are read as they arrive, in little memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart
from werkzeug.datastructures import Headers

from hogsend.errors import InvalidInput, TooLarge
from hogsend.web.request_body import MAX_PENDING_BYTES, PacedConnection, SizedRequest
from hogsend.web.upload_form import UploadForm, read_upload_form
from tests.web.uploading import BOUNDARY, build_form


async def read_body(body: bytes, size: int) -> tuple[UploadForm, bytes]:
    """Read a form that arrives in parts of so many bytes."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    form = await read_upload_form(chunks(), BOUNDARY)
    return form, b"".join([chunk async for chunk in form.chunks])


async def test_an_upload_is_read_however_it_is_cut() -> None:
    content = b"a,b\r\n--" + BOUNDARY[:-1].encode() + b"\n\r\r\n" * 5 + b"\xff\0"
    long = content + b"x" * 300_000 + b"\r\n"
    sizes = [(content, size) for size in range(1, 150)] + [(long, 1000), (long, 10_000_000)]
    for expected, size in sizes:
        form, file = await read_body(build_form(expected, "ä.csv", csrf="1", kind="ü"), size)
        assert (dict(form.fields), form.file_name) == ({"csrf": "1", "kind": "ü"}, "ä.csv"), size
        assert file == expected, size


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", InvalidInput),
        (b"no form at all", InvalidInput),
        (b"--" + BOUNDARY.encode() + b"\r\n", InvalidInput),
        (b"--" + BOUNDARY.encode() + b"\r\nX: \xff\r\n\r\n", InvalidInput),
        (b"--" + BOUNDARY.encode() + b"\r\nX: y\r\n\r\nz", InvalidInput),
        (b"--" + BOUNDARY.encode() + b"\r\n" + b"x" * 400_000, TooLarge),
        (b"x" * 400_000, TooLarge),
        (build_form(b"", csrf="x" * 1_100_000), TooLarge),
    ],
)
async def test_a_malformed_upload_is_refused(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read_body(body, 50_000)


async def test_an_upload_waits_while_the_server_has_not_read_it(app: Quart) -> None:
    scope: Any = {"type": "http"}
    more: Any = {"scope": scope, "send_push_promise": None}
    request = SizedRequest("POST", "http", "/imports", b"", Headers(), "", "1.1", **more)
    chunk, total = b"x" * 65_536, 100
    received = read = 0

    async def receive() -> Any:
        nonlocal received
        if received == total:
            return {"type": "http.disconnect"}
        received += 1
        return {"type": "http.request", "body": chunk, "more_body": received < total}

    async def turn_the_loop() -> None:
        for _ in range(3 * total):
            await asyncio.sleep(0)

    receiving = asyncio.create_task(PacedConnection(app, scope).handle_messages(request, receive))
    for _ in range(3):
        await turn_the_loop()
        assert MAX_PENDING_BYTES < received * len(chunk) - read <= MAX_PENDING_BYTES + len(chunk)
        read += len(await anext(request.body))
    # What nobody reads any more is not waited for: the response would be lost.
    request.body.discard()
    await turn_the_loop()
    assert received == total and receiving.done()
