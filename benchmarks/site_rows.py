"""The rows of a large installation, computed from their numbers: every run has the same ones.

The id of contact `n` is a function of `n`, so tables can refer to each other without any of them in
memory. Ids are the 16 bytes of a UUID; `large_site.py` writes the rows to either database.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hogsend.domain.engagement import EngagementKind, Verdict
from hogsend.store import counters

Row = tuple[Any, ...]
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_DAY = 86_400_000_000
# How many days before now the first event happens; contacts are created in the year before that.
_EVENT_DAYS = 60
# A prime number: event `n` belongs to contact `n * _STRIDE`, so neighbouring events belong to
# contacts that are far apart.
_STRIDE = 7_368_787
FIRST_NAMES = ("Ada", "Ben", "Chloé", "Dmitri", "Elif", "Fatima", "Grace", "Hiro", "Ines", "Jürgen")
LAST_NAMES = ("Okafor", "Smith", "Müller", "Tanaka", "Silva", "Novák", "Kaya", "Rossi", "Dubois")
# What things are called is chosen from these by their number; repeating a value makes it frequent.
EVENT_NAMES = ("page.viewed",) * 12 + ("feature.used",) * 5 + ("invoice.paid",) * 2 + ("login",)
# One event in so many has this name.
RARE_EVENT, _RARE = "plan.cancelled", 10_000
# The journeys, each with its share of a hundred enrollments.
JOURNEYS = {"welcome": 70, "trial": 25, "win-back": 5}
_JOURNEY_CHOICES = [journey for journey, share in JOURNEYS.items() for _ in range(share)]
_STATES = ("waiting",) * 50 + ("completed",) * 35 + ("exited",) * 11 + ("failed",) * 4
_STATUSES = ("sent",) * 90 + ("skipped",) * 4 + ("bounced",) * 2 + ("failed",) + ("queued",) * 3
_WAITS = ("sleep:rest", "sleep:first-week", "wait:paid")
# A contact that so many events are about, for the longest pages.
BUSY_CONTACT, BUSY_EVENTS = 7, 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many contacts, events and enrollments there are.

    Each enrollment has a turn and an email.
    """

    contacts: int
    events: int
    enrollments: int


