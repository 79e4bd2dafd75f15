"""How long each page of the dashboard takes with many contacts, asleep in a journey with a goal.

`pages.py 860000` is the figure of the overview; without a number there are 100,000 contacts.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from copies import copy, live_once
from project import make_project, server_environment
from report import report
from server import Server, running

TIMES = 20
JOURNEY = """
from hogsend import Contact, Context, days, journey

@journey("bench", trigger="bench.started", goal="paid", holdout=0)
async def bench(user: Contact, ctx: Context) -> None:
    await ctx.variant("subject", {"short": 1, "long": 1})
    await ctx.send("hello")
    await ctx.sleep(days(2), label="rest")
"""
PAGES = (
    "/",
    "/journeys",
    "/journeys/bench",
    "/contacts",
    "/contacts?q=p4",
    "/events",
    "/emails",
    "/templates",
    "/audit",
    "/system",
)


class Browser:
    """A connection with the cookie of an operator who has signed in.

    Args:
        server: the server.
    """

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.address).netloc)
        text = (server.data / "first-run.txt").read_text()
        (link,) = re.findall(r"http://[^/]+(/sign-in/\S+)", text)
        page = self._request("GET", link)[1]
        form = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', page))
        form |= {"email": "owner@example.com", "password": "a long enough password"}
        self._cookies = self._request("POST", link, urlencode(form))[0]

    def read(self, path: str) -> str:
        """Return a page.

        Raises:
            RuntimeError: the page was not shown.
        """
        return self._request("GET", path)[1]

    def _request(self, method: str, path: str, body: str = "") -> tuple[str, str]:
        headers = {"Cookie": getattr(self, "_cookies", "")}
        if body:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://{self._connection.host}:{self._connection.port}",
            }
        self._connection.request(method, path, body or None, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status != (303 if body else 200):
            raise RuntimeError(f"{method} {path}: {response.status} {text[:300]}")
        cookies = [value.partition(";")[0] for value in response.headers.get_all("Set-Cookie", [])]
        return "; ".join(cookies), text


def measure(browser: Browser, path: str) -> float:
    """Return the median time of a page, in milliseconds."""
    times: list[float] = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        browser.read(path)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder, JOURNEY)
        asyncio.run(live_once(folder))
        file = folder / "data" / "hogsend.db"
        copy(file, people - 1)
        with closing(sqlite3.connect(file)) as database, database:
            # The copies were all seen at the same instant, as no two contacts are.
            database.execute("UPDATE contacts SET last_seen_at = last_seen_at - rowid * 1000")
        with running(folder, settings=server_environment(folder)) as server:
            browser = Browser(server)
            for path in PAGES:
                took = measure(browser, path)
                what = f"page {path} with {people:,} contacts"
                report(what, f"{took:.1f} ms", "100 ms", detail=f"median of {TIMES}")


if __name__ == "__main__":
    main()
