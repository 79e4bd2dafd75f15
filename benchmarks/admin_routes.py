"""How long each GET route of the API takes with many contacts, over HTTP, whatever it is asked.

`admin_routes.py [CONTACTS] [FOLDER] [PATTERN]` takes every GET route from the table of routes, with
all its filters, orders and depths, or those whose line a pattern finds; 1,000,000 contacts and the
folder `hogsend-sites` of the temporary files unless given. The installation is built by
`large_site.py` and kept there. With `HOGSEND_DATABASE_URL`, it is in Postgres.
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

TIMES = 20
# They send everything that there is, as a stream; benchmarks/exports.py measures them.
STREAMS = {"/v1/admin/contacts/export", "/v1/admin/suppressions/export"}
# How many calls one listed route gets; far pages follow its cursors.
Parameters = Mapping[str, object]
Make = Callable[[int], Parameters]


@dataclass(frozen=True, slots=True)
class Call:
    """One way to call a route.

    Args:
        name: what is asked.
        make: returns the parameters of a call by its number; those in the path included.
        follows: whether each call asks for the page after the one before.
    """

    name: str
    make: Make = field(default=lambda _: {})
    follows: bool = False


class Samples:
    """Ids of things that exist, read from the installation itself.

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
    """Return a function that returns another one of some values for each call."""
    return lambda number: values[number * 7 % len(values)]


def fixed(name: str, **parameters: object) -> Call:
    """Return calls with the same parameters, each for the page after the one before."""
    return Call(name, lambda _: parameters, follows=True)


def at_offset(offset: int, **parameters: object) -> Call:
    """Return calls for the page at an offset."""
    return Call("far offset", lambda _: {**parameters, "offset": offset})


def list_calls(samples: Samples) -> Mapping[str, Sequence[Call]]:
    """Return how each route is called, by path."""
    contact = pick(samples.contact_ids)
    event, send = pick(samples.event_ids), pick(samples.send_ids)
    by_contact = [
        Call("by our id", lambda n: {"contact_id": contact(n)}),
        Call("by user id", lambda n: {"contact_id": samples.user_id(n)}),
    ]
    user = Call("a user id", lambda n: {"userId": samples.user_id(n)})
    nobody = fixed("nobody", userId="nobody")
    busy = fixed("a busy contact", userId=f"user-{BUSY_CONTACT}")
    job = [fixed("an import", job_id=samples.import_id)]
    return {
        "/v1/admin/contacts": _list_contact_calls(samples),
        "/v1/admin/contacts/<contact_id>": by_contact,
        "/v1/admin/contacts/<contact_id>/preferences": by_contact,
        "/v1/admin/contacts/<contact_id>/archive": by_contact,
        "/v1/admin/contacts/<contact_id>/timeline": [
            *by_contact,
            fixed("a busy contact", contact_id=f"user-{BUSY_CONTACT}"),
            *(
                fixed(f"a busy contact, {kind}", contact_id=f"user-{BUSY_CONTACT}", type=kind)
                for kind in ("event", "journey", "steps", "email", "engagement", "consent")
            ),
            at_offset(1000, contact_id=f"user-{BUSY_CONTACT}"),
        ],
        "/v1/admin/events": [
            fixed("all"),
            at_offset(10_000),
            fixed("a frequent name", event=EVENT_NAMES[0]),
            fixed("a rare name", event=RARE_EVENT),
            fixed("no name", event="nothing"),
            fixed("a rare source", source="journey"),
            fixed("a frequent source", source="api"),
            fixed("no source", source="cli"),
            fixed("a name and a rare source", event=EVENT_NAMES[0], source="journey"),
            fixed("an old period", **_PERIOD),
            fixed("a rare name in a period", event=RARE_EVENT, **_PERIOD),
            user, busy, nobody,
            fixed("a busy contact, a rare name", userId=f"user-{BUSY_CONTACT}", event=RARE_EVENT),
            fixed("a busy contact, a rare source", userId=f"user-{BUSY_CONTACT}", source="cli"),
        ],
        "/v1/admin/events/<event_id>": [Call("one", lambda n: {"event_id": event(n)})],
        "/v1/admin/emails": _list_email_calls(samples),
        "/v1/admin/emails/<send_id>": [Call("one", lambda n: {"send_id": send(n)})],
        "/v1/admin/journeys": [fixed("all"), fixed("switched on", enabled="true")],
        "/v1/admin/journeys/<journey_id>": _in_each_journey(fixed("one")),
        "/v1/admin/journeys/<journey_id>/results": _in_each_journey(fixed("one")),
        "/v1/admin/journeys/<journey_id>/states": [
            *_in_each_journey(
                fixed("all"),
                at_offset(10_000),
                *(
                    fixed(status, status=status)
                    for status in ("active", "waiting", "completed", "failed", "exited")
                ),
            ),
            *_in_each_journey(user, nobody)[:2],
        ],
        "/v1/admin/journeys/<journey_id>/states/<state_id>": [
            Call(
                "one",
                lambda n: {"journey_id": "welcome", "state_id": pick(samples.state_ids)(n)},
            )
        ],
        "/v1/admin/suppressions": [
            fixed("all"),
            Call("one", lambda n: {"email": pick(samples.emails)(n)}),
        ],
        "/v1/admin/metrics/overview": [fixed("all")],
        "/v1/admin/metrics/series": [
            fixed("events", figure="events", days=400),
            fixed("of a journey", figure="entered", journeyId="welcome", days=400),
            fixed("as CSV", figure="emails.sent", days=400, format="csv"),
        ],
        "/v1/admin/audit": [fixed("all"), at_offset(10_000)],
        "/v1/admin/api-keys": [fixed("all", includeRevoked="true")],
        "/v1/admin/operators": [fixed("all")],
        "/v1/admin/templates": [fixed("all")],
        "/v1/admin/templates/<key>/preview": [fixed("one", key="hello")],
        "/v1/admin/imports": [fixed("all")],
        "/v1/admin/contacts/import/<job_id>": job,
        "/v1/admin/contacts/import/<job_id>/rows": job,
        "/v1/admin/suppressions/import/<job_id>": [],
        "/v1/contacts/find": [
            user,
            Call("an address", lambda n: {"email": pick(samples.emails)(n)}),
            nobody,
        ],
        "/v1/contacts/me": [user],
        "/v1/lists": [fixed("all"), user],
        "/v1/lists/preferences": [user],
        "/v1/emails/<send_id>": [Call("one", lambda n: {"send_id": send(n)})],
        "/v1/health": [fixed("all")],
    }  # fmt: skip


