"""Reads from a server over a connection that stays open, and measures how long answers take."""

from __future__ import annotations

import http.client
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from server import Server

PASSWORD = "a long enough password"
OWNER = "owner@example.com"


class Reader:
    """A connection that is opened again when the server has closed it.

    Args:
        server: the server.
        headers: what every request has.
    """

    def __init__(self, server: Server, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.address).netloc)
        self._headers = headers

    def read(self, path: str) -> bytes:
        """Return the body of an answer.

        Raises:
            RuntimeError: the answer is an error.
        """
        status, _, body = self.request("GET", path)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {body[:300]!r}")
        return body

    def request(self, method: str, path: str, body: str = "") -> tuple[int, list[str], bytes]:
        """Return the status of an answer, its cookies and its body.

        Args:
            method: the HTTP method.
            path: the path with its query string.
            body: what is sent, as JSON or as the fields of a form.
        """
        headers = dict(self._headers)
        if body:
            kind = "json" if body.startswith("{") else "x-www-form-urlencoded"
            headers["Content-Type"] = f"application/{kind}"
            headers["Origin"] = f"http://{self._connection.host}:{self._connection.port}"
        self._connection.request(method, path, body or None, headers)
        response = self._connection.getresponse()
        cookies = response.headers.get_all("Set-Cookie", [])
        return response.status, cookies, response.read()


def sign_in(server: Server) -> Reader:
    """Return the connection of an operator, who is created on the first run."""
    first_run = server.data / "first-run.txt"
    text = first_run.read_text() if first_run.exists() else ""
    visitor = Reader(server, {})
    fields = {"email": OWNER, "password": PASSWORD}
    status, cookies, _ = visitor.request("POST", "/sign-in", urlencode(fields))
    links = re.findall(r"http://[^/]+(/sign-in/\S+)", text)
    if status != 303 and links:
        page = visitor.read(links[0]).decode()
        fields = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', page)) | fields
        status, cookies, _ = visitor.request("POST", links[0], urlencode(fields))
    if status != 303:
        raise RuntimeError(f"the operator cannot sign in: {status}")
    return Reader(server, {"Cookie": "; ".join(value.partition(";")[0] for value in cookies)})


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the answers to a kind of request took, in milliseconds."""

    name: str
    p50: float
    p95: float
    longest: float

    def __str__(self) -> str:
        return f"{self.p50:7.1f} {self.p95:7.1f} {self.longest:7.1f}  {self.name}"


def measure_time(name: str, times: Sequence[float]) -> Timing:
    """Return the median, the 95th percentile and the maximum of some times."""
    percentile = statistics.quantiles(times, n=20, method="inclusive")[-1]
    return Timing(name, statistics.median(times), percentile, max(times))


def time_call(reader: Reader, path: str) -> tuple[float, bytes]:
    """Return how long a request took, in milliseconds, and the answer's body."""
    begun = time.perf_counter()
    body = reader.read(path)
    return (time.perf_counter() - begun) * 1000, body
