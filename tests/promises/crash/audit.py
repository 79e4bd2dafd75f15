"""Compares the rows that a worker has written with what reached the outside world."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.sinks.webhook_sink import Post

from .product import Customer, Product
from .scenarios import REFUSED, STEP_BY_TEMPLATE

Row = tuple[Any, ...]
# Mail that has left, or may have.
GONE = ("sent", "in_doubt")
# How often an event of one contact may be stored; once unless it is named here.
ALLOWED_REPEATS = {"noted": 3, "email.clicked": 1000}
_QUERIES = {
    "contacts": "SELECT hex(id), hex(merged_into) FROM contacts WHERE merged_into IS NOT NULL",
    "identities": "SELECT identity, hex(contact_id) FROM identities",
    "sends": "SELECT lower(hex(id)), hex(contact_id), template, status, props FROM sends",
    "enrollments": "SELECT hex(contact_id), journey_id, state FROM enrollments",
    "journals": "SELECT e.journey_id, e.turn, e.summary IS NULL, COUNT(t.id) FROM enrollments e "
    "LEFT JOIN turns t ON t.enrollment_id = e.id WHERE e.ended_at IS NOT NULL GROUP BY e.id",
    "steps": "SELECT key FROM steps",
    "inbox": "SELECT lower(hex(send_id)) FROM inbox",
    "events": "SELECT hex(id), hex(contact_id), name FROM events",
    "keys": "SELECT key, hex(event_id) FROM idempotency_keys",
    "hits": "SELECT hex(s.contact_id), h.verdict FROM hits h JOIN sends s ON s.id = h.send_id",
    "counters": "SELECT name, SUM(value) AS total FROM counters GROUP BY name HAVING total <> 0",
    "recount": "SELECT 'contacts', COUNT(*) FROM contacts WHERE merged_into IS NULL "
    "UNION ALL SELECT 'events', COUNT(*) FROM events "
    "UNION ALL SELECT 'entered/' || journey_id, COUNT(*) FROM enrollments GROUP BY 1 "
    "UNION ALL SELECT 'state/' || journey_id || '/' || state, COUNT(*) FROM enrollments GROUP BY 1 "
    "UNION ALL SELECT 'waiting/' || journey_id || '/' || wait_key, COUNT(*) FROM enrollments "
    "WHERE wait_key IS NOT NULL GROUP BY 1 "
    "UNION ALL SELECT 'ended/' || journey_id || '/' || state, COUNT(*) FROM enrollments "
    "WHERE ended_at IS NOT NULL GROUP BY 1 "
    "UNION ALL SELECT 'sends/' || status, COUNT(*) FROM sends "
    "WHERE status NOT IN ('queued', 'sending') GROUP BY 1",
    "check": "PRAGMA quick_check",
}
# An enrollment whose mail is in doubt may wait for a click of somebody who never got the mail.
_UNFINISHED = (
    "SELECT (SELECT COUNT(*) FROM enrollments e WHERE ended_at IS NULL AND NOT EXISTS "
    "(SELECT 1 FROM sends s WHERE s.enrollment_id = e.id AND s.template = ? "
    "AND s.status = 'in_doubt')) "
    "+ (SELECT COUNT(*) FROM sends WHERE status IN ('queued', 'sending')) "
    "+ (SELECT COUNT(*) FROM hits WHERE verdict = 'unsure') "
    # Retention removes these rows shortly after their time.
    "+ (SELECT COUNT(*) FROM enrollments WHERE ended_at IS NOT NULL AND summary IS NULL) "
    "+ (SELECT COUNT(*) FROM messages)"
)
_PARKED = "SELECT COUNT(*) FROM enrollments WHERE state = 'parked'"
_CAPTURED = (
    "SELECT lower(hex(s.id)) FROM inbox i JOIN sends s ON s.id = i.send_id WHERE s.template = ?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken promise.

    Args:
        kind: `lost`, `doubled`, or `wrong` for any other contradiction.
        description: what is broken, for people.
    """

    kind: Literal["lost", "doubled", "wrong"]
    description: str


