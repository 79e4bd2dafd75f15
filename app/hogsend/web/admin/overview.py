"""The first page: what wants a person, then how it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from quart import g

from ...store import counters
from ...store.counters import day_of
from ...store.read_models import counts
from ...store.read_models import overview as screen
from ...store.read_models.counts import Bounded
from ...store.workers import Outage
from .. import formatting
from ..auth import Answer
from ..pages import content, context, page
from . import journeys as journey_screen
from .base import address, blueprint
from .timeline import last_line

# A worker that is well plays a turn within milliseconds; a minute late is worth a look.
LATE = timedelta(minutes=1)
SENT = counters.sends("sent")
REFUSED = (counters.sends("skipped"), counters.sends("suppressed"))
# The daily totals that the template shows, by the name that it uses.
TOTALS = {
    "sent": SENT,
    "opened": counters.engagement("open", "human"),
    "opened_by_machines": counters.engagement("open", "machine"),
    "clicked": counters.engagement("click", "human"),
    "unsubscribed": counters.UNSUBSCRIBES,
}


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """Something that wants a person.

    Args:
        tag: the word in colour.
        kind: its colour.
        what: in bold.
        more: after it.
        code: a machine's words, shown as such.
        href: where it is dealt with.
        act: what the button says.
    """

    tag: str
    kind: str
    what: str
    more: str = ""
    code: str = ""
    href: str = ""
    act: str = "Open"


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the picture: mails sent and refused."""

    day: datetime
    sent: int
    refused: int


def id_at(instant: datetime) -> UUID:
    """Return the least id that could have been made at an instant."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


@blueprint.get("/")
async def overview() -> Answer:
    """Show what wants a person, the mails of a fortnight, and what is expected."""
    current = context()
    now = current.clock.now()
    rows = await journey_screen.rows()
    expected = screen.week_of_wakes(formatting.local(now))
    days, *wakes = await current.database.read(
        counts.days([*TOTALS.values(), *REFUSED, counters.EVENTS], day_of(now)),
        *(query for _, query in expected),
    )
    wanted = await _wanted(rows, now)
    return page(
        "admin/overview.html",
        wanted=wanted,
        live=sum(row.live for row in rows),
        journeys=len(content().registry.journeys),
        mail=current.settings.mail.partition(":")[0],
        days=days,
        totals=TOTALS,
        bars=_bars(days, now),
        expected=[(start, count) for (start, _), count in zip(expected, wakes, strict=True)],
        nothing_yet=not rows or not any(days.series(counters.EVENTS, SENT)),
    )


def _bars(days: counts.Days, now: datetime) -> Sequence[Bar]:
    first = now - timedelta(days=counts.FORTNIGHT - 1)
    both = zip(days.series(SENT), days.series(*REFUSED), strict=True)
    return [Bar(first + timedelta(days=n), sent, no) for n, (sent, no) in enumerate(both)]


async def _wanted(rows: Sequence[journey_screen.Row], now: datetime) -> list[AttentionItem]:
    current = context()
    week = id_at(now - timedelta(days=7))
    doubt, failed, late = await current.database.read(
        screen.sends_with("in_doubt", UUID(int=0)),
        screen.sends_with("failed", week),
        screen.overdue(now - LATE),
    )
    wanted = _engine_away(g.nav.away)
    wanted += [_stopped(row) for row in rows if row.stopped]
    wanted += [
        AttentionItem("broken", "bad", f"{file.file} is not used:", file.problem, "", "/journeys")
        for file in content().broken
    ]
    wanted += await _raised(rows)
    wanted += [_drifted(row) for row in rows if row.by_state.get("drifted")]
    wanted += [_parked(row) for row in rows if row.gone and row.by_state.get("parked")]
    wanted += [_missed(row) for row in rows if row.missed and not row.gone]
    wanted += _mails(doubt, failed)
    if late:
        people = "person is" if late.count == 1 else "people are"
        more = "" if current.worker_status else ": no worker runs in this process"
        wanted.append(
            AttentionItem("overdue", "wait", f"{late} {people} overdue", more, "", "/system")
        )
    return wanted


async def _raised(rows: Sequence[journey_screen.Row]) -> list[AttentionItem]:
    """Name the journeys that raise: those given up, and those that are tried again."""
    failed = [row for row in rows if row.by_state.get("failed")]
    again = [row for row in rows if row.retried]
    errors = await context().database.read(
        *(screen.errors_of(row.journey.id) for row in failed),
        *(screen.retried_errors_of(row.journey.id) for row in again),
    )
    lines = [last_line(error or "") for error in errors]
    wanted: list[AttentionItem] = []
    for row, line in zip(failed, lines, strict=False):
        what = formatting.many(row.by_state["failed"], "enrollment") + " failed"
        more = f"in {row.journey.name}:"
        wanted.append(AttentionItem("failed", "bad", what, more, line, _people(row, "failed")))
    for row, line in zip(again, lines[len(failed) :], strict=True):
        what = formatting.many(row.retried, "turn") + (" is" if row.retried == 1 else " are")
        more = f"in {row.journey.name}:"
        href = _people(row, journey_screen.RETRIED)
        wanted.append(AttentionItem("retrying", "wait", f"{what} tried again", more, line, href))
    return wanted


def _engine_away(away: Outage | None) -> list[AttentionItem]:
    if away is None:
        return []
    kind = "bad" if away.turns_wait else "wait"
    more = f"It began {formatting.relative(away.since, context().clock.now())}:"
    return [AttentionItem("away", kind, formatting.away(away), more, away.message, "/system")]


def _people(row: journey_screen.Row, state: str) -> str:
    return address(f"/journeys/{row.journey.id}", state=state) + "#people"


def _stopped(row: journey_screen.Row) -> AttentionItem:
    people = formatting.many(row.by_state["parked"], "person", "people")
    more = f"it kept its thread three times; {people} parked until its code changes"
    href = f"/journeys/{row.journey.id}"
    return AttentionItem("stopped", "bad", f"{row.journey.name} is not played:", more, "", href)


def _parked(row: journey_screen.Row) -> AttentionItem:
    what = formatting.many(row.by_state["parked"], "person", "people") + " parked"
    more = f"in {row.journey.name}, whose code is gone or broken"
    return AttentionItem("parked", "odd", what, more, "", _people(row, "parked"))


def _missed(row: journey_screen.Row) -> AttentionItem:
    what = formatting.many(row.missed, "trigger") + " started nothing"
    more = f"while {row.journey.name} was gone or broken; it is there again"
    href = address(f"/journeys/{row.journey.id}", refused="journey_broken") + "#refused"
    return AttentionItem("missed", "odd", what, more, "", href, "Decide")


def _drifted(row: journey_screen.Row) -> AttentionItem:
    what = formatting.many(row.by_state["drifted"], "person", "people") + " drifted"
    more = f"after {row.journey.name} was changed under them"
    return AttentionItem("drifted", "odd", what, more, "", _people(row, "drifted"), "Decide")


def _mails(doubt: Bounded, failed: Bounded) -> Iterator[AttentionItem]:
    if doubt:
        what = f"{doubt} mail{'' if doubt.count == 1 else 's'} may or may not have left"
        more = "the connection was lost before the server's last word"
        yield AttentionItem("in doubt", "odd", what, more, "", "/emails?status=in_doubt", "See")
    if failed:
        what = f"{failed} mail{'' if failed.count == 1 else 's'} could not be sent"
        yield AttentionItem(
            "failed", "bad", what, "in seven days", "", "/emails?status=failed", "See"
        )
