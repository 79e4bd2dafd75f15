"""A contact's page of privacy says what is stored, and lets an owner download and erase it."""

from __future__ import annotations

import io
import zipfile

from quart import Quart

from hogsend.process.runtime import Runtime
from hogsend.store import audit, keys
from tests.web.conftest import Browser, extract_text, sign_in_as
from tests.web.sample_data import SampleData


async def test_an_owner_downloads_and_erases_what_is_stored_about_a_contact(
    app: Quart, owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    ada = f"/contacts/{sample.ids['ada']}"
    assert f'href="{ada}/privacy"' in await owner.read(ada)
    text = extract_text(await owner.read(f"{ada}/privacy"))
    assert "Enrollments 1, 1 live" in text and "1 live enrollment will exit" in text

    answer = await owner.post(f"{ada}/archive")
    assert answer.headers["Content-Type"] == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    names = zipfile.ZipFile(io.BytesIO(await answer.get_data(as_text=False))).namelist()
    assert names[:2] == ["data.json", "data.html"]

    operator = await sign_in_as(app, runtime, "operator")
    assert "Erase" not in await operator.read(f"{ada}/privacy")
    assert (await operator.post(f"{ada}/erase")).status_code == 403
    erased = await owner.post(f"{ada}/erase")
    assert erased.headers["Location"] == "/contacts?done=erased"
    assert "Ada Lovelace" not in await owner.read("/contacts")
    assert (await owner.get(ada)).status_code == 404
    assert (await owner.post(f"{ada}/archive")).status_code == 404
    entries = await audit.list_entries(runtime.database, 10)
    assert [(entry.action, entry.subject) for entry in entries] == [
        ("erase", ada),
        ("download archive", ada),
    ]


async def test_the_api_gives_the_archive_and_erases(
    app: Quart, sample: SampleData, runtime: Runtime
) -> None:
    _, text = await keys.create(
        runtime.database, name="admin", scopes=["full-admin"], now=runtime.clock.now()
    )
    client, headers = app.test_client(), {"Authorization": f"Bearer {text}"}
    path = f"/v1/admin/contacts/{sample.ids['ada']}"
    answer = await client.get(f"{path}/archive", headers=headers)
    archive = zipfile.ZipFile(io.BytesIO(await answer.get_data(as_text=False)))
    assert (answer.status_code, archive.testzip()) == (200, None)

    answer = await client.post(f"{path}/erase", headers=headers)
    erased = await answer.get_json()
    assert (answer.status_code, erased["finished"], erased["live"]) == (200, True, 1)
    for method, action in ((client.get, "archive"), (client.post, "erase")):
        answer = await method(f"{path}/{action}", headers=headers)
        assert answer.status_code == 404, action


async def test_a_viewer_sees_only_how_much_is_stored(viewer: Browser, sample: SampleData) -> None:
    ada = f"/contacts/{sample.ids['ada']}"
    html = await viewer.read(f"{ada}/privacy")
    assert '<form method="post" action="/contacts' not in html
    for act in ("archive", "erase"):
        assert (await viewer.post(f"{ada}/{act}")).status_code == 403
