"""How soon the program is ready, and how much memory it takes when idle."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from report import report
from server import ROOT, running

STARTS = 5
BINARY = ROOT / "dist" / "hogsend"


def proportional_memory(pid: int) -> float:
    """Return the proportional set size of a process and its children, in MB."""
    total = 0
    for process_id in [pid, *_children(pid)]:
        for line in Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def measure(name: str, program: list[str] | None, goal: str) -> None:
    """Start several times on the same data folder and report."""
    times: list[float] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(STARTS + 1):
            with running(Path(folder), program=program) as server:
                times.append(server.ready_after)
                time.sleep(2.0)
                memory.append(proportional_memory(server.pid))
    report(
        f"ready after start, {name}",
        f"{statistics.median(times[1:]):.2f} s",
        goal,
        detail=f"first start {times[0]:.2f} s, later {min(times[1:]):.2f} to {max(times[1:]):.2f}",
    )
    report(f"resident memory (PSS), idle, {name}", f"{statistics.median(memory):.0f} MB", "≤ 75 MB")


def main() -> None:
    measure("checkout", None, "≤ 1.5 s")
    if BINARY.exists():
        measure("binary", [str(BINARY)], "≤ 3 s")
        size = BINARY.stat().st_size / 1024**2
        report("size of the binary", f"{size:.0f} MB", "≤ 75 MB")
    else:
        print("no dist/hogsend: run `make binary` for its figures", file=sys.stderr)


if __name__ == "__main__":
    main()
