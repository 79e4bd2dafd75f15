"""Kills a worker under load a thousand times, and reports what was lost or doubled."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from .crash_run import CrashRun
from .report import Report, store_report

# One kill in so many is of a worker whose mail goes to the local inbox.
INBOX_SHARE = 5


def main() -> int:
    """Run the kills, print and store the reports; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    options = parser.parse_args()
    with_inbox = options.kills // INBOX_SHARE
    shares = ((options.kills - with_inbox, True), (with_inbox, False))
    _print(f"seed {options.seed}")
    reports = [asyncio.run(_run(kills, options.seed, smtp)) for kills, smtp in shares if kills]
    for report in reports:
        _print(report.text())
    for report in reports:
        _print(store_report(report))
    return 1 if any(report.faults for report in reports) else 0


async def _run(kills: int, seed: int, over_smtp: bool) -> Report:
    with tempfile.TemporaryDirectory(prefix="hogsend-crash-") as folder:
        run = CrashRun(Path(folder), kills, seed, over_smtp=over_smtp, on_progress=_print)
        return await run.run()


def _print(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
