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

# One kill in so many is of a worker whose mail is captured in the local inbox.
CAPTURED = 5


def main() -> int:
    """Run, print and keep the report; return 1 when there was a fault."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = parser.parse_args()
    captured = given.kills // CAPTURED
    shares = ((given.kills - captured, True), (captured, False))
    print(f"seed {given.seed}", flush=True)
    reports = [asyncio.run(_run(kills, given.seed, smtp)) for kills, smtp in shares if kills]
    for report in reports:
        print(report.text())
    for report in reports:
        print(keep(report))
    return 1 if any(report.faults for report in reports) else 0


async def _run(kills: int, seed: int, over_smtp: bool) -> Report:
    with tempfile.TemporaryDirectory(prefix="hogsend-crash-") as folder:
        campaign = Campaign(Path(folder), kills, seed, over_smtp=over_smtp, say=_say)
        return await campaign.run()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