def build_id(at: int, number: int) -> bytes:
    """Return an id of version 7: of an instant in microseconds, and of a number."""
    return ((at // 1000 << 80) | _VERSION_AND_VARIANT | number).to_bytes(16)


def format_id(row_id: bytes) -> str:
    """Return an id as text."""
    whole = row_id.hex()
    return f"{whole[:8]}-{whole[8:12]}-{whole[12:16]}-{whole[16:20]}-{whole[20:]}"


class SiteRows:
    """Generates the rows of each table, in the order of their ids.

    Args:
        size: how many there are.
        now: the end of the period in which everything happens, in microseconds since 1970.
        code_hashes: the hash of each journey's code, by journey id.
    """

    def __init__(self, size: Size, now: int, code_hashes: dict[str, str]) -> None:
        self._size, self._now, self._code_hashes = size, now, code_hashes
        self._first_event = now - _EVENT_DAYS * _DAY
        self._event_step = _EVENT_DAYS * _DAY // size.events
        self._contact_step = 365 * _DAY // size.contacts
        self.totals: Counter[tuple[str, int]] = Counter()
        assert size.contacts % _STRIDE, "the stride has to reach every contact"

    # -- contacts -----------------------------------------------------------------------------

    def contact_id(self, number: int) -> bytes:
        """Return the id of a contact."""
        return build_id(self._created_at(number), number)

    def user_id(self, number: int) -> str | None:
        """Return the user id of a contact; one in ten has none."""
        return f"user-{number}" if number % 10 else None

    def email(self, number: int) -> str | None:
        """Return the address of a contact; one in twenty has none."""
        if number % 20 == 0:
            return None
        first, last = self._names(number)
        return f"{first}.{last}.{number}@example{number % 50}.com".lower()

    def _names(self, number: int) -> tuple[str, str]:
        mixed = number * 31 + number // 97
        return FIRST_NAMES[mixed % 10], LAST_NAMES[mixed // 10 % 9]

    def _created_at(self, number: int) -> int:
        return self._first_event - (self._size.contacts - number) * self._contact_step

    def list_contacts(self) -> Iterator[Row]:
        """Make contacts, each with a dozen properties."""
        rounds = self._size.events // self._size.contacts
        last_seen = [0] * self._size.contacts
        for event in range((rounds - 1) * self._size.contacts, self._size.events):
            last_seen[event * _STRIDE % self._size.contacts] = self._event_at(event)
        for number in range(self._size.contacts):
            created_at = self._created_at(number)
            seen = last_seen[number]
            yield (
                self.contact_id(number), self.user_id(number), self.email(number),
                f"browser-{number}" if number % 20 == 0 else None,
                self._properties(number), self._size.events // self._size.contacts + 1, 1,
                created_at, seen, created_at, seen,
            )  # fmt: skip

    def _properties(self, number: int) -> str:
        mixed = number * 2_654_435_761 >> 7
        first, last = self._names(number)
        plan = ("free",) * 8 + ("pro", "team")
        properties = {
            "name": f"{first} {last}",
            "plan": plan[mixed % 10],
            "seats": mixed % 100 + 1,
            "city": f"city{mixed % 5000}",
            "country": ("DE", "FR", "US", "BR", "JP", "TR")[mixed // 7 % 6],
            "score": mixed % 100_000 / 1000,
            "trialEnds": f"2026-{mixed % 12 + 1:02}-{mixed // 11 % 28 + 1:02}T08:00:00Z",
            "isAdmin": mixed % 5 == 0,
            "company": {"name": f"{last} {mixed % 9000}", "size": mixed // 3 % 500 + 1},
            "tags": ["newsletter", "beta"] if mixed % 9 == 0 else ["newsletter"],
        }
        if mixed % 100_000 == 0:
            properties["isVip"] = True
        return json.dumps(properties, ensure_ascii=False, separators=(",", ":"))

    def list_identities(self) -> list[Row]:
        """Make what contacts are known by, in the order of the texts."""
        rows: list[Row] = []
        for number in range(self._size.contacts):
            contact_id = self.contact_id(number)
            user_id, email = self.user_id(number), self.email(number)
            if user_id:
                rows.append((f"u:{user_id}", contact_id))
            if email:
                rows.append((f"e:{email}", contact_id))
            else:
                rows.append((f"a:browser-{number}", contact_id))
        return sorted(rows)

    # -- events -------------------------------------------------------------------------------

    def _event_at(self, number: int) -> int:
        return self._first_event + number * self._event_step

    def event_id(self, number: int) -> bytes:
        """Return the id of an event."""
        return build_id(self._event_at(number), number)

    def list_events(self) -> Iterator[Row]:
        """Make events; those of the first round start the enrollments."""
        contacts, total = self._size.contacts, counters.EVENTS
        for number in range(self._size.events):
            at, contact = self._event_at(number), number * _STRIDE % contacts
            name, decisions = EVENT_NAMES[number % 20], "{}"
            if number < self._size.enrollments:
                journey = self._journey(number)
                name = f"{journey}.started"
                state_id = format_id(self.enrollment_id(number))
                decisions = (
                    f'{{"enrollments":[{{"journeyId":"{journey}","outcome":"enrolled",'
                    f'"stateId":"{state_id}"}}]}}'
                )
            elif number % _RARE == 0:
                name = RARE_EVENT
            elif number % 500 < BUSY_EVENTS * 500 // self._size.events:
                contact = BUSY_CONTACT
            self.totals[total, at // _DAY] += 1
            yield (
                self.event_id(number), self.contact_id(contact), number // contacts + 1, name,
                f'{{"page":"/pricing/{number % 300}","plan":"pro","amount":{number % 97}}}',
                decisions, at, at, "journey" if number % 5_000 == 0 else "api",
                49.5 if name == "invoice.paid" else None, "EUR" if name == "invoice.paid" else None,
                0,
            )  # fmt: skip

    # -- journeys -----------------------------------------------------------------------------

    def _journey(self, number: int) -> str:
        return _JOURNEY_CHOICES[number * 37 % 100]

    def _state(self, number: int) -> str:
        return _STATES[number * 13 // 7 % 100]

    def enrollment_id(self, number: int) -> bytes:
        """Return the id of an enrollment."""
        return build_id(self._event_at(number) + 1000, number)

    def list_enrollments(self) -> Iterator[Row]:
        """Make enrollments, half of which wait; none is due within a month."""
        for number in range(self._size.enrollments):
            journey, state, at = self._journey(number), self._state(number), self._event_at(number)
            is_waiting, ended_at = state == "waiting", at + _DAY
            wake_at = self._now + 30 * _DAY + number * 2_000_000
            wait_key = _WAITS[number % 3]
            until = datetime.fromtimestamp(wake_at / 1e6, UTC).isoformat()
            self.totals[counters.name_state_gauge(journey, state), 0] += 1
            self.totals[counters.name_entered_total(journey), at // _DAY] += 1
            if is_waiting:
                self.totals[counters.name_wait_gauge(journey, wait_key), 0] += 1
            else:
                self.totals[counters.name_ended_total(journey, state), ended_at // _DAY] += 1
            yield (
                self.enrollment_id(number), self.contact_id(number * _STRIDE % self._size.contacts),
                journey, "", state, self.event_id(number), self._code_hashes[journey], 1, 0,
                wake_at if is_waiting else None, wait_key if is_waiting else None,
                f'{{"key":"{wait_key}","until":"{until}"}}' if is_waiting else None,
                1, 0, 1, 0, f"ValueError: no plan {number % 7}" if state == "failed" else None,
                "operator" if state == "exited" else None, at, at + 2000,
                None if is_waiting else ended_at, 0,
            )  # fmt: skip

    def list_turns(self) -> Iterator[Row]:
        """Make the first turn of each enrollment."""
        for number in range(self._size.enrollments):
            journey = self._journey(number)
            contact = number * _STRIDE % self._size.contacts
            user_id, email = self.user_id(contact) or "", self.email(contact) or ""
            steps = (
                f'[{{"key":"user","answer":{{"id":"{format_id(self.contact_id(contact))}",'
                f'"userId":"{user_id}","email":"{email}","properties":{{"plan":"pro"}}}}}},'
                '{"key":"send:hello","answer":{"status":"queued",'
                f'"sendId":"{format_id(self.send_id(number))}"}}}},'
                f'{{"key":"{_WAITS[number % 3]}","detail":{{}},"waiting":true}}]'
            )
            state = self._state(number)
            yield (
                self.enrollment_id(number), 1, self._event_at(number) + 2000,
                self._code_hashes[journey], state, steps,
                "ValueError" if state == "failed" else None,
            )  # fmt: skip

    # -- mails --------------------------------------------------------------------------------

    def send_id(self, number: int) -> bytes:
        """Return the id of an email."""
        return build_id(self._event_at(number) + 2000, number)

    def _status(self, number: int) -> str:
        return _STATUSES[number * 29 // 3 % 100]

    def list_sends(self) -> Iterator[Row]:
        """Make an email for each enrollment; none is due within a month."""
        for number in range(self._size.enrollments):
            contact, at = number * _STRIDE % self._size.contacts, self._event_at(number) + 2000
            status = self._status(number)
            is_sent = status == "sent"
            if status != "queued":
                self.totals[counters.name_send_total(status), at // _DAY] += 1
            yield (
                self.send_id(number), self.contact_id(contact), self.enrollment_id(number),
                self._journey(number), "send:hello", f"template-{number % 20}", "journey", None,
                "{}", self.email(contact), status, "no_consent" if status == "skipped" else None,
                self._now + 30 * _DAY if status == "queued" else None, at, at,
                at if is_sent else None, at if is_sent else None,
                at + 60_000_000 if is_sent and number % 4 == 0 else None,
                "smtp" if is_sent else None,
                f"<{number}@example.com>" if is_sent else None, "[]",
            )  # fmt: skip

    def list_engagement(self) -> Iterator[Row]:
        """Make an open of every fourth email that was sent."""
        kind: EngagementKind = "open"
        for number in range(0, self._size.enrollments, 4):
            if self._status(number) == "sent":
                at = self._event_at(number) + 62_000
                verdict: Verdict = "human" if number % 3 else "machine"
                self.totals[counters.name_engagement_total(kind, verdict), at // _DAY] += 1
                row_id, send_id = build_id(at, number), self.send_id(number)
                yield (row_id, send_id, kind, 0, verdict, "Firefox", "192.0.2.0/24", at)

    # -- the rest -----------------------------------------------------------------------------

    def list_refusals(self) -> Iterator[Row]:
        """Make a refusal for every twentieth event of a trigger."""
        for number in range(0, self._size.enrollments, 20):
            at, contact = self._event_at(number), number * _STRIDE % self._size.contacts
            journey, reason = self._journey(number), ("already_entered", "disabled")[number % 3 % 2]
            self.totals[counters.name_refused_total(journey, reason), at // _DAY] += 1
            row_id, event_id = build_id(at + 3000, number), self.event_id(number)
            yield (row_id, journey, reason, self.contact_id(contact), event_id, at)

    def list_consents(self) -> Iterator[Row]:
        """Make the choice of every tenth contact."""
        for number in range(0, self._size.contacts, 10):
            yield (self.contact_id(number), "newsletter", number % 3 != 0, self._now, "recipient")

    def list_suppressions(self) -> Iterator[Row]:
        """Make a suppressed address for one in fifty contacts."""
        numbers = range(1, self._size.contacts, 50)
        return iter(sorted((self.email(number), "hard_bounce", self._now) for number in numbers))

    def list_audit(self) -> Iterator[Row]:
        """Make an audit entry for every tenth contact."""
        for number in range(0, self._size.contacts, 10):
            at = self._first_event + number * self._event_step
            subject = f"/contacts/{format_id(self.contact_id(number))}"
            yield (build_id(at, number), at, "owner@example.com", "edit", subject, "{}", "{}")

    def list_counters(self) -> Sequence[Row]:
        """Return the counts of everything that was made before."""
        self.totals[counters.CONTACTS, 0] = self._size.contacts
        return [(name, day, value) for (name, day), value in sorted(self.totals.items())]
