"""Runs benchmarks and keeps the figures with the machine and versions.

All of them, or those that are named: `make bench ARGS="turns several_workers"`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "figures.jsonl"
# What is run, with its arguments; those that take long come last.
SCRIPTS = (
    "ingest",
    "batch",
    "turns",
    "replay",
    "render",
    "bounces",
    "latency",
    "latency_under_load",
    "burst",
    "disk",
    "start",
    "plan",
    "several_workers",
    "erase",
    "migrate_data",
    "imports",
    "hatchet",
    "crowd",
    "batch_at_size",
    "admin_routes",
    "pages",
    "waiting 1000000",
    "against_dbos",
)
PACKAGES = ("quart", "hypercorn", "tortoise-orm", "aiosqlite", "aiosmtplib", "pydantic", "dbos")


def main() -> int:
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {
        "machine": platform.platform(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    RESULTS.write_text(json.dumps(machine) + "\n")
    # Some use what the tests have: a Postgres, a sink for mails.
    shared = {"PYTHONPATH": str(HERE.parent), "BENCH_RESULTS": str(RESULTS)}
    environment = {**os.environ, **shared}
    named = sys.argv[1:]
    chosen = [script for script in SCRIPTS if not named or script.split()[0] in named]
    failed = 0
    for script in chosen:
        name, *arguments = script.split()
        command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
        failed += subprocess.run(command, env=environment).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
