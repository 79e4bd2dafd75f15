"""Sends requests to the HTTP API of a provider, and tells whether a lost one may have arrived."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any

import aiohttp

from .port import InDoubt, ProviderStopped, TryLater
from .tls import create_verifying_context

MAX_CONNECTIONS = 64
# Shorter than servers keep idle connections, because a request on one that is being closed is in
# doubt.
KEEP_ALIVE_SECONDS = 8
MAX_ANSWER_BYTES = 1_000_000
_MAX_REPLY_LENGTH = 500
_MAX_PIECE = 500_000


@dataclass(frozen=True, slots=True)
class ApiTimeouts:
    """How long to wait, in seconds.

    Args:
        connect: for the connection and its encryption.
        read: for the next bytes of the answer.
        total: for the whole answer.
    """

    connect: float = 10
    read: float = 45
    total: float = 60


@dataclass(frozen=True, slots=True)
class HandoverRequest:
    """A `POST` request.

    Args:
        url: the address.
        headers: the headers, with `Content-Type`.
        body: the bytes.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class ApiAnswer:
    """An answer of the API.

    Args:
        status: the HTTP status.
        headers: the headers by name, in lower case.
        text: the body, or its first megabyte.
    """

    status: int
    headers: Mapping[str, str]
    text: str

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def get(self, name: str) -> Any:
        """Return a field of the body; None if the body is no object or lacks it."""
        body = self.json
        return body.get(name) if isinstance(body, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]

    @property
    def reply(self) -> str:
        """The status and the beginning of the body, for people to read."""
        return f"{self.status} {self.text[:_MAX_REPLY_LENGTH]}".strip()


class ApiClient:
    """A pool of connections to one API.

    Args:
        timeouts: how long to wait.
    """

    def __init__(self, timeouts: ApiTimeouts | None = None) -> None:
        timeouts = timeouts or ApiTimeouts()
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.total,
            # Also waiting for a free connection, after which nothing has been sent.
            connect=timeouts.total / 2,
            sock_connect=timeouts.connect,
            sock_read=timeouts.read,
        )
        self._session: aiohttp.ClientSession | None = None

    async def post(self, request: HandoverRequest) -> ApiAnswer:
        """Send a request and return its answer, whatever its status. Redirects are not followed.

        Raises:
            TryLater: there is no connection; nothing has left.
            ProviderStopped: the server's certificate is not valid; nothing has left.
            InDoubt: the connection ended, or time ran out, before the answer was complete.
        """
        return await self._send("POST", request.url, request.headers, request.body)

    async def get(self, url: str) -> ApiAnswer:
        """Return the answer to a `GET` request; raises as `post`."""
        return await self._send("GET", url, {}, None)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> ApiAnswer:
        session = self._session = self._session or self._open()
        host = url.split("/")[2]
        # aiohttp writes a file in pieces, and warns that large bytes would block the event loop.
        data = BytesIO(body) if body is not None and len(body) > _MAX_PIECE else body
        try:
            async with session.request(
                method, url, headers=headers, data=data, allow_redirects=False
            ) as response:
                return ApiAnswer(
                    response.status,
                    {name.lower(): value for name, value in response.headers.items()},
                    await _read_text(response),
                )
        except aiohttp.ClientConnectorCertificateError as error:
            raise ProviderStopped(f"{host} has a certificate that is not valid: {error}") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TryLater(f"{host} cannot be reached: {error}") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            what = str(error) or type(error).__name__
            raise InDoubt(f"{host} gave no complete answer: {what}") from error

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ssl=create_verifying_context(),
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            # A compressed answer could be far larger than it looks.
            headers={"Accept-Encoding": "identity", "User-Agent": "hogsend"},
        )


async def _read_text(response: aiohttp.ClientResponse) -> str:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_chunked(65_536):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            # The rest would have to be read before the connection can be used again.
            response.close()
            break
    return b"".join(pieces)[:MAX_ANSWER_BYTES].decode("utf-8", "replace")
