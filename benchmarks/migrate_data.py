"""`hogsend migrate-data`: 50,000 people who wait go from SQLite to Postgres."""

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
from project import make_project
from report import report

from tests.postgres import running_postgres


def moved(folder: Path, url: str) -> tuple[float, int]:
    """Run the command and return how long it took, and how many rows it has copied."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOGSEND_")}
    command = [sys.executable, "-m", "hogsend", "migrate-data", "--to", url, "--json"]
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return time.perf_counter() - begun, json.loads(done.stdout)["rows"]


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as name, running_postgres() as url:
        folder = Path(name)
        make_project(folder)
        asyncio.run(live_once(folder))
        copy(folder / "data" / "hogsend.db", people - 1)
        size = (folder / "data" / "hogsend.db").stat().st_size
        taken, rows = moved(folder, url)
    report(
        f"migrate-data of {people:,} people who wait",
        f"{rows / taken:,.0f} rows/s",
        "≥ 10,000 rows/s",
        detail=f"{rows:,} rows, {size / 2**20:,.0f} MB, in {taken:.1f} s: "
        "each checked, copied and compared, the command's own start and the schema included",
    )


if __name__ == "__main__":
    main()
