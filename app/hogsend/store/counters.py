"""Counts that are stored in the database, so that no screen counts a million rows.

Every counter has a name, which the functions `name_…` build. A `Gauge` is a present number, such as
how many enrollments are active; a `DailyTotal` starts at zero each day, UTC. Both are rows of one
table: a gauge's row has day 0, a total's row the number of days since 1970.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Literal, NewType, get_args

from ..domain.engagement import EngagementKind, Verdict
from ..domain.results import ChosenArm, Figure, Group
from .db import Query, Row, Write
from .fields import EPOCH
from .json_text import from_json, to_json
from .rows import read_pairs

Gauge = NewType("Gauge", str)
DailyTotal = NewType("DailyTotal", str)

Dimension = Literal["domain", "template", "sender"]
# The properties by which outcomes of mails are counted: the mailbox provider of the recipient, the
# template, and the domain of the sender.
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
GAUGE_DAY = 0
_MAX_NAME_LENGTH = 200

# Names are counted by far more often than there are names.
_keep_names = lru_cache(maxsize=1024)

CONTACTS = Gauge("contacts")
EVENTS = DailyTotal("events")
UNSUBSCRIBES = DailyTotal("unsubscribes")


@_keep_names
def name_state_gauge(journey_id: str, state: str) -> Gauge:
    """Name the count of a journey's enrollments that are in a state."""
    return Gauge(_shorten(f"state/{journey_id}/{state}"))


@_keep_names
def name_wait_gauge(journey_id: str, wait_key: str) -> Gauge:
    """Name the count of a journey's enrollments that are in a wait.

    Args:
        journey_id: the journey.
        wait_key: the journal key of the wait, such as `sleep:post-welcome`.
    """
    return Gauge(_shorten(_build_wait_prefix(journey_id) + wait_key))


@_keep_names
def name_entered_total(journey_id: str) -> DailyTotal:
    """Name the count of contacts that entered a journey."""
    return DailyTotal(_shorten(f"entered/{journey_id}"))


@_keep_names
def name_ended_total(journey_id: str, state: str) -> DailyTotal:
    """Name the count of a journey's enrollments that ended.

    Args:
        journey_id: the journey.
        state: how they ended: `completed`, `exited` or `failed`.
    """
    return DailyTotal(_shorten(f"ended/{journey_id}/{state}"))


@_keep_names
def name_refused_total(journey_id: str, reason: str) -> DailyTotal:
    """Name the count of events that did not enroll their contact in a journey, by reason."""
    return DailyTotal(_shorten(f"refused/{journey_id}/{reason}"))


def name_goal_total(journey_id: str, group: Group) -> DailyTotal:
    """Name the count of contacts that reached a journey's goal.

    Args:
        journey_id: the journey.
        group: whether they entered the journey or were held out for comparison.
    """
    return DailyTotal(_shorten(f"goal/{journey_id}/{group}"))


def name_result_gauge(journey_id: str, measured_as: str, group: Group, figure: Figure) -> Gauge:
    """Name the count of a group of people in a journey's results.

    Args:
        journey_id: the journey.
        measured_as: identifies the goal and the holdout.
        group: those who entered, or those who were held out.
        figure: all of them, or those who reached the goal.
    """
    return Gauge(f"result/{journey_id}/{measured_as}/{group}/{figure}")


def name_arm_gauge(journey_id: str, measured_as: str, arm: ChosenArm, figure: Figure) -> Gauge:
    """Name the count of the people of an arm in a journey's results.

    Args:
        journey_id: the journey.
        measured_as: identifies the goal and the holdout.
        arm: the arm.
        figure: all of them, or those who reached the goal.
    """
    prefix = _build_arm_prefix(journey_id, measured_as)
    return Gauge(_shorten(prefix + to_json([arm.key, arm.arms, arm.arm, figure])))


def name_send_total(status: str) -> DailyTotal:
    """Name the count of sends that came to a status."""
    return DailyTotal(f"sends/{status}")


