"""500 enrolling events a second, each to its mail at a local SMTP sink.

The time is from when an event is due to be posted, so that a server which falls behind is late
with all that come after; to when the sink has taken its mail, as the ledger has it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from calls import Call, event, percentile, steadily
from project import EVENT, make_project, server_environment
from report import report
from server import running
from sink import Sink, sinking

RATE, SECONDS, WARMING = 500, 20, 3
PATIENCE = 60.0
_MAILS = """
SELECT c.external_id, s.created_at, s.handed_at, s.sent_at FROM sends s
JOIN contacts c ON c.id = s.contact_id
"""


def posted(folder: Path, sink: Sink, rate: float) -> tuple[list[Call], list[Call]]:
    """Post events at a server and wait for the last mail; return the first calls and the others."""
    settings = server_environment(folder) | {"HOGSEND_MAIL": sink.url}
    with running(folder, settings=settings) as server:
        first = asyncio.run(
            steadily(server, rate, WARMING, lambda number: event(EVENT, f"warm{number}"))
        )
        calls = asyncio.run(steadily(server, rate, SECONDS, lambda n: event(EVENT, f"l{n}")))
        late = time.monotonic() + PATIENCE
        while sink.count()[0] < len(first) + len(calls) and time.monotonic() < late:
            time.sleep(0.1)
    return first, calls


def main() -> None:
    rate = float(sys.argv[1]) if len(sys.argv) > 1 else RATE
    with tempfile.TemporaryDirectory() as name, sinking() as sink:
        folder = Path(name)
        make_project(folder)
        _, calls = posted(folder, sink, rate)
        with closing(sqlite3.connect(folder / "data" / "hogsend.db")) as database:
            mails = {who: instants for who, *instants in database.execute(_MAILS)}
    assert all(None not in mails[call.who] for call in calls), "not every mail was handed over"
    queued, begun, sent = (
        [(mails[call.who][place] / 1e6 - call.at) * 1000 for call in calls] for place in range(3)
    )

    def describe(values: list[float]) -> str:
        return " / ".join(f"{percentile(values, part):.0f}" for part in (0.5, 0.95, 0.99))

    taken = [call.taken * 1000 for call in calls]
    report(
        f"event to its first mail handed over, {rate:.0f} events/s, p99",
        f"{percentile(sent, 0.99):.0f} ms",
        "≤ 250 ms",
        detail=f"p50 / p95 / p99: answered {describe(taken)}, queued {describe(queued)}, "
        f"begun to be handed over {describe(begun)}, taken by the sink {describe(sent)} ms",
    )


if __name__ == "__main__":
    main()
