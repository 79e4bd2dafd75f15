"""Runs every benchmark and keeps the figures with the machine and versions."""

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
    "latency",
    "latency_under_load",
    "burst",
    "disk",
    "start",
    "plan",
    "crowd",
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
    environment = {**os.environ, "BENCH_RESULTS": str(RESULTS)}
    failed = 0
    for script in SCRIPTS:
        name, *arguments = script.split()
        command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
        failed += subprocess.run(command, env=environment).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
