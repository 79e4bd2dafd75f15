"""The result of a crash test, stored and summed over all runs."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "build" / "crash"
_FILE = "reports.jsonl"
SUMMED = (
    "kills",
    "people",
    "events",
    "mails",
    "lost",
    "doubled",
    "wrong",
    "in_doubt",
    "steps",
    "steps_repeated",
)


@dataclass
class Report:
    """The result of one run.

    Args:
        seed: of the random choices.
        over_smtp: whether mail went to a mail server; otherwise to the local inbox.
        at: when the run ended, in ISO 8601.
        seconds: how long it took.
        by_point: kills by the point at which the worker was killed.
        random: kills at a random moment.
        late: kills of a worker that did not reach its point in time.
        people: customers of the product.
        events: stored events.
        mails: delivered mails.
        lost: things that should exist and do not.
        doubled: things that exist more than once.
        wrong: other contradictions.
        in_doubt: mails that may or may not have left, and are shown as such.
        steps: steps that succeeded.
        steps_repeated: how often a step succeeded again, with the same id.
        faults: descriptions of what is lost, doubled and wrong.
    """

    seed: int
    over_smtp: bool = True
    at: str = ""
    seconds: float = 0.0
    by_point: Counter[str] = field(default_factory=Counter[str])
    random: int = 0
    late: int = 0
    people: int = 0
    events: int = 0
    mails: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    in_doubt: int = 0
    steps: int = 0
    steps_repeated: int = 0
    faults: list[str] = field(default_factory=list[str])

    @property
    def kills(self) -> int:
        """The number of kills."""
        return self.by_point.total() + self.random + self.late

    def text(self) -> str:
        """Return the report as text for people."""
        width = max(map(len, self.by_point), default=0)
        kills = f"{self.kills} times in {self.seconds:.0f} s (seed {self.seed})"
        mail = "sent over SMTP" if self.over_smtp else "captured in the local inbox"
        points = [f"  {point:{width}}  {n:4}" for point, n in sorted(self.by_point.items())]
        return "\n".join(
            [
                f"Killed with SIGKILL {kills}, mail {mail}:",
                *points,
                f"  {'at random moments':{width}}  {self.random + self.late:4}",
                f"{self.people} people, {self.events} events, {self.mails} mails delivered, "
                f"{self.in_doubt} in doubt",
                f"{self.steps} steps done, {self.steps_repeated} repetitions with the same id",
                f"{self.lost} lost, {self.doubled} doubled, {self.wrong} wrong",
                *(f"  {fault}" for fault in self.faults[:50]),
            ]
        )


def reports_folder() -> Path:
    """Return the folder of stored reports: `CRASH_REPORTS`, or `build/crash`."""
    return Path(os.environ.get("CRASH_REPORTS") or FOLDER)


def store_report(report: Report) -> str:
    """Append a report to the stored ones; return the totals of all runs as a sentence."""
    file = reports_folder() / _FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lines:
        lines.write(json.dumps({"kills": report.kills, **vars(report)}) + "\n")
    return sum_reports([json.loads(line) for line in file.read_text().splitlines()])


def sum_reports(reports: Sequence[dict[str, int]]) -> str:
    """Return the totals of several reports as a sentence."""
    total = {name: sum(report[name] for report in reports) for name in SUMMED}
    return (
        f"{total['kills']} kills over {len(reports)} runs: {total['lost']} lost, "
        f"{total['doubled']} doubled, {total['wrong']} wrong, {total['in_doubt']} in doubt "
        f"of {total['mails']} mails; {total['steps']} steps, {total['steps_repeated']} repetitions"
    )
