"""A provider's JSON API on loopback, and its meaning of a mail."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from email.utils import getaddresses
from types import TracebackType
from typing import Any

from hogsend.delivery.providers.port import Address, Attachment
from tests.delivery.providers.contract import ArrivedMail, normalize

KEY = "s3cret"


class CourierApi:
    """A server with `POST /emails`, which remembers idempotency keys; for `async with`.

    Attributes:
        failures: the statuses, headers and bodies of the next answers, used instead of accepting.
        mails: the accepted mails.
    """

    def __init__(self) -> None:
        self.failures: list[tuple[int, str, str]] = []
        self.mails: list[ArrivedMail] = []
        self._ids: dict[str, str] = {}
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> CourierApi:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                request, *lines = head.strip().split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                status, extra, answer = self._answer(request, headers, body)
                if not status:
                    break
                writer.write(
                    f"HTTP/1.1 {status} Answer\r\n{extra}Content-Length: {len(answer)}\r\n\r\n"
                    f"{answer}".encode()
                )
                await writer.drain()
        writer.close()

    def _answer(self, request: str, headers: dict[str, str], body: bytes) -> tuple[int, str, str]:
        assert request == "POST /emails HTTP/1.1"
        if headers["authorization"] != f"Bearer {KEY}":
            return 401, "", "wrong key"
        if self.failures:
            return self.failures.pop(0)
        key = headers["idempotency-key"]
        if key not in self._ids:
            self._ids[key] = f"mail-{len(self._ids) + 1}"
            self.mails.append(_read_json(json.loads(body)))
        return 200, "", json.dumps({"id": self._ids[key]})


def _read_json(mail: dict[str, Any]) -> ArrivedMail:
    recipients = [address for field in ("to", "cc", "bcc") for address in _addresses(mail[field])]
    return ArrivedMail(
        recipients=frozenset(address.email for address in recipients),
        from_=_addresses([mail["from"]])[0],
        cc=_addresses(mail["cc"]),
        reply_to=_addresses(mail["reply_to"]),
        subject=mail["subject"],
        html=normalize(mail["html"]),
        text=normalize(mail["text"]),
        headers=frozenset((name.lower(), value) for name, value in mail["headers"].items()),
        attachments=tuple(
            Attachment(file["filename"], file["content_type"], base64.b64decode(file["content"]))
            for file in mail["attachments"]
        ),
    )


def _addresses(texts: list[str]) -> tuple[Address, ...]:
    return tuple(Address(email, name) for name, email in getaddresses(texts))
