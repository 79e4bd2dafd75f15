"""Imports and exports on the dashboard: upload, columns, dry run, progress, refused rows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from quart import Response

from hogsend.clock import ManualClock
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.import_files import get_folder, remove_file
from hogsend.services.imports import ImportJob, list_imports, remove_old_files
from tests.site import Site, open_site, until
from tests.web.conftest import Browser, extract_text, sign_in_as
from tests.web.uploading import BOUNDARY, build_form

PEOPLE = "Correo;Usuario;Plan;Puestos;News\nada@example.com;ada;pro;5;no\nnobody;bob;free;x;yes\n"


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation that runs imports."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


@pytest.fixture
async def operator(site: Site) -> Browser:
    """The browser of an operator."""
    return await sign_in_as(site.app, site.runtime, "operator")


async def send_form(browser: Browser, body: bytes) -> Response:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await browser.client.post("/imports", data=body, headers=headers)


async def upload(browser: Browser, content: str | bytes, **fields: str) -> str:
    """Upload a file; return the path of its page."""
    raw = content.encode() if isinstance(content, str) else content
    answer = await send_form(browser, build_form(raw, csrf=browser.csrf, **fields))
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    return answer.headers["Location"]


async def run_to_end(site: Site) -> ImportJob:
    """Wait until the newest import has ended."""

    async def find_ended() -> ImportJob | None:
        (job,) = await list_imports(site.runtime, COMMAND_LINE, 1)
        return job if job.has_ended else None

    return await until(site.runtime.change_feed, find_ended)


async def test_a_file_is_uploaded_mapped_tried_and_imported_without_scripts(
    site: Site, operator: Browser
) -> None:
    path = await upload(operator, PEOPLE, kind="contacts")
    html = await operator.read(path)
    text = extract_text(html)
    # None of these columns is known by its name.
    assert "No column holds an email address or a user id." in text
    assert "ada@example.com nobody" in text and "Subscribed to News" in text
    mapping = {
        "target-0": "email",
        "target-1": "userId",
        "target-2": "property",
        "name-2": "plan",
        "target-3": "property:number",
        "name-3": "seats",
        "target-4": "list:news",
    }
    refused = await operator.post(path, **{**mapping, "target-4": "email"}, next="check")
    assert refused.status_code == 400
    assert "are both mapped to email" in await refused.get_data(as_text=True)
    refused = await operator.post(path, **mapping, journeys="1", event=" ", next="start")
    assert "The event has no name." in await refused.get_data(as_text=True)

    assert (await operator.post(path, **mapping, next="save")).status_code == 303
    text = extract_text(await operator.read(path))
    assert 'ada@example.com ada unsubscribed from news {"plan": "pro", "seats": 5}' in text
    assert "Nothing is imported yet." in text
    assert (await operator.post(path, **mapping, list="tips", next="check")).status_code == 303
    await run_to_end(site)
    text = extract_text(await operator.read(path))
    assert "Rows 2 Would be new 1 Would change 0 Unchanged 0 Refused 1" in text
    assert "3 Correo: must be an email address" in text and "Import 1 row" in text
    # After the dry run, the first rows are still those of the file.
    assert "ada@example.com ada" in text and "What the columns mean 5 columns" in text

    assert (await operator.post(f"{path}/start")).status_code == 303
    await run_to_end(site)
    assert (await site.contact("ada")).properties == {"plan": "pro", "seats": 5}
    text = extract_text(await operator.read(path))
    assert "Import completed Rows 2 New 1" in text and "What the columns mean" not in text
    assert (await operator.post(f"{path}/start")).status_code == 409
    rows = await operator.get(f"{path}/rows.csv")
    assert rows.headers["Content-Disposition"] == 'attachment; filename="refused-rows.csv"'
    assert "nobody;bob;free;x;yes" in await rows.get_data(as_text=True)
    listed = extract_text(await operator.read("/imports"))
    assert "completed 2 1 0 1 operator@example.com" in listed
    assert (await operator.post(f"{path}/delete")).headers["Location"].startswith("/imports?")
    assert (await operator.get(path)).status_code == 404
    assert not list(get_folder(site.runtime.settings).iterdir())


async def test_how_a_file_is_read_can_be_corrected(site: Site, operator: Browser) -> None:
    path = await upload(operator, "email|Name\na@example.com|Jos\xe9\n".encode("latin-1"))
    assert '{"Name": "José"}' in extract_text(await operator.read(path))
    await operator.post(f"{path}/read", encoding="utf-8", separator="|", preset="none")
    assert "is not in the encoding utf-8" in extract_text(await operator.read(path))
    await operator.post(f"{path}/read", encoding="cp1251", separator="", preset="loops")
    html = await operator.read(path)
    assert "Josй" in html and "Loops, cp1251, vertical bar" in html
    wrong = await operator.post(f"{path}/read", encoding="klingon")
    assert wrong.status_code == 400
    assert "There is no encoding" in await wrong.get_data(as_text=True)


async def test_an_import_whose_file_is_gone_says_so_and_can_be_deleted(
    site: Site, operator: Browser
) -> None:
    path = await upload(operator, "email\nada@example.com\n")
    # A file of somebody else stops no removal.
    (get_folder(site.runtime.settings) / ".DS_Store").touch()
    await remove_old_files(site.runtime)
    remove_file(site.runtime.settings, UUID(path.rpartition("/")[2]))
    assert "The file of this import is gone." in extract_text(await operator.read(path))
    start = await operator.post(path, next="start")
    assert start.status_code == 404
    assert "Upload the file again." in extract_text(await start.get_data(as_text=True))
    assert (await operator.post(f"{path}/delete")).status_code == 303
    assert (await operator.get(path)).status_code == 404


async def test_an_import_that_runs_shows_its_progress_and_can_be_cancelled(
    site: Site, operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await upload(operator, "email\n" + "a@example.com\n" * 50, kind="suppressions")

    async def do_nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr("hogsend.process.import_runner.ImportRunner._try_all", do_nothing)
    await operator.post(path, next="start")
    part = await operator.read(path, **{"HX-Request": "true", "HX-Target": "div#progress"})
    assert part.lstrip().startswith('<div class="grid" id="progress"')
    assert "waiting" in part and "<progress" in part
    assert 'hx-trigger="live-imports from:body throttle:1s"' in part
    again = await operator.post(path, next="start")
    assert again.status_code == 409
    assert "Wait for its end, or cancel it." in extract_text(await again.get_data(as_text=True))
    assert (await operator.post(f"{path}/delete")).status_code == 409
    assert "Cancel it first." in await (await operator.post(f"{path}/delete")).get_data(True)
    assert (await operator.post(f"{path}/cancel")).status_code == 303
    assert "cancelled" in extract_text(await operator.read(path))
    assert (await operator.post(f"{path}/cancel")).status_code == 409


REFUSED_FILES = {
    "empty": (b"", 400, "This file is empty."),
    "blank": (b" \r\n \n", 400, "This file is empty."),
    "excel": (b"PK\x03\x04" + b"\0" * 100, 400, "an Excel workbook or a ZIP file"),
    "gzip": (b"\x1f\x8b\x08\0", 400, "Decompress it first."),
    "pdf": (b"%PDF-1.7\n", 400, "Export the contacts as CSV."),
    "array": (b'[{"email": "a@example.com"}]', 400, "one JSON array"),
    "no header": (b"ada@example.com,Ada\n", 400, "a row, not a header"),
    "same names": (b"email,email\nx,y\n", 400, "two columns named"),
    "NUL": (b"em\0ail,b\nx,y\n", 400, "contains a NUL character"),
    "long line": (b"x" * 1_100_000, 400, "has more than 1,048,576 bytes on one line"),
    "too large": (b"email\n" + b"a@example.com\n" * 80_000, 413, "is larger than 1 MiB."),
}


async def test_a_file_that_cannot_be_imported_is_refused_in_plain_words(
    site: Site, operator: Browser
) -> None:
    """Nothing of it stays on the disk."""
    site.runtime.settings = replace(site.runtime.settings, max_import_size=2)
    for name, (content, status, problem) in REFUSED_FILES.items():
        if name == "too large":
            site.runtime.settings = replace(site.runtime.settings, max_import_size=1)
        answer = await send_form(operator, build_form(content, csrf=operator.csrf))
        text = extract_text(await answer.get_data(as_text=True))
        assert (answer.status_code, problem in text) == (status, True), (name, text)
    whole = build_form(PEOPLE.encode(), csrf=operator.csrf)
    for body, problem in (
        (whole[:-20], "The upload ended before the file did."),
        (whole[:-70], "The upload ended before the file did."),
        (build_form(b"", name="", csrf=operator.csrf), "No file was chosen."),
    ):
        answer = await send_form(operator, body)
        assert answer.status_code == 400
        assert problem in await answer.get_data(as_text=True)
    plain = await operator.post("/imports", kind="contacts")
    assert plain.status_code == 400
    assert "No file was chosen." in await plain.get_data(as_text=True)
    assert await list_imports(site.runtime, COMMAND_LINE, 10) == []
    assert not list(get_folder(site.runtime.settings).iterdir())


async def test_an_upload_without_the_session_s_token_stores_nothing(
    site: Site, operator: Browser
) -> None:
    for fields in ({"csrf": "of somebody else"}, {}):
        answer = await send_form(operator, build_form(PEOPLE.encode(), **fields))
        assert answer.status_code == 403
    assert not get_folder(site.runtime.settings).exists()


async def test_a_viewer_sees_imports_but_neither_their_rows_nor_a_form(
    site: Site, operator: Browser
) -> None:
    path = await upload(operator, "email,x\nada@example.com,1\nnowhere,2\n")
    viewer = await sign_in_as(site.app, site.runtime, "viewer")
    await operator.post(path, next="check")
    await run_to_end(site)
    for page in ("/imports", path, "/contacts"):
        html = await viewer.read(page)
        main = html.partition('<main id="main"')[2]
        assert "<form" not in main.replace('<form class="filters"', ""), page
        assert "nowhere" not in html and "ada@example.com" not in html
    assert "people.csv" in await viewer.read("/imports")
    assert "must be an email address" not in await viewer.read(path)
    assert (await viewer.get(f"{path}/rows.csv")).status_code == 403
    refused = await send_form(viewer, build_form(b"email\n", csrf=viewer.csrf))
    assert refused.status_code == 403
    assert len(list(get_folder(site.runtime.settings).iterdir())) == 1


async def test_contacts_are_exported_while_they_are_read(site: Site, operator: Browser) -> None:
    await site.event("user.created", contactProperties={"plan": "=1+1"})
    assert "/contacts/export" in await operator.read("/contacts")
    exported = await operator.post("/contacts/export", format="jsonl")
    assert exported.headers["Content-Disposition"] == 'attachment; filename="contacts.jsonl"'
    assert exported.headers["Cache-Control"] == "no-store"
    assert json.loads(await exported.get_data(as_text=True))["email"] == "ada@example.com"
    exported = await operator.post("/contacts/export", format="csv")
    assert ",'=1+1," in await exported.get_data(as_text=True)
    entries = await site.rows("SELECT who FROM audit WHERE action = 'export contacts'")
    assert entries == [("operator@example.com",)] * 2


async def test_file_names_and_values_of_strangers_are_only_shown(
    site: Site, operator: Browser
) -> None:
    evil = "<script>alert(1)</script>"
    content = f'email,"{evil}"\na@example.com,"{evil}"\n"{evil}",x\n'.encode()
    name = '../../etc/pass"wd\u202e.csv'.replace('"', "%22")
    answer = await send_form(operator, build_form(content, name=name, csrf=operator.csrf))
    path = answer.headers["Location"]
    await operator.post(path, next="check")
    await run_to_end(site)
    for page in ("/imports", path):
        assert "<script>alert" not in await operator.read(page)
    (job,) = await list_imports(site.runtime, COMMAND_LINE, 1)
    assert "/" not in job.file_name