_PERIOD: Mapping[str, object] = {"from": "2026-10-10T00:00:00Z", "to": "2026-10-11T00:00:00Z"}


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
        *(fixed(f"sort {sort}", sort=sort) for sort in sorts),
        at_offset(10_000),
        replace(at_offset(400, identity="anonymous"), name="offset of anonymous ones"),
        fixed("anonymous ones", identity="anonymous"),
        fixed("identified ones, oldest", identity="identified", sort="created"),
        Call("search: a frequent prefix", lambda n: {"search": FIRST_NAMES[n % 10].lower()}),
        Call("search: a frequent user id", lambda n: {"search": f"user-{n}"}),
        Call("search: a whole address", lambda n: {"search": pick(samples.emails)(n)}),
        Call("search: nothing", lambda n: {"search": f"zzz{n}"}),
        Call("search: one letter, with a filter", lambda _: {"search": "a", "where": "plan=pro"}),
        *(
            fixed(f"filter {name}, {sort}", where=where, sort=sort)
            for name, where in filters.items()
            for sort in ("-lastSeen", "created", "email")
        ),
    ]


def _list_email_calls(samples: Samples) -> Sequence[Call]:
    return [
        fixed("all"),
        at_offset(10_000),
        *(fixed(f"status {status}", status=status) for status in ("sent", "failed", "in_doubt")),
        fixed("a template", templateKey="template-3"),
        fixed("no template", templateKey="nothing"),
        *(fixed(f"journey {journey}", journeyId=journey) for journey in ("welcome", "nothing")),
        fixed("template and status", templateKey="template-3", status="failed"),
        fixed("template and frequent status", templateKey="template-3", status="sent"),
        fixed("template and journey", templateKey="template-3", journeyId="win-back"),
        fixed("template of no journey", templateKey="template-3", journeyId="nothing"),
        fixed("no such template and sent", templateKey="nothing", status="sent"),
        fixed("frequent journey, no such status", journeyId="welcome", status="in_doubt"),
        fixed("an old period", **_PERIOD),
        fixed("a template in a period", templateKey="template-3", **_PERIOD),
        Call("an address", lambda n: {"toEmail": pick(samples.emails)(n)}),
        Call("an unknown address", lambda n: {"toEmail": f"nobody{n}@example.com"}),
        Call("a user id", lambda n: {"userId": samples.user_id(n)}),
        fixed("nobody", userId="nobody"),
    ]


def _in_each_journey(*calls: Call) -> Sequence[Call]:
    def add(call: Call, journey: str) -> Call:
        def make(number: int) -> Parameters:
            return {**call.make(number), "journey_id": journey}

        return replace(call, name=f"{call.name}, {journey}", make=make)

    return [add(call, journey) for journey in ("welcome", "win-back") for call in calls]


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
    """Measure every route, or those whose name and parameters a pattern finds.

    Raises:
        RuntimeError: a route is not listed here.
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
