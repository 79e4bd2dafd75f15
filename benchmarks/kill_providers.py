"""SIGKILL at each stage of a hand-over to each provider's API: what is lost, doubled, in doubt.

`kill_providers.py 1000` is the figure, about as many kills for each provider together; without a
number it is 60.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from report import report
from server import ROOT

sys.path.insert(0, str(ROOT))

from tests.promises.provider_kills import PROVIDERS, WITH_KEYS, kill_workers


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    share = -(-kills // len(PROVIDERS))
    for offset, provider in enumerate(PROVIDERS):
        with tempfile.TemporaryDirectory() as folder:
            result = asyncio.run(kill_workers(Path(folder), provider, share, offset))
        report(
            f"mails lost and doubled by kills while {provider} takes them",
            f"{len(result.lost)} lost, {len(result.doubled)} doubled",
            "0 lost, 0 doubled" + (", 0 in doubt" if provider in WITH_KEYS else ""),
            detail=f"{result.kills} kills, {result.mails:,} mails, {result.in_doubt:,} in doubt",
        )
        for line in (*result.lost, *result.doubled):
            print(f"  {line}")


if __name__ == "__main__":
    main()
