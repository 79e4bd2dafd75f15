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
SCRIPTS = ("ingest", "turns", "render", "latency", "burst", "waiting", "disk", "start")
PACKAGES = ("quart", "hypercorn", "tortoise-orm", "aiosqlite", "aiosmtplib", "pydantic")


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
    for name in SCRIPTS:
        script = HERE / f"{name}.py"
        failed += subprocess.run([sys.executable, str(script)], env=environment).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
