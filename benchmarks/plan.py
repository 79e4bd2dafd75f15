"""`hogsend journeys plan` over 100,000 people who are in a journey."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from copies import copy, live_once
from project import make_project, server_environment
from report import report


def planned(folder: Path) -> tuple[float, int]:
    """Run the command and return how long it took, and for how many it found no change."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOGSEND_")},
        **server_environment(folder),
    }
    command = [sys.executable, "-m", "hogsend", "journeys", "plan", "--json"]
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    taken = time.perf_counter() - begun
    return taken, json.loads(done.stdout)["journeys"][0]["identical"]


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder)
        asyncio.run(live_once(folder))
        copy(folder / "data" / "hogsend.db", people - 1)
        taken, identical = planned(folder)
    assert identical == people, f"only {identical} of {people} were found to be identical"
    report(
        f"journeys plan over {people:,} live enrollments",
        f"{taken:.1f} s",
        "≤ 60 s",
        detail=f"{people / taken:,.0f} a second, the command's own start included",
    )


if __name__ == "__main__":
    main()