def name_delivery_total(dimension: Dimension, name: str, status: str) -> DailyTotal:
    """Name the count of sends that came to a status, by one of their properties.

    Args:
        dimension: the property: the template, the mailbox provider of the recipient, or the domain
            of the sender.
        name: its value.
        status: the status.
    """
    return DailyTotal(_shorten(f"{_build_delivery_prefix(dimension)}{name}/{status}"))


def name_engagement_total(kind: EngagementKind, verdict: Verdict) -> DailyTotal:
    """Name the count of opens or clicks with a verdict."""
    return DailyTotal(f"{kind}s/{verdict}")


def _build_delivery_prefix(dimension: str) -> str:
    return f"delivery/{dimension}/"


def _build_wait_prefix(journey_id: str) -> str:
    return f"waiting/{journey_id}/"


def _build_arm_prefix(journey_id: str, measured_as: str) -> str:
    return f"arm/{journey_id}/{measured_as}/"


def _shorten(name: str) -> str:
    """Shorten a name to what its column holds; a digest keeps two long names apart."""
    if len(name) <= _MAX_NAME_LENGTH:
        return name
    return name[: _MAX_NAME_LENGTH - 17] + "#" + sha256(name.encode()).hexdigest()[:16]


def to_day(instant: datetime) -> int:
    """Return the number of whole days since 1970, UTC."""
    return (instant - EPOCH).days


class Tally:
    """Collects the changes of one transaction.

    Args:
        now: the current time, whose day totals count for.
    """

    def __init__(self, now: datetime) -> None:
        self._day = to_day(now)
        self._changes: Counter[tuple[str, int]] = Counter()

    def add_today(self, name: DailyTotal, by: int = 1) -> None:
        """Add to today's total."""
        self._changes[name, self._day] += by

    def add_on_day(self, instant: datetime, name: DailyTotal, by: int) -> None:
        """Add to the total of the day of an instant."""
        self._changes[name, to_day(instant)] += by

    def add_to_gauge(self, name: Gauge, by: int) -> None:
        """Add to a gauge."""
        self._changes[name, GAUGE_DAY] += by

    def change_state(self, journey_id: str, before: str | None, after: str | None) -> None:
        """Count an enrollment's change of state; None stands for no enrollment."""
        if before == after:
            return
        if before is not None:
            self.add_to_gauge(name_state_gauge(journey_id, before), -1)
        if after is not None:
            self.add_to_gauge(name_state_gauge(journey_id, after), 1)

    def change_wait(self, journey_id: str, before: str | None, after: str | None) -> None:
        """Count an enrollment's change of the wait that it is in; None stands for no wait."""
        if before == after:
            return
        if before is not None:
            self.add_to_gauge(name_wait_gauge(journey_id, before), -1)
        if after is not None:
            self.add_to_gauge(name_wait_gauge(journey_id, after), 1)

    def to_write(self) -> Write:
        """Return the changes as one write.

        Its rows are in a fixed order, so that two transactions never wait for each other.
        """
        return Write(
            "INSERT INTO counters (name, day, value) VALUES (?,?,?) ON CONFLICT (name, day) "
            "DO UPDATE SET value = counters.value + excluded.value",
            [(name, day, by) for (name, day), by in sorted(self._changes.items()) if by],
        )


def find_gauges(names: Sequence[Gauge]) -> Query[dict[Gauge, int]]:
    """Query gauges by name; those that were never counted are absent."""
    return Query(
        "SELECT name, value FROM counters WHERE day = ? AND name IN ?",
        [GAUGE_DAY, list(names)],
        read_pairs(Gauge, int),
    )


def find_totals_since(names: Sequence[DailyTotal], day: int) -> Query[dict[DailyTotal, int]]:
    """Query the sums of daily totals from a day on; those that were never counted are absent.

    Args:
        names: the totals.
        day: the first day, in days since 1970.
    """
    return Query(
        "SELECT name, SUM(value) FROM counters WHERE day >= ? AND name IN ? GROUP BY name",
        [max(day, GAUGE_DAY + 1), list(names)],
        read_pairs(DailyTotal, int),
    )