@dataclass
class Snapshot:
    """The tables at one moment.

    Args:
        rows: the rows of each of this module's queries, by the query's name.
    """

    rows: dict[str, list[Row]]

    def __post_init__(self) -> None:
        self._merged_into: dict[str, str] = dict(self.rows["contacts"])
        self._contacts: dict[str, str] = dict(self.rows["identities"])

    def find_survivor(self, contact: str) -> str:
        """Follow merges: return the contact that a contact is now part of."""
        while contact in self._merged_into:
            contact = self._merged_into[contact]
        return contact

    def find_contact(self, customer: Customer) -> str | None:
        """Return the contact of a customer, if there is one."""
        anonymous = self._contacts.get(f"a:a{customer.number}")
        contact = self._contacts.get(f"u:p{customer.number}", anonymous)
        return None if contact is None else self.find_survivor(contact)

    def group_by_contact(self, table: str, column: int = 0) -> dict[str, list[Row]]:
        """Group a table's rows by contact.

        Args:
            table: the name of a query.
            column: the index of the contact's column, which is left out of the rows.
        """
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows[table]:
            grouped[self.find_survivor(row[column])].append((*row[:column], *row[column + 1 :]))
        return grouped

    def count_sends(self, status: str) -> int:
        """Return the number of sends that have a status."""
        return sum(row[3] == status for row in self.rows["sends"])


def read_snapshot(data: Path, scratch: Path) -> Snapshot:
    """Read the tables of a dead worker without changing its files.

    Args:
        data: the worker's data folder.
        scratch: a folder for a copy. Opening the original would roll its WAL forward.
    """
    scratch.mkdir(exist_ok=True)
    for name in ("hogsend.db", "hogsend.db-wal"):
        (scratch / name).unlink(missing_ok=True)
        if (data / name).exists():
            shutil.copyfile(data / name, scratch / name)
    with _open(scratch / "hogsend.db") as connection:
        rows = {name: connection.execute(sql).fetchall() for name, sql in _QUERIES.items()}
    return Snapshot(rows)


def count_unfinished(data: Path, clicked_template: str) -> int:
    """Return how much work a running worker has left.

    Args:
        data: the worker's data folder.
        clicked_template: enrollments that have a mail of this template in doubt do not count.
    """
    with _open(data / "hogsend.db") as connection:
        return int(connection.execute(_UNFINISHED, [clicked_template]).fetchone()[0])


def count_parked(data: Path) -> int:
    """Return how many enrollments a running worker has parked."""
    with _open(data / "hogsend.db") as connection:
        return int(connection.execute(_PARKED).fetchone()[0])


def list_captured_sends(data: Path, template: str) -> list[str]:
    """Return the sends of a template whose mail is in a running worker's inbox."""
    with _open(data / "hogsend.db") as connection:
        return [row[0] for row in connection.execute(_CAPTURED, [template])]


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        yield connection


def check_at_any_time(
    snapshot: Snapshot, product: Product, delivered: Counter[str], interrupted: Set[str] | None
) -> list[Fault]:
    """Return the broken promises among those that hold at every moment.

    Args:
        snapshot: the worker's tables.
        product: the facts that were sent to workers, and their answers.
        delivered: how often each mail was delivered, by the id of its send.
        interrupted: the sends that a kill interrupted during their hand-over. None for a provider
            that is idempotent, so that no mail is ever in doubt.
    """
    faults = [
        *_check_mails(snapshot, delivered, interrupted),
        *_check_rows(snapshot),
        *_check_counters(snapshot),
    ]
    stored = dict(snapshot.rows["keys"])
    for customer in product.customers:
        for key, event_id in customer.events.items():
            if stored.get(key, "").lower() != event_id.replace("-", ""):
                faults.append(Fault("lost", f"event {key} was accepted and is not stored"))
    if snapshot.rows["check"] != [("ok",)]:
        faults.append(Fault("wrong", f"the database: {snapshot.rows['check'][:3]}"))
    return faults


def _check_mails(
    snapshot: Snapshot, delivered: Counter[str], interrupted: Set[str] | None
) -> Iterator[Fault]:
    statuses = {row[0]: row[3] for row in snapshot.rows["sends"]}
    for send_id, status in statuses.items():
        if status == "sent" and not delivered[send_id]:
            yield Fault("lost", f"mail {send_id} is sent and was not delivered")
        if interrupted is None and status == "in_doubt":
            yield Fault("wrong", f"mail {send_id} is in doubt")
        if interrupted is not None:
            was_interrupted = send_id in interrupted
            if (status in ("in_doubt", "sending")) != was_interrupted:
                yield Fault("wrong", f"mail {send_id} is {status}; interrupted: {was_interrupted}")
    for send_id, times in delivered.items():
        status = statuses.get(send_id)
        if times > 1:
            yield Fault("doubled", f"mail {send_id} was delivered {times} times")
        if status is None or (interrupted is not None and status not in (*GONE, "sending")):
            yield Fault("wrong", f"mail {send_id} was delivered and is {status}")


def _check_counters(snapshot: Snapshot) -> Iterator[Fault]:
    recount = {name: number for name, number in snapshot.rows["recount"] if number}
    kinds = {name.partition("/")[0] for name in recount}
    counters = {n: v for n, v in snapshot.rows["counters"] if n.partition("/")[0] in kinds}
    for name in sorted(n for n in {*counters, *recount} if counters.get(n) != recount.get(n)):
        yield Fault("wrong", f"counter {name} is {counters.get(name)}, rows: {recount.get(name)}")


