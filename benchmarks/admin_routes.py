"""Measures how long each GET route of the API takes over HTTP, with many contacts.

`admin_routes.py [CONTACTS] [FOLDER] [PATTERN]` calls every GET route of the table of routes, with
its filters, orders and far pages, or only those whose line of output matches a regular expression.
The installation is built by `large_site.py`, by default with 1,000,000 contacts, and kept in the
folder, by default `hogsend-sites` among the temporary files. With `HOGSEND_DATABASE_URL`, it is in
Postgres.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlencode

from large_site import CONTACTS, FOLDER, prepare, serve
from project import server_environment
from reader import Reader, Timing, measure_time, time_call
from report import report
from site_rows import BUSY_CONTACT, EVENT_NAMES, FIRST_NAMES, RARE_EVENT

from hogsend.web.api import list_routes

# How often each call is made.
TIMES = 20
# Routes that stream everything; benchmarks/exports.py measures them.
STREAMS = {"/v1/admin/contacts/export", "/v1/admin/suppressions/export"}
# Of a route: those in its path, and those of the query string.
Parameters = Mapping[str, object]
Make = Callable[[int], Parameters]


@dataclass(frozen=True, slots=True)
class Call:
    """One way to call a route.

    Args:
        name: what is asked.
        make: returns the parameters of the `n`-th call.
        follows: whether each call asks for the next page, by the cursor of the answer before.
    """

    name: str
    make: Make = field(default=lambda _: {})
    follows: bool = False


class Samples:
    """Ids and addresses that exist, read from the installation itself.

    Args:
        reader: a connection with a key that may read everything.
        contacts: how many contacts there are.
    """

    def __init__(self, reader: Reader, contacts: int) -> None:
        self.contacts = contacts
        self._reader = reader
        self.contact_ids = self._list("contacts", "contacts?limit=100&offset=3000")
        self.event_ids = self._list("events", "events?limit=100&offset=2000")
        self.send_ids = self._list("emails", "emails?limit=100&offset=2000&status=sent")
        self.state_ids = self._list("states", "journeys/welcome/states?limit=100&offset=2000")
        emails = json.loads(reader.read("/v1/admin/contacts?limit=100&identity=identified"))
        self.emails = [contact["email"] for contact in emails["contacts"] if contact["email"]]
        self.import_id = self._upload()

    def _list(self, name: str, path: str) -> list[str]:
        return [row["id"] for row in json.loads(self._reader.read(f"/v1/admin/{path}"))[name]]

    def _upload(self) -> str:
        rows = "email\n" + "not an address\n" * 5000
        body = json.dumps({"format": "csv", "data": rows, "fileName": "bad.csv"})
        _, _, answer = self._reader.request("POST", "/v1/admin/contacts/import", body)
        return json.loads(answer)["jobId"]

    def user_id(self, number: int) -> str:
        """Return the user id of some contact."""
        return f"user-{number * 7919 % self.contacts // 10 * 10 + 1}"


def pick(values: Sequence[str]) -> Callable[[int], str]:
    """Return a function that chooses one of some values by the number of a call."""
    return lambda number: values[number * 7 % len(values)]


def call_with(name: str, **parameters: object) -> Call:
    """Return a call that always has the same parameters, and follows the pages."""
    return Call(name, lambda _: parameters, follows=True)


def call_at_offset(offset: int, **parameters: object) -> Call:
    """Return a call for the page at an offset."""
    return Call("far offset", lambda _: {**parameters, "offset": offset})


def list_calls(samples: Samples) -> Mapping[str, Sequence[Call]]:
    """Return the calls of each route, by path."""
    contact = pick(samples.contact_ids)
    event, send = pick(samples.event_ids), pick(samples.send_ids)
    state, address = pick(samples.state_ids), pick(samples.emails)
    by_contact = [
        Call("by our id", lambda n: {"contact_id": contact(n)}),
        Call("by user id", lambda n: {"contact_id": samples.user_id(n)}),
    ]
    job = [call_with("an import", job_id=samples.import_id)]
    return {
        "/v1/admin/contacts": _list_contact_calls(samples),
        "/v1/admin/contacts/<contact_id>": by_contact,
        "/v1/admin/contacts/<contact_id>/preferences": by_contact,
        "/v1/admin/contacts/<contact_id>/archive": by_contact,
        "/v1/admin/contacts/<contact_id>/timeline": [*by_contact, *_list_timeline_calls()],
        "/v1/admin/events": _list_event_calls(samples),
        "/v1/admin/events/<event_id>": [Call("one", lambda n: {"event_id": event(n)})],
        "/v1/admin/emails": _list_email_calls(samples),
        "/v1/admin/emails/<send_id>": [Call("one", lambda n: {"send_id": send(n)})],
        "/v1/admin/journeys": [call_with("all"), call_with("switched on", enabled="true")],
        "/v1/admin/journeys/<journey_id>": _in_each_journey(call_with("one")),
        "/v1/admin/journeys/<journey_id>/results": _in_each_journey(call_with("one")),
        "/v1/admin/journeys/<journey_id>/states": _list_state_calls(samples),
        "/v1/admin/journeys/<journey_id>/states/<state_id>": [
            Call("one", lambda n: {"journey_id": "welcome", "state_id": state(n)})
        ],
        "/v1/admin/suppressions": [
            call_with("all"),
            Call("one", lambda n: {"email": address(n)}),
        ],
        "/v1/admin/metrics/overview": [call_with("all")],
        "/v1/admin/metrics/series": [
            call_with("events", figure="events", days=400),
            call_with("of a journey", figure="entered", journeyId="welcome", days=400),
            call_with("as CSV", figure="emails.sent", days=400, format="csv"),
        ],
        "/v1/admin/audit": [call_with("all"), call_at_offset(10_000)],
        "/v1/admin/api-keys": [call_with("all", includeRevoked="true")],
        "/v1/admin/operators": [call_with("all")],
        "/v1/admin/templates": [call_with("all")],
        "/v1/admin/templates/<key>/preview": [call_with("one", key="hello")],
        "/v1/admin/imports": [call_with("all")],
        "/v1/admin/contacts/import/<job_id>": job,
        "/v1/admin/contacts/import/<job_id>/rows": job,
        "/v1/admin/suppressions/import/<job_id>": [],
        **_list_public_calls(samples),
    }


_PERIOD: Mapping[str, object] = {"from": "2026-10-10T00:00:00Z", "to": "2026-10-11T00:00:00Z"}
_NOBODY = call_with("nobody", userId="nobody")


def _call_with_user_id(samples: Samples) -> Call:
    return Call("a user id", lambda n: {"userId": samples.user_id(n)})


def _list_public_calls(samples: Samples) -> Mapping[str, Sequence[Call]]:
    """Return the calls of the routes that products use."""
    send, address = pick(samples.send_ids), pick(samples.emails)
    user = _call_with_user_id(samples)
    return {
        "/v1/contacts/find": [
            user,
            Call("an address", lambda n: {"email": address(n)}),
            _NOBODY,
        ],
        "/v1/contacts/me": [user],
        "/v1/lists": [call_with("all"), user],
        "/v1/lists/preferences": [user],
        "/v1/emails/<send_id>": [Call("one", lambda n: {"send_id": send(n)})],
        "/v1/health": [call_with("all")],
    }


def _list_timeline_calls() -> Sequence[Call]:
    busy = f"user-{BUSY_CONTACT}"
    return [
        call_with("a busy contact", contact_id=busy),
        *(
            call_with(f"a busy contact, {kind}", contact_id=busy, type=kind)
            for kind in ("event", "journey", "steps", "email", "engagement", "consent")
        ),
        call_at_offset(1000, contact_id=busy),
    ]


def _list_event_calls(samples: Samples) -> Sequence[Call]:
    busy = f"user-{BUSY_CONTACT}"
    return [
        call_with("all"),
        call_at_offset(10_000),
        call_with("a frequent name", event=EVENT_NAMES[0]),
        call_with("a rare name", event=RARE_EVENT),
        call_with("no name", event="nothing"),
        call_with("a rare source", source="journey"),
        call_with("a frequent source", source="api"),
        call_with("no source", source="cli"),
        call_with("a name and a rare source", event=EVENT_NAMES[0], source="journey"),
        call_with("an old period", **_PERIOD),
        call_with("a rare name in a period", event=RARE_EVENT, **_PERIOD),
        _call_with_user_id(samples),
        _NOBODY,
        call_with("a busy contact", userId=busy),
        call_with("a busy contact, a rare name", userId=busy, event=RARE_EVENT),
        call_with("a busy contact, a rare source", userId=busy, source="cli"),
    ]


def _list_state_calls(samples: Samples) -> Sequence[Call]:
    statuses = ("active", "waiting", "completed", "failed", "exited")
    return [
        *_in_each_journey(
            call_with("all"),
            call_at_offset(10_000),
            *(call_with(status, status=status) for status in statuses),
        ),
        _in_journey("welcome", _call_with_user_id(samples)),
        _in_journey("welcome", _NOBODY),
    ]


def _list_contact_calls(samples: Samples) -> Sequence[Call]:
    sorts = ("-lastSeen", "lastSeen", "-firstSeen", "-created", "created", "email", "-email")
    filters = {
        "that one in ten matches": "plan=pro",
        "that one in 5,000 matches": "city=city77",
        "that one in 100,000 matches": "isVip=true",
        "that nobody matches": "missing=1",
        "by two properties, one nested": "plan=team;company.size>490",
        "that looks into texts": "name~Okafor",
        "by an instant": "trialEnds<2026-02-01",
    }
    return [
        *(call_with(f"sort {sort}", sort=sort) for sort in sorts),
        call_at_offset(10_000),
        replace(call_at_offset(400, identity="anonymous"), name="offset of anonymous ones"),
        call_with("anonymous ones", identity="anonymous"),
        call_with("identified ones, oldest", identity="identified", sort="created"),
        Call("search: a frequent prefix", lambda n: {"search": FIRST_NAMES[n % 10].lower()}),
        Call("search: a frequent user id", lambda n: {"search": f"user-{n}"}),
        Call("search: a whole address", lambda n: {"search": pick(samples.emails)(n)}),
        Call("search: nothing", lambda n: {"search": f"zzz{n}"}),
        Call("search: one letter, with a filter", lambda _: {"search": "a", "where": "plan=pro"}),
        *(
            call_with(f"filter {name}, {sort}", where=where, sort=sort)
            for name, where in filters.items()
            for sort in ("-lastSeen", "created", "email")
        ),
    ]


def _list_email_calls(samples: Samples) -> Sequence[Call]:
    return [
        call_with("all"),
        call_at_offset(10_000),
        *(
            call_with(f"status {status}", status=status)
            for status in ("sent", "failed", "in_doubt")
        ),
        call_with("a template", templateKey="template-3"),
        call_with("no template", templateKey="nothing"),
        *(call_with(f"journey {journey}", journeyId=journey) for journey in ("welcome", "nothing")),
        call_with("template and status", templateKey="template-3", status="failed"),
        call_with("template and frequent status", templateKey="template-3", status="sent"),
        call_with("template and journey", templateKey="template-3", journeyId="win-back"),
        call_with("template of no journey", templateKey="template-3", journeyId="nothing"),
        call_with("no such template and sent", templateKey="nothing", status="sent"),
        call_with("frequent journey, no such status", journeyId="welcome", status="in_doubt"),
        call_with("an old period", **_PERIOD),
        call_with("a template in a period", templateKey="template-3", **_PERIOD),
        Call("an address", lambda n: {"toEmail": pick(samples.emails)(n)}),
        Call("an unknown address", lambda n: {"toEmail": f"nobody{n}@example.com"}),
        _call_with_user_id(samples),
        _NOBODY,
    ]


def _in_each_journey(*calls: Call) -> Sequence[Call]:
    return [_in_journey(journey, call) for journey in ("welcome", "win-back") for call in calls]


def _in_journey(journey: str, call: Call) -> Call:
    def make(number: int) -> Parameters:
        return {**call.make(number), "journey_id": journey}

    return replace(call, name=f"{call.name}, {journey}", make=make)


def _build_path(path: str, parameters: Parameters) -> str:
    """Return a path with its variables filled in, and the other parameters as the query string."""
    names = re.findall(r"<(\w+)>", path)
    for name in names:
        path = path.replace(f"<{name}>", quote(str(parameters[name]), safe=""))
    rest = {name: value for name, value in parameters.items() if name not in names}
    return f"{path}?{urlencode(rest)}"


def _measure_route(reader: Reader, path: str, call: Call) -> Timing:
    times: list[float] = []
    page: dict[str, str] = {}
    for number in range(TIMES):
        took, body = time_call(reader, _build_path(path, {**call.make(number), **page}))
        times.append(took)
        if call.follows and body.startswith(b"{"):
            cursor = json.loads(body).get("nextCursor", "")
            page = {"cursor": cursor} if cursor else {}
    return measure_time(f"{path} {call.name}", times)


def measure(reader: Reader, contacts: int, pattern: str) -> Iterator[Timing]:
    """Measure the calls of every route whose path and name a pattern finds.

    Raises:
        RuntimeError: `list_calls` does not list a route.
    """
    calls = list_calls(Samples(reader, contacts))
    for route in list_routes():
        if route.method != "GET" or not route.path.startswith("/v1/") or route.path in STREAMS:
            continue
        if route.path not in calls:
            raise RuntimeError(
                f"{route.path} is not measured: say how in benchmarks/admin_routes.py"
            )
        for call in calls[route.path]:
            if re.search(pattern, f"{route.path} {call.name}"):
                yield _measure_route(reader, route.path, call)


def create_key(site: Path) -> str:
    """Create an API key that may do everything."""
    command = [sys.executable, "-m", "hogsend", "keys", "create", "--scope", "full-admin", "--json"]
    environment = {**os.environ, **server_environment(site)}
    answer = subprocess.run(command, cwd=site, env=environment, check=True, capture_output=True)
    return json.loads(answer.stdout)["key"]


def main() -> None:
    contacts = int(sys.argv[1]) if sys.argv[1:] else CONTACTS
    site = prepare(Path(sys.argv[2]) if sys.argv[2:] else FOLDER, contacts)
    key = create_key(site)
    timings: list[Timing] = []
    with serve(site) as server:
        print("    p50     p95     max  (ms)", flush=True)
        reader = Reader(server, {"Authorization": f"Bearer {key}"})
        for timing in measure(reader, contacts, sys.argv[3] if sys.argv[3:] else ""):
            print(timing, flush=True)
            timings.append(timing)
    searches = [t for t in timings if re.match(r"/v1/admin/contacts (search|filter)", t.name)]
    kinds = (
        ("contact search and property filter", searches, "50 ms"),
        ("a route", timings, "100 ms"),
    )
    for what, measured, goal in kinds:
        worst = max(measured, key=lambda timing: timing.p95)
        report(
            f"slowest p95 of {what}, {contacts:,} contacts",
            f"{worst.p95:.0f} ms",
            f"≤ {goal}",
            detail=f"of {len(measured)}; it is {worst.name}",
        )


if __name__ == "__main__":
    main()
