"""How long each page of the dashboard takes with many contacts, events and enrollments.

`pages.py [CONTACTS] [FOLDER]`: 1,000,000 contacts and the folder `hogsend-sites` of the temporary
files unless given. The installation is built by `large_site.py` and kept there. With
`HOGSEND_DATABASE_URL`, it is in Postgres.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from large_site import CONTACTS, FOLDER, prepare, serve
from reader import Reader, Timing, measure_time, sign_in, time_call
from report import report
from server import ROOT
from site_rows import BUSY_CONTACT, RARE_EVENT

TIMES = 20
_STATES = ("waiting", "completed", "failed", "retrying")
_SORTS = ("-lastSeen", "lastSeen", "-created", "created")
_KINDS = ("events", "journeys", "emails", "consent", "merges")


def list_pages(reader: Reader) -> Mapping[str, Sequence[str]]:
    """Return the addresses of each page, by its route; `{…}` is another id each time."""
    busy = _find_one(reader, f"/contacts?q=user-{BUSY_CONTACT}", "contacts")
    waits = re.findall(
        r'href="(/journeys/welcome\?[^"]*wait=[^"]*)"', _read(reader, "/journeys/welcome")
    )
    journey = "/journeys/welcome"
    return {
        "/": ["/"],
        "/journeys": ["/journeys"],
        "/journeys/<journey_id>": [
            journey,
            "/journeys/win-back",
            *(f"{journey}?state={state}" for state in _STATES),
            f"{journey}?state=failed&error=no+plan",
            f"{journey}?state=failed&error=nothing+has+this",
            f"{journey}?refused=already_entered",
            *(path.replace("&amp;", "&") for path in waits[:2]),
        ],
        "/enrollments/<enrollment_id>": ["/enrollments/{enrollment}"],
        "/contacts": [
            *(f"/contacts?sort={sort}" for sort in _SORTS),
            "/contacts?q=ada",
            "/contacts?q=user-77",
            "/contacts?q=nobody",
            "/contacts?identity=anonymous",
            "/contacts?where=plan%3Dpro",
            "/contacts?where=city%3Dcity77",
            "/contacts?where=missing%3D1",
        ],
        "/contacts/<contact_id>": [
            "/contacts/{contact}",
            busy,
            *(f"{busy}?show={kind}" for kind in _KINDS),
        ],
        "/contacts/<contact_id>/privacy": ["/contacts/{contact}/privacy"],
        "/events": ["/events", *(f"/events?name={name}" for name in ("login", RARE_EVENT, "no"))],
        "/events/<event_id>": ["/events/{event}"],
        "/emails": [
            "/emails",
            *(f"/emails?status={status}" for status in ("sent", "queued", "failed", "blocked")),
            "/emails?template=template-3",
            "/emails?template=template-3&journey=win-back&status=failed",
            "/emails?template=nothing&status=sent",
            "/emails?journey=trial",
            "/emails?to=nobody@example.com",
        ],
        "/emails/<send_id>": ["/emails/{email}"],
        "/templates": ["/templates"],
        "/templates/<key>": ["/templates/hello"],
        "/inbox": ["/inbox", "/inbox?to=nobody@example.com"],
        "/imports": ["/imports"],
        "/keys": ["/keys"],
        "/audit": ["/audit"],
        "/system": ["/system"],
    }  # fmt: skip


# Pages whose time depends on one stored mail or one uploaded file only.
_PARTS = {
    "/emails/<send_id>/attachments/<position>",
    "/emails/<send_id>/html",
    "/imports/<import_id>",
    "/imports/<import_id>/rows.csv",
    "/inbox/<send_id>",
    "/inbox/<send_id>/html",
    "/templates/<key>/html",
}


def _read(reader: Reader, path: str) -> str:
    return reader.read(path).decode()


def _find_ids(reader: Reader, path: str, noun: str) -> list[str]:
    """Return ids of things that a page has links to."""
    return list(dict.fromkeys(re.findall(rf'"/{noun}/([0-9a-f-]{{36}})', _read(reader, path))))


def _find_one(reader: Reader, path: str, noun: str) -> str:
    return f"/{noun}/{_find_ids(reader, path, noun)[0]}"


def _list_routes() -> set[str]:
    """Return the routes of the dashboard's pages, as its modules declare them."""
    modules = (ROOT / "app" / "hogsend" / "web" / "admin").glob("*.py")
    texts = [module.read_text() for module in modules]
    return {path for text in texts for path in re.findall(r'@blueprint\.get\("([^"]+)"', text)}


def measure(reader: Reader) -> Iterator[Timing]:
    """Measure every page.

    Raises:
        RuntimeError: a page is not listed here.
    """
    pages = list_pages(reader)
    if missing := _list_routes() - set(pages) - _PARTS:
        raise RuntimeError(f"{sorted(missing)} are not measured: say how in benchmarks/pages.py")
    ids = {
        "contact": _find_ids(reader, "/contacts?sort=created", "contacts"),
        "enrollment": _find_ids(reader, "/journeys/welcome?state=completed", "enrollments"),
        "event": _find_ids(reader, "/events?name=invoice.paid", "events"),
        "email": _find_ids(reader, "/emails?status=sent", "emails"),
    }
    for path in (path for paths in pages.values() for path in paths):
        times: list[float] = []
        for number in range(TIMES):
            some = {noun: known[number % len(known)] for noun, known in ids.items() if known}
            times.append(time_call(reader, path.format(**some))[0])
        yield measure_time(path, times)


def main() -> None:
    contacts = int(sys.argv[1]) if sys.argv[1:] else CONTACTS
    site = prepare(Path(sys.argv[2]) if sys.argv[2:] else FOLDER, contacts)
    timings: list[Timing] = []
    with serve(site) as server:
        print("    p50     p95     max  (ms)", flush=True)
        for timing in measure(sign_in(server)):
            print(timing, flush=True)
            timings.append(timing)
    worst = max(timings, key=lambda timing: timing.p95)
    report(
        f"slowest p95 of a page, {contacts:,} contacts",
        f"{worst.p95:.0f} ms",
        "≤ 100 ms",
        detail=f"of {len(timings)} addresses; it is {worst.name}",
    )


if __name__ == "__main__":
    main()