def _check_rows(snapshot: Snapshot) -> Iterator[Fault]:
    find_survivor = snapshot.find_survivor
    counts = {
        "mail": Counter((find_survivor(row[1]), row[2]) for row in snapshot.rows["sends"]),
        "enrollment": Counter(
            (find_survivor(row[0]), row[1]) for row in snapshot.rows["enrollments"]
        ),
        "event": Counter((find_survivor(row[1]), row[2]) for row in snapshot.rows["events"]),
    }
    for journey, turns, is_complete, stored in snapshot.rows["journals"]:
        if is_complete and turns != stored:
            yield Fault("lost", f"of {turns} turns in {journey}, {stored} are in the journal")
    for noun, counted in counts.items():
        for (contact, name), times in counted.items():
            if times > ALLOWED_REPEATS.get(name, 1):
                yield Fault("doubled", f"{noun} {name} of {contact} is stored {times} times")


def check_at_the_end(snapshot: Snapshot, product: Product, posts: Sequence[Post]) -> list[Fault]:
    """Return the broken promises among those that hold when all work is done.

    Args:
        snapshot: the worker's tables.
        product: the facts that were sent to workers, and their answers.
        posts: the requests of the steps.
    """
    mails, events = snapshot.group_by_contact("sends", 1), snapshot.group_by_contact("events", 1)
    enrollments, hits = snapshot.group_by_contact("enrollments"), snapshot.group_by_contact("hits")
    faults: list[Fault] = []
    by_path: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        by_path[post.path].append(post)
    for customer in product.customers:
        contact = snapshot.find_contact(customer)
        name = f"{customer.kind} {customer.number}"
        if contact is None:
            faults.append(Fault("lost", f"{name} has no contact"))
            continue
        ends = {journey: state for journey, state in enrollments[contact]}
        if ends != dict(customer.scenario.ends):
            faults.append(Fault("lost", f"{name} has ended as {ends}"))
        clicks = sum(verdict == "human" for (verdict,) in hits[contact])
        clicked = {"email.clicked": clicks} if clicks else {}
        counted = Counter(event for _, event in events[contact])
        if counted != {**customer.scenario.events, **clicked}:
            faults.append(Fault("lost", f"{name} has the events {dict(counted)}"))
        faults += _check_customer_mails(name, customer, mails[contact])
        faults += _check_customer_steps(name, customer, mails[contact], by_path)
    if len(snapshot.rows["sends"]) != sum(map(len, mails.values())):
        faults.append(Fault("wrong", "some mails belong to no contact"))
    if snapshot.rows["steps"]:
        faults.append(Fault("wrong", f"{len(snapshot.rows['steps'])} steps are in no journal"))
    return faults


def _check_customer_mails(name: str, customer: Customer, rows: Sequence[Row]) -> Iterator[Fault]:
    statuses = {template: status for _, template, status, _ in rows}
    for template in customer.scenario.mails:
        if statuses.get(template) not in GONE:
            yield Fault("lost", f"{template} for {name} is {statuses.get(template)}")
    for template, status in statuses.items():
        if template in customer.scenario.optional_mails and status in (*GONE, "cancelled"):
            continue
        if template not in customer.scenario.mails:
            yield Fault("wrong", f"{template} for {name} is {status}")


def _check_customer_steps(
    name: str, customer: Customer, mails: Sequence[Row], posts: Mapping[str, Sequence[Post]]
) -> Iterator[Fault]:
    recorded = {
        STEP_BY_TEMPLATE.get(template): json.loads(props) for _, template, _, props in mails
    }
    for step in customer.scenario.steps:
        attempts = posts.get(f"/{step}/p{customer.number}", ())
        ids = {post.body for post in attempts}
        accepted = {post.number for post in attempts if post.status == 200}
        if len(ids) != 1:
            yield Fault("wrong", f"{step} of {name} was posted with the ids {ids}")
        if step == REFUSED:
            if len(attempts) < 2:
                yield Fault("lost", f"{step} of {name} was tried {len(attempts)} times")
        elif recorded.get(step, {}).get("number") not in accepted:
            yield Fault(
                "wrong", f"{step} of {name} is recorded as {recorded.get(step)}: {attempts}"
            )


def count_repeated_steps(posts: Sequence[Post]) -> tuple[int, int]:
    """Return how many steps succeeded, and how often a step succeeded again."""
    done = [post.body for post in posts if post.status == 200]
    return len({*done}), len(done) - len({*done})
