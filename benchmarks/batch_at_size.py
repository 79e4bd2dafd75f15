"""Batch ingest into a large installation, against an empty one in the same run.

`batch_at_size.py [CONTACTS] [FOLDER]` copies the installation that `large_site.py` builds and
keeps, with 1,000,000 contacts and five times as many events unless told otherwise.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from batch import OTHER_EVENT, ROUNDS, measure
from large_site import CONTACTS, FOLDER, prepare, serve
from project import make_project
from report import report
from site_rows import JOURNEYS

BATCHES = 40
ENROLLING = f"{next(iter(JOURNEYS))}.started"


def main() -> None:
    contacts = int(sys.argv[1]) if len(sys.argv) > 1 else CONTACTS
    kept = prepare(Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER, contacts)
    with tempfile.TemporaryDirectory() as name:
        large, empty = Path(name) / "large", Path(name) / "empty"
        shutil.copytree(kept, large)
        empty.mkdir()
        make_project(empty, (kept / "journeys" / "bench.py").read_text())
        for event, what in ((ENROLLING, "enrolls"), (OTHER_EVENT, "matches nothing")):
            rates: dict[Path, float] = {}
            for site in (empty, large):
                with serve(site) as server:
                    rates[site] = measure(server, event, BATCHES)[ROUNDS // 2]
            report(
                f"batch ingest that {what}, {contacts:,} contacts and five times as many events",
                f"{rates[large] / rates[empty]:.0%} of an empty database",
                "≥ 80 %",
                detail=f"{rates[large]:,.0f} against {rates[empty]:,.0f} events/s, new people",
            )


if __name__ == "__main__":
    main()
