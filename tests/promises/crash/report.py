"""What a run of the crash test has come to, kept and added up with those before."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "build" / "crash"
_FILE = "reports.jsonl"
ADDED = (
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
    """One run.

    Args:
        seed: of everything that was left to chance.
        over_smtp: whether mail went to a server, or was captured in the local inbox.
        at: when it ended, as ISO 8601 says.
        seconds: how long it took.
        by_point: kills by the point that the process died at.
        random: kills at a random moment.
        late: kills of a process that did not come to its point in time.
        people: how many were told of.
        events: how many are stored.
        mails: how many have arrived.
        lost: things that should be and are not.
        doubled: things that are there more than once.
        wrong: contradictions of any other kind.
        in_doubt: mails that may or may not have left, and are shown as such.
        steps: steps that were done.
        steps_repeated: how often one was done again, with the same id.
        faults: what is lost, doubled and wrong.
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
        """How often the process was killed."""
        return self.by_point.total() + self.random + self.late

    def text(self) -> str:
        """Return it for people to read."""
        width = max(map(len, self.by_point), default=0)
        kills = f"{self.kills} times in {self.seconds:.0f} s (seed {self.seed})"
        how = "over SMTP" if self.over_smtp else "captured"
        points = [f"  {point:{width}}  {n:4}" for point, n in sorted(self.by_point.items())]
        return "\n".join(
            [
                f"Killed with SIGKILL {kills}, mail {how}:",
                *points,
                f"  {'at random moments':{width}}  {self.random + self.late:4}",
                f"{self.people} people, {self.events} events, {self.mails} mails arrived, "
                f"{self.in_doubt} in doubt",
                f"{self.steps} steps done, and repeated with their id {self.steps_repeated} times",
                f"{self.lost} lost, {self.doubled} doubled, {self.wrong} wrong",
                *(f"  {fault}" for fault in self.faults[:50]),
            ]
        )


def folder() -> Path:
    """Return where reports are kept: `CRASH_REPORTS`, or `build/crash`."""
    return Path(os.environ.get("CRASH_REPORTS") or FOLDER)


def keep(report: Report) -> str:
    """Add a report to those that are kept, and return the totals of all as a sentence."""
    kept = folder() / _FILE
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a") as file:
        file.write(json.dumps({"kills": report.kills, **vars(report)}) + "\n")
    return totals([json.loads(line) for line in kept.read_text().splitlines()])


def totals(reports: Sequence[dict[str, int]]) -> str:
    """Add reports up."""
    total = {name: sum(report[name] for report in reports) for name in ADDED}
    return (
        f"{total['kills']} kills over {len(reports)} runs: {total['lost']} lost, "
        f"{total['doubled']} doubled, {total['wrong']} wrong, {total['in_doubt']} in doubt "
        f"of {total['mails']} mails; {total['steps']} steps, {total['steps_repeated']} repetitions"
    )
