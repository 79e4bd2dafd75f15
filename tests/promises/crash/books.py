"""Compares what the worker has written down with what the world has seen of it."""

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

from .product import Person, Product
from .stories import ANSWERS, REFUSED

Row = tuple[Any, ...]
# Mail that has left, or may have.
GONE = ("sent", "in_doubt")
# How often something may be there for one person: once, unless it is said here.
MOST = {"noted": 3, "email.clicked": 1000}
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
# Those whose mail is in doubt wait for somebody who may never have had it.
_UNDER_WAY = (
    "SELECT (SELECT COUNT(*) FROM enrollments e WHERE ended_at IS NULL AND NOT EXISTS "
    "(SELECT 1 FROM sends s WHERE s.enrollment_id = e.id AND s.template = ? "
    "AND s.status = 'in_doubt')) "
    "+ (SELECT COUNT(*) FROM sends WHERE status IN ('queued', 'sending')) "
    "+ (SELECT COUNT(*) FROM hits WHERE verdict = 'unsure') "
    # What is past its time: all of it soon is.
    "+ (SELECT COUNT(*) FROM enrollments WHERE ended_at IS NOT NULL AND summary IS NULL) "
    "+ (SELECT COUNT(*) FROM messages)"
)
_PARKED = "SELECT COUNT(*) FROM enrollments WHERE state = 'parked'"
_CAPTURED = (
    "SELECT lower(hex(s.id)) FROM inbox i JOIN sends s ON s.id = i.send_id WHERE s.template = ?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that must never be.

    Args:
        kind: lost, done more than once, or plainly wrong.
        what: what it is.
    """

    kind: Literal["lost", "doubled", "wrong"]
    what: str


@dataclass
class Books:
    """The tables as they stand.

    Args:
        rows: what each query has found.
    """

    rows: dict[str, list[Row]]

    def __post_init__(self) -> None:
        self._survivors: dict[str, str] = dict(self.rows["contacts"])
        self._known: dict[str, str] = dict(self.rows["identities"])

    def who(self, contact: str) -> str:
        """Return the contact that a contact has become."""
        while contact in self._survivors:
            contact = self._survivors[contact]
        return contact

    def of(self, person: Person) -> str | None:
        """Return the contact of a person, if there is one."""
        anonymous = self._known.get(f"a:a{person.number}")
        contact = self._known.get(f"u:p{person.number}", anonymous)
        return None if contact is None else self.who(contact)

    def by_contact(self, table: str, at: int = 0) -> dict[str, list[Row]]:
        """Return a table's rows by the contact whom they concern.

        Args:
            table: which.
            at: which column is the contact.
        """
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows[table]:
            found[self.who(row[at])].append((*row[:at], *row[at + 1 :]))
        return found

    def count(self, status: str) -> int:
        """Return how many mails have a status."""
        return sum(row[3] == status for row in self.rows["sends"])


def read_books(data: Path, scratch: Path) -> Books:
    """Read the tables of a worker that is dead, without touching what it left.

    Args:
        data: its data folder.
        scratch: where a copy is read: opening the file itself would mend it.
    """
    scratch.mkdir(exist_ok=True)
    for name in ("hogsend.db", "hogsend.db-wal"):
        (scratch / name).unlink(missing_ok=True)
        if (data / name).exists():
            shutil.copyfile(data / name, scratch / name)
    with _reading(scratch / "hogsend.db") as connection:
        return Books({name: connection.execute(sql).fetchall() for name, sql in _QUERIES.items()})


def under_way(data: Path, doubtful: str) -> int:
    """Return how much a living worker still has to do.

    Args:
        data: its data folder.
        doubtful: a template; those whose mail of it is in doubt do not count.
    """
    with _reading(data / "hogsend.db") as connection:
        return int(connection.execute(_UNDER_WAY, [doubtful]).fetchone()[0])


def parked(data: Path) -> int:
    """Return how many people a living worker has parked."""
    with _reading(data / "hogsend.db") as connection:
        return int(connection.execute(_PARKED).fetchone()[0])


def captured(data: Path, template: str) -> list[str]:
    """Return the sends whose mail is in a living worker's inbox, by their template."""
    with _reading(data / "hogsend.db") as connection:
        return [row[0] for row in connection.execute(_CAPTURED, [template])]


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        yield connection


def faults_at_any_time(
    books: Books, product: Product, arrived: Counter[str], cut_off: Set[str] | None
) -> list[Fault]:
    """Return what must never be, not even between two lives.

    Args:
        books: what is written down.
        product: what was told and answered.
        arrived: how often each mail has arrived, by the id of its send.
        cut_off: the ids of those that a kill has met in their hand-over; None where the provider
            remembers what it has, so that no mail is ever in doubt.
    """
    faults = [
        *_faults_of_mails(books, arrived, cut_off),
        *_faults_of_rows(books),
        *_faults_of_counters(books),
    ]
    stored = dict(books.rows["keys"])
    for person in product.people:
        for key, event in person.events.items():
            if stored.get(key, "").lower() != event.replace("-", ""):
                faults.append(Fault("lost", f"{key} was answered"))
    if books.rows["check"] != [("ok",)]:
        faults.append(Fault("wrong", f"the database: {books.rows['check'][:3]}"))
    return faults


def _faults_of_mails(
    books: Books, arrived: Counter[str], cut_off: Set[str] | None
) -> Iterator[Fault]:
    statuses = {row[0]: row[3] for row in books.rows["sends"]}
    for send_id, status in statuses.items():
        if status == "sent" and not arrived[send_id]:
            yield Fault("lost", f"mail {send_id} is sent and has not arrived")
        if cut_off is None and status == "in_doubt":
            yield Fault("wrong", f"mail {send_id} is in doubt")
        if cut_off is not None and (status in ("in_doubt", "sending")) != (send_id in cut_off):
            yield Fault("wrong", f"mail {send_id} is {status}; cut off: {send_id in cut_off}")
    for send_id, times in arrived.items():
        status = statuses.get(send_id)
        if times > 1:
            yield Fault("doubled", f"mail {send_id} has arrived {times} times")
        if status is None or (cut_off is not None and status not in (*GONE, "sending")):
            yield Fault("wrong", f"mail {send_id} has arrived and is {status}")


def _faults_of_counters(books: Books) -> Iterator[Fault]:
    recount = {name: number for name, number in books.rows["recount"] if number}
    kinds = {name.partition("/")[0] for name in recount}
    kept = {n: v for n, v in books.rows["counters"] if n.partition("/")[0] in kinds}
    for name in sorted(n for n in {*kept, *recount} if kept.get(n) != recount.get(n)):
        yield Fault("wrong", f"{name} is kept as {kept.get(name)}, and is {recount.get(name)}")


def _faults_of_rows(books: Books) -> Iterator[Fault]:
    counted = {
        "mail": Counter((books.who(row[1]), row[2]) for row in books.rows["sends"]),
        "enrollment": Counter((books.who(row[0]), row[1]) for row in books.rows["enrollments"]),
        "event": Counter((books.who(row[1]), row[2]) for row in books.rows["events"]),
    }
    for journey, turns, is_whole, kept in books.rows["journals"]:
        if is_whole and turns != kept:
            yield Fault("lost", f"of {turns} turns in {journey}, {kept} are in the journal")
    for what, counts in counted.items():
        for (contact, name), times in counts.items():
            if times > MOST.get(name, 1):
                yield Fault("doubled", f"{what} {name} of {contact} is there {times} times")


def faults_at_the_end(books: Books, product: Product, posts: Sequence[Post]) -> list[Fault]:
    """Return what is not as it must be when everything has been done.

    Args:
        books: what is written down.
        product: what was told and answered.
        posts: what the steps have posted.
    """
    mails, events = books.by_contact("sends", 1), books.by_contact("events", 1)
    enrollments, hits = books.by_contact("enrollments"), books.by_contact("hits")
    faults: list[Fault] = []
    by_path: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        by_path[post.path].append(post)
    for person in product.people:
        contact = books.of(person)
        if contact is None:
            faults.append(Fault("lost", f"nobody knows person {person.number}"))
            continue
        story, who = person.story, f"{person.kind} {person.number}"
        ends = {journey: state for journey, state in enrollments[contact]}
        if ends != dict(story.ends):
            faults.append(Fault("lost", f"{who} has ended as {ends}"))
        clicks = sum(verdict == "human" for (verdict,) in hits[contact])
        expected = {**story.events, **({"email.clicked": clicks} if clicks else {})}
        counted = Counter(name for _, name in events[contact])
        if counted != expected:
            faults.append(Fault("lost", f"{who} has the events {dict(counted)}"))
        faults += _faults_of_mailbox(who, person, mails[contact])
        faults += _faults_of_steps(who, person, mails[contact], by_path)
    if len(books.rows["sends"]) != sum(map(len, mails.values())):
        faults.append(Fault("wrong", "there are mails of nobody"))
    if books.rows["steps"]:
        faults.append(Fault("wrong", f"{len(books.rows['steps'])} steps are in no journal"))
    return faults


def _faults_of_mailbox(who: str, person: Person, rows: Sequence[Row]) -> Iterator[Fault]:
    statuses = {template: status for _, template, status, _ in rows}
    for template in person.story.mails:
        if statuses.get(template) not in GONE:
            yield Fault("lost", f"{template} for {who} is {statuses.get(template)}")
    for template, status in statuses.items():
        if template in person.story.perhaps and status in (*GONE, "cancelled"):
            continue
        if template not in person.story.mails:
            yield Fault("wrong", f"{template} for {who} is {status}")


def _faults_of_steps(
    who: str, person: Person, mails: Sequence[Row], posts: Mapping[str, Sequence[Post]]
) -> Iterator[Fault]:
    recorded = {ANSWERS.get(template): json.loads(props) for _, template, _, props in mails}
    for step in person.story.steps:
        told = posts.get(f"/{step}/p{person.number}", ())
        ids, taken = {post.body for post in told}, {p.number for p in told if p.status == 200}
        if len(ids) != 1:
            yield Fault("wrong", f"{step} of {who} was told with the ids {ids}")
        if step == REFUSED:
            if len(told) < 2:
                yield Fault("lost", f"{step} of {who} was tried {len(told)} times")
        elif recorded.get(step, {}).get("number") not in taken:
            yield Fault("wrong", f"{step} of {who} is recorded as {recorded.get(step)}: {told}")


def repeated(posts: Sequence[Post]) -> tuple[int, int]:
    """Return how many steps were done, and how often one was done again."""
    done = [post.body for post in posts if post.status == 200]
    return len({*done}), len(done) - len({*done})