def find_delivery_totals(
    dimension: Dimension, since: int, *, is_sqlite: bool
) -> Query[dict[tuple[str, str], int]]:
    """Query the outcomes of mails from a day on, by the value of a property and the status.

    Args:
        dimension: the property, as in `name_delivery_total`.
        since: the first day, in days since 1970.
        is_sqlite: whether text is ordered by its bytes anyway; Postgres has operators for that.
    """
    prefix = _build_delivery_prefix(dimension)
    condition = "name >= ? AND name < ?" if is_sqlite else "name ~>=~ ? AND name ~<~ ?"

    def read(rows: list[Row]) -> dict[tuple[str, str], int]:
        totals: dict[tuple[str, str], int] = {}
        for name, value in read_pairs(str, int)(rows).items():
            key, _, status = name.removeprefix(prefix).rpartition("/")
            totals[key, status] = value
        return totals

    return Query(
        f"SELECT name, SUM(value) FROM counters WHERE {condition} AND day >= ? "
        "GROUP BY name ORDER BY name LIMIT 2000",
        [prefix, prefix[:-1] + chr(ord("/") + 1), max(since, GAUGE_DAY + 1)],
        read,
    )


def find_wait_gauges(journey_id: str, *, is_sqlite: bool) -> Query[dict[str, int]]:
    """Query how many enrollments are in each wait of one journey, by wait key.

    Waits without enrollments are absent.

    Args:
        journey_id: the journey; no id has a slash, so no other journey's names begin like its own.
        is_sqlite: whether text is ordered by its bytes anyway; Postgres has operators for that.
    """
    return _find_by_prefix(_build_wait_prefix(journey_id), is_sqlite=is_sqlite)


def shorten_wait_key(journey_id: str, wait_key: str) -> str:
    """Return a wait key as `find_wait_gauges` returns it: a long one is cut, with a digest."""
    return name_wait_gauge(journey_id, wait_key).removeprefix(_build_wait_prefix(journey_id))


def may_be_shortened(journey_id: str, wait_key: str) -> bool:
    """Return whether a wait key that `find_wait_gauges` has returned may have been cut."""
    return len(_build_wait_prefix(journey_id) + wait_key) >= _MAX_NAME_LENGTH


def find_arm_gauges(
    journey_id: str, measured_as: str, *, is_sqlite: bool
) -> Query[dict[tuple[ChosenArm, Figure], int]]:
    """Query the people of each arm in a journey's results.

    Args:
        journey_id: the journey.
        measured_as: identifies the goal and the holdout.
        is_sqlite: whether text is ordered by its bytes anyway; Postgres has operators for that.
    """
    query = _find_by_prefix(_build_arm_prefix(journey_id, measured_as), is_sqlite=is_sqlite)

    def read(rows: list[Row]) -> dict[tuple[ChosenArm, Figure], int]:
        counts: dict[tuple[ChosenArm, Figure], int] = {}
        for name, value in query.read(rows).items():
            # A name that was shortened has no end.
            with suppress(ValueError):
                key, arms, arm, figure = from_json(name)
                counts[ChosenArm(key, arms, arm), figure] = value
        return counts

    return Query(query.sql, query.values, read)


def _find_by_prefix(prefix: str, *, is_sqlite: bool) -> Query[dict[str, int]]:
    """Query the gauges whose names begin with a text that ends in a slash, by the rest."""
    end = prefix[:-1] + chr(ord("/") + 1)
    condition = "name >= ? AND name < ?" if is_sqlite else "name ~>=~ ? AND name ~<~ ?"
    return Query(
        # The day is spelled out, because the index is only of gauges.
        f"SELECT name, value FROM counters WHERE day = {GAUGE_DAY} AND {condition} AND value > 0",
        [prefix, end],
        lambda rows: {
            name.removeprefix(prefix): value for name, value in read_pairs(str, int)(rows).items()
        },
    )
