"""Kill a worker under load a thousand times, and say what came of it."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from .campaign import Campaign
from .report import Report, keep


def main() -> int:
    """Run, print and keep the report; return 1 when there was a fault."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    report = asyncio.run(_run(given.kills, given.seed))
    print(report.text())
    print(keep(report))
    return 1 if report.faults else 0


async def _run(kills: int, seed: int) -> Report:
    with tempfile.TemporaryDirectory(prefix="hogsend-crash-") as folder:
        return await Campaign(Path(folder), kills, seed, lambda text: print(text, flush=True)).run()


if __name__ == "__main__":
    sys.exit(main())
