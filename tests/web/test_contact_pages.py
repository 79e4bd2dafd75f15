"""Contacts are created, changed, merged and split on their pages, without JavaScript."""

from __future__ import annotations

import json
import re

from hogsend.domain.incoming import IncomingEvent
from hogsend.process.runtime import Runtime
from hogsend.store import contacts
from hogsend.store.db import Query

from .conftest import Browser, extract_text


async def find_ids(runtime: Runtime) -> dict[str, str]:
    """Return the ids of the contacts, by address."""
    query = Query("SELECT id FROM contacts WHERE merged_into IS NULL", [], list)
    rows = await runtime.database.read_one(query)
    by_id = await runtime.database.read_one(contacts.find_by_ids([row[0] for row in rows]))
    return {contact.email or "": str(contact.id) for contact in by_id.values()}


async def test_an_operator_creates_edits_merges_and_splits_contacts(
    owner: Browser, runtime: Runtime
) -> None:
    for email in ("ada@example.com", "visitor@example.com"):
        created = await owner.post("/contacts", email=email, properties='{"plan": "pro", "x": 1}')
        assert created.status_code == 303
    ids = await find_ids(runtime)
    path = f"/contacts/{ids['ada@example.com']}"

    html = await owner.read(path)
    assert "created" in extract_text(html)
    (before,) = re.findall(r'name="before" value="([^"]*)"', html)
    form = {"before": before.replace("&#34;", '"'), "email": "new@example.com"}
    # Meanwhile an event changes a property that the operator does not touch.
    other = {"before": "{}", "email": "", "properties": '{"meanwhile": 1}'}
    assert (await owner.post(f"{path}/edit", **other)).status_code == 303
    # Of the types that Python takes for one another, the saved one is stored.
    typed = {"before": '{"n": 1, "t": true}', "properties": '{"n": true, "t": true}'}
    assert (await owner.post(f"{path}/edit", **typed, email="")).status_code == 303
    saved = await owner.post(f"{path}/edit", **form, properties='{"plan": "team"}')
    assert saved.status_code == 303
    text = extract_text(await owner.read(path))
    assert "new@example.com" in text and "ada@example.com" in text
    stored = await runtime.database.read_one(
        Query("SELECT properties FROM contacts WHERE email = 'new@example.com'", [], list)
    )
    assert json.loads(stored[0][0]) == {"plan": "team", "meanwhile": 1, "n": True}

    merged = await owner.post(f"{path}/merge", other="visitor@example.com", note="same phone")
    assert merged.status_code == 303
    text = extract_text(await owner.read(path))
    assert "Merged contacts" in text and "same phone" in text
    visitor = f"/contacts/{ids['visitor@example.com']}"
    assert (await owner.get(visitor)).status_code == 303
    assert (await owner.post(f"{visitor}/unmerge")).status_code == 303
    assert "Merged contacts" not in extract_text(await owner.read(path))
    assert "visitor@example.com" in await owner.read(visitor)

    assert (await owner.post(f"{path}/suppress")).status_code == 303
    assert "No email is sent to new@example.com" in extract_text(await owner.read(path))


async def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(
    owner: Browser, viewer: Browser, runtime: Runtime
) -> None:
    for email in ("ada@example.com", "bo@example.com"):
        await owner.post("/contacts", person=email[:2], email=email)
    ids = await find_ids(runtime)
    path = f"/contacts/{ids['ada@example.com']}"
    for target, form, problem in (
        ("/contacts", {"email": "ada@example.com"}, "There is such a contact"),
        ("/contacts", {"person": "cy", "properties": "{"}, "is not valid JSON"),
        (f"{path}/edit", {"properties": "[]", "before": "{}"}, "is not a JSON object"),
        (f"{path}/edit", {"email": "bo@example.com", "properties": "{}"}, "another contact"),
        (f"{path}/merge", {"other": "nobody"}, "There is no contact"),
        (f"{path}/merge", {"other": "bo@example.com"}, "different user ids"),
        (f"{path}/merge", {"other": "bo@example.com", "force": "1"}, "needs a note"),
    ):
        response = await owner.post(target, **form)
        html = await response.get_data(as_text=True)
        assert response.status_code == 400 and problem in extract_text(html), target
        assert 'role="alert"' in html
        assert all(value in html.replace("&#34;", '"') for value in form.values())
        assert (await viewer.post(target, **form)).status_code == 403
    page = await viewer.read(path)
    assert "Suppress address" not in page and 'id="change"' not in page


async def test_an_event_shows_that_another_contact_owns_its_address(
    owner: Browser, runtime: Runtime
) -> None:
    await owner.post("/contacts", person="ada", email="ada@example.com")
    result = await runtime.ingest.submit(IncomingEvent("hi", user_id="bo", email="ada@example.com"))
    assert "not merged" in extract_text(await owner.read(f"/events/{result.event_id}"))


async def test_the_history_is_filtered_by_kind_and_read_page_by_page(
    owner: Browser, runtime: Runtime
) -> None:
    await owner.post("/contacts", person="ada", email="ada@example.com")
    ids = await find_ids(runtime)
    path = f"/contacts/{ids['ada@example.com']}"
    for number in range(60):
        properties = json.dumps({"n": number})
        await owner.post(f"{path}/edit", before="{}", properties=properties)
    html = await owner.read(path)
    assert html.count("contact.updated") == 50
    (older,) = re.findall(r'href="([^"]*before=[^"]*)"', html)
    html = await owner.read(older.replace("&amp;", "&"))
    assert (html.count("contact.updated"), html.count("contact.created")) == (10, 1)
    assert "Nothing yet" in await owner.read(f"{path}?show=merges")
    assert "contact.updated" in await owner.read(f"{path}?show=nothing&before=x")
