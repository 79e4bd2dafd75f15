"""One event when idle, to the mail at a local SMTP sink, with the disk's fsync beside it."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from report import report
from server import Server, running
from sink import Sink, sinking

EVENTS = 100
PAUSE = 0.05


def fsync_median(folder: Path) -> float:
    """Return the median time of a 4 KiB append and its fsync, in milliseconds."""
    times: list[float] = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def measure_one(
    server: Server, sink: Sink, connection: http.client.HTTPConnection, number: int
) -> float:
    """Send one event and return the milliseconds until its mail has come."""
    before, _ = sink.count()
    body = {"name": "user.created", "userId": f"l{number}", "email": f"l{number}@example.com"}
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    begun = time.monotonic()
    connection.request("POST", "/v1/events", json.dumps(body), headers)
    connection.getresponse().read()
    while True:
        mails, last = sink.count()
        if mails > before:
            return (last - begun) * 1000
        time.sleep(0.002)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sinking() as sink:
        folder = Path(name)
        disk = fsync_median(folder)
        with running(folder, settings={"HOGSEND_MAIL": sink.url}) as server:
            connection = http.client.HTTPConnection(server.address.removeprefix("http://"))
            times: list[float] = []
            for number in range(EVENTS):
                times.append(measure_one(server, sink, connection, number))
                time.sleep(PAUSE)
            connection.close()
    times = sorted(times[5:])
    report(
        "one event when idle to the mail handed over, median",
        f"{statistics.median(times):.1f} ms",
        "≤ 30 ms",
        detail=f"p95 {times[int(len(times) * 0.95)]:.1f} ms; fsync median {disk:.2f} ms",
    )


if __name__ == "__main__":
    main()
