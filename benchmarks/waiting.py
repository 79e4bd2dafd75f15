"""People asleep, a million of them when asked: what they cost, and how soon a restart is ready.

`waiting.py 1000000` is the figure; without a number it is 100,000 people.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from copies import copy, live_once
from disk import measure_bytes
from project import make_project, server_environment
from report import report
from server import running
from start import proportional_memory

SETTLING, IDLE = 5.0, 20.0


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used up."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(folder: Path) -> tuple[float, float, float]:
    """Start a server and let it rest.

    Returns:
        Its memory in MB, the part of a core that it uses, and the seconds until it was ready.
    """
    with running(folder, settings=server_environment(folder)) as server:
        time.sleep(SETTLING)
        before, begun = processor_seconds(server.pid), time.monotonic()
        time.sleep(IDLE)
        used = (processor_seconds(server.pid) - before) / (time.monotonic() - begun)
        return proportional_memory(server.pid), used, server.ready_after


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder)
        asyncio.run(live_once(folder))
        none, _, _ = settled(folder)
        file = folder / "data" / "hogsend.db"
        begun = time.perf_counter()
        copy(file, people - 1)
        filled = (people - 1) / (time.perf_counter() - begun)
        many, used, ready = settled(folder)
        sizes = measure_bytes(file)
    report(
        f"resident memory (PSS) with {people:,} waiting",
        f"{many:.0f} MB",
        "≤ 150 MB",
        detail=f"{none:.0f} MB with one; written at {filled:,.0f}/s",
    )
    report(f"processor when idle with {people:,} waiting", f"{used:.2%} of a core", "≤ 1 %")
    report(f"ready after a restart with {people:,} waiting", f"{ready:.2f} s", "≤ 3 s")
    own = sizes["the enrollment"] + sizes["its journal"]
    report(
        f"bytes of a waiting enrollment, {people:,} of them",
        f"{own / people:,.0f}",
        "≤ 1,500",
        detail=", ".join(f"{what} {size / people:,.0f}" for what, size in sizes.items()),
    )


if __name__ == "__main__":
    main()
