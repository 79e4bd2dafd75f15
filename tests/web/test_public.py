"""What recipients do without an account: leave a list, choose, take it back, read a mail again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import pytest
from quart import Response

from hogsend.clock import ManualClock
from hogsend.delivery.tokens import Tokens
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Consents
from hogsend.services.content import load_content
from tests.site import FILES, Site, open_site, write_files
from tests.web.conftest import extract_text

BROWSER = {
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass
class Recipient:
    """Ada, who has got a mail.

    Args:
        site: the installation.
        mail: her mail, as her client has it.
        send_id: what we call it.
    """

    site: Site
    mail: EmailMessage
    send_id: str

    @property
    def unsubscribe(self) -> str:
        """The path of the mail's `List-Unsubscribe`."""
        return urlsplit(str(self.mail["List-Unsubscribe"]).strip("<>")).path

    @property
    def preferences(self) -> str:
        """The path of the preference page that the unsubscribe token's owner may see."""
        tokens = self.site.runtime.tokens
        token = tokens.read_unsubscribe(self.unsubscribe.removeprefix("/u/"))
        assert token is not None
        return f"/p/{tokens.sign_preferences(token.contact_id, token.list_id, token.send_id)}"

    async def consents(self) -> dict[str, bool]:
        rows = await self.site.rows("SELECT list_id, subscribed FROM consents")
        return {name: bool(on) for name, on in rows}

    async def post(self, path: str, form: Mapping[str, Any] | None = None) -> Response:
        """Send a form as a browser without scripts does, when its page has been read."""
        body = urlencode(form or {}, doseq=True)
        link = urlsplit(path).path.rpartition("/")[2]
        if "?token=" in path:
            link = path.partition("?token=")[2]
        # A person presses one button after the other.
        self.site.clock.set(self.site.clock.now() + timedelta(seconds=6))
        shown_at = self.site.clock.now() - timedelta(minutes=1)
        token = self.site.runtime.tokens.sign_form(link, shown_at, asks_again=False)
        path += f"{'&' if '?' in path else '?'}form={token}"
        return await self.site.client.post(path, data=body, headers=BROWSER)

    async def read(self, path: str) -> str:
        answer = await self.site.client.get(path)
        assert answer.status_code == 200
        return await answer.get_data(as_text=True)


@pytest.fixture
async def ada(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Recipient]:
    """Ada some minutes after her first mail."""
    async with open_site(tmp_path, clock) as site:
        await site.event("user.created")
        mail = await site.mail()
        (send,) = await site.wait_for_sends(1)
        clock.set(clock.now() + timedelta(minutes=5))
        yield Recipient(site, mail, str(send.id))


async def everything(site: Site) -> list[Any]:
    """Return whatever a scanner must not change."""
    tables = ["consents", "suppressions", "events", "enrollments", "turns", "contacts", "counters"]
    return [await site.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608


async def test_one_click_unsubscribes_at_once(ada: Recipient) -> None:
    answer = await ada.site.client.post(
        ada.unsubscribe,
        data=b"List-Unsubscribe=One-Click",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 200
    assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers
    assert await ada.consents() == {"news": False}
    names = await ada.site.rows("SELECT name, source FROM events ORDER BY seq")
    assert names[-1] == ("contact.unsubscribed", "recipient")


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=b", MULTIPART),
        ("multipart/form-data", MULTIPART),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense"),
        ("multipart/form-data; boundary=b", b""),
        ("application/x-www-form-urlencoded", b"%ff=%fe&\x00"),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        ("", b""),
    ],
)
async def test_one_click_counts_with_any_body(ada: Recipient, kind: str, body: bytes) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await ada.site.client.post(ada.unsubscribe, data=body, headers=headers)

    assert answer.status_code == 200
    assert await ada.consents() == {"news": False}


async def test_one_click_again_changes_nothing_more(ada: Recipient) -> None:
    await ada.post(ada.unsubscribe, {"List-Unsubscribe": "One-Click"})
    counted = "SELECT SUM(value) FROM counters WHERE name = 'unsubscribes'"
    assert await ada.site.fetch_value(counted) == 1

    assert (await ada.post(ada.unsubscribe, {"List-Unsubscribe": "One-Click"})).status_code == 200

    assert await ada.consents() == {"news": False}
    assert await ada.site.fetch_value(counted) == 1


async def test_a_link_that_unsubscribes_again_and_again_is_one_event(ada: Recipient) -> None:
    form = {"List-Unsubscribe": "One-Click"}
    count = "SELECT COUNT(*) FROM events WHERE name LIKE 'contact.%'"

    await asyncio.gather(*(ada.post(ada.unsubscribe, form) for _ in range(50)))
    await ada.post(ada.unsubscribe, form)
    assert await ada.site.fetch_value(count) == 1

    await asyncio.gather(*(ada.post(ada.unsubscribe, {"action": "undo"}) for _ in range(50)))
    assert await ada.site.fetch_value(count) == 2
    assert await ada.consents() == {"news": True}


async def test_an_unsubscribe_is_credited_to_the_mail_that_led_to_it(ada: Recipient) -> None:
    await ada.post(ada.unsubscribe, {"List-Unsubscribe": "One-Click"})

    (credited,) = await ada.site.rows("SELECT send_id, source FROM consents")
    assert bytes(credited[0]).hex() == ada.send_id.replace("-", "")
    assert credited[1] == "recipient"
    properties = await ada.site.fetch_value(
        "SELECT properties FROM events WHERE name = 'contact.unsubscribed'"
    )
    assert ada.send_id in properties


async def test_the_next_mail_is_refused_after_an_unsubscribe(ada: Recipient) -> None:
    await ada.post(ada.unsubscribe, {"List-Unsubscribe": "One-Click"})
    ada.site.clock.set(ada.site.clock.now() + timedelta(days=1))
    worker = ada.site.runtime.worker
    assert worker is not None
    worker.poll()

    _, refused = await ada.site.wait_for_sends(2)

    # In the ledger, on the contact (whose sends these are) and in the enrollment's journal.
    assert (refused.status, refused.reason) == ("skipped", "unsubscribed_from_list")
    assert refused.contact_id == (await ada.site.contact()).id
    steps = await ada.site.fetch_value("SELECT steps FROM turns ORDER BY number DESC LIMIT 1")
    assert '"skipped"' in steps and "unsubscribed_from_list" in steps
    assert len(await ada.site.rows("SELECT * FROM inbox")) == 1


async def test_opening_a_page_changes_nothing(ada: Recipient) -> None:
    token = ada.unsubscribe.removeprefix("/u/")
    wish = ada.preferences.removeprefix("/p/")
    view = ada.site.runtime.tokens.sign_view((await ada.site.sends())[0].id)
    before = await everything(ada.site)
    for path in (
        f"/u/{token}",
        f"/p/{wish}",
        f"/p/{wish}?saved=1",
        f"/m/{view}",
        f"/v1/email/unsubscribe?token={token}",
        f"/v1/email/preferences?token={wish}",
        f"/u/{token}?List-Unsubscribe=One-Click&action=unsubscribe",
    ):
        for ask in (ada.site.client.get, ada.site.client.head):
            answer = await ask(path)
            assert answer.status_code == 200, path
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert "Set-Cookie" not in answer.headers
    assert await everything(ada.site) == before


async def test_the_page_has_one_button_and_masks_the_address(ada: Recipient) -> None:
    html = await ada.read(ada.unsubscribe)

    assert "a…@example.com" in extract_text(html) and "ada@example.com" not in html
    form = re.search(r'<form class="fields".*?</form>', html, re.DOTALL)
    assert form is not None and form.group().count("<button") == 1
    assert "One-Click" not in html
    assert not re.search(r'(src|href)="(https?:)?//', html)


async def test_undo_resubscribes_to_that_list_only(ada: Recipient) -> None:
    await ada.post(ada.preferences, {"on": "journey"})
    assert await ada.consents() == {"journey": False}
    await ada.post(ada.unsubscribe, {"action": "unsubscribe"})

    undone = await ada.post(ada.unsubscribe, {"action": "undo"})

    assert "will get “News” again" in extract_text(await undone.get_data(as_text=True))
    assert await ada.consents() == {"journey": False, "news": True}


async def test_undo_of_one_list_does_not_lift_the_stop_of_everything(ada: Recipient) -> None:
    await ada.post(ada.unsubscribe, {"action": "unsubscribe", "scope": "everything"})
    assert await ada.consents() == {"*": False}

    await ada.post(ada.unsubscribe, {"action": "undo"})
    assert (await ada.consents())["*"] is False

    await ada.post(ada.unsubscribe, {"action": "undo", "scope": "everything"})
    assert (await ada.consents())["*"] is True


async def test_the_preference_page_switches_lists_without_scripts(ada: Recipient) -> None:
    html = await ada.read(ada.preferences)
    fields = re.findall(r'<input type="hidden" name="(on|off)" value="([^"]+)"', html)
    assert sorted(fields) == [("off", "tips"), ("on", "journey"), ("on", "news")]
    assert re.search(r'value="bills"[^>]*checked disabled', html)

    saved = await ada.post(
        ada.preferences, {"on": ["journey", "news"], "off": ["tips"], "list": ["journey", "tips"]}
    )

    assert saved.status_code == 303
    assert saved.headers["Location"] == f"{ada.preferences}?saved=1"
    assert await ada.consents() == {"news": False, "tips": True}
    after = await ada.read(saved.headers["Location"])
    assert "Your preferences are saved." in extract_text(after)
    fields = re.findall(r'<input type="hidden" name="(on|off)" value="([^"]+)"', after)
    assert sorted(fields) == [("off", "news"), ("on", "journey"), ("on", "tips")]


async def test_a_script_is_answered_with_what_is_stored(ada: Recipient) -> None:
    headers = {"Accept": "application/json", **BROWSER}
    client = ada.site.client
    link = ada.preferences.removeprefix("/p/")
    shown_at = ada.site.clock.now() - timedelta(minutes=1)
    token = ada.site.runtime.tokens.sign_form(link, shown_at, asks_again=False)
    path = f"{ada.preferences}?form={token}"
    saved = await client.post(path, data="off=tips&list=tips", headers=headers)

    lists = {"journey": True, "news": True, "tips": True, "bills": True}
    assert await saved.get_json() == {"lists": lists, "hasStoppedEverything": False}
    assert saved.headers["Cache-Control"] == "no-store"

    await ada.post(ada.preferences, {"action": "stop"})
    read = await client.get(ada.preferences, headers=headers)
    assert await read.get_json() == {"lists": lists, "hasStoppedEverything": True}


async def test_an_old_preference_page_reverts_nothing(ada: Recipient) -> None:
    shown = {"on": ["journey", "news"], "off": ["tips"]}
    await ada.post(ada.unsubscribe, {"List-Unsubscribe": "One-Click"})

    await ada.post(ada.preferences, {**shown, "list": ["journey", "news", "tips"]})

    assert await ada.consents() == {"news": False, "tips": True}


async def test_unsubscribing_from_everything_keeps_the_choices(ada: Recipient) -> None:
    await ada.post(ada.preferences, {"on": ["news"]})
    await ada.post(ada.preferences, {"action": "stop"})
    assert await ada.consents() == {"news": False, "*": False}
    html = await ada.read(ada.preferences)
    assert "unsubscribed from all emails, except" in extract_text(html) and 'name="on"' not in html

    await ada.post(ada.preferences, {"action": "resume"})
    assert await ada.consents() == {"news": False, "*": True}


async def test_forged_switches_do_nothing(ada: Recipient) -> None:
    await ada.post(ada.preferences, {"on": ["bills", "nonsense", "*"], "off": ["*"], "list": ["*"]})
    assert await ada.consents() == {}


async def test_the_links_of_other_versions_work_too(ada: Recipient) -> None:
    token = ada.unsubscribe.removeprefix("/u/")
    old = f"/v1/email/unsubscribe?token={token}"
    assert "Unsubscribe?" in extract_text(await ada.read(old))
    assert (await ada.post(old, {"List-Unsubscribe": "One-Click"})).status_code == 200
    assert await ada.consents() == {"news": False}

    wish = f"/v1/email/preferences?token={ada.preferences.removeprefix('/p/')}"
    assert "Choose which emails" in extract_text(await ada.read(wish))
    assert (await ada.post(wish, {"off": ["news"], "list": ["news"]})).status_code == 303
    assert await ada.consents() == {"news": True}


async def test_a_tampered_token_is_404_and_changes_nothing(ada: Recipient) -> None:
    send_id = (await ada.site.sends())[0].id
    tokens = ada.site.runtime.tokens
    strange = Tokens(["x" * 43])
    contact_id = (await ada.site.contact()).id
    good = {
        "/u/": (ada.unsubscribe[3:], strange.sign_unsubscribe(contact_id, "news", send_id)),
        "/p/": (ada.preferences[3:], strange.sign_preferences(contact_id, "news", send_id)),
        "/m/": (tokens.sign_view(send_id), strange.sign_view(send_id)),
        "/v1/email/unsubscribe?token=": (ada.unsubscribe[3:], "x"),
        "/v1/email/preferences?token=": (ada.preferences[3:], "x"),
    }
    before = await everything(ada.site)
    for path, (token, foreign) in good.items():
        middle = len(token) // 2
        other = "A" if token[middle] != "A" else "B"
        crossed = tokens.sign_open(send_id)
        for bad in (token[:-1], f"{token[:middle]}{other}{token[middle + 1 :]}", foreign, crossed):
            for ask in (ada.site.client.get, ada.site.client.post):
                answer = await ask(path + bad)
                if ask == ada.site.client.post and path == "/m/":
                    assert answer.status_code in (404, 405)
                    continue
                assert answer.status_code == 404, path
                assert "Location" not in answer.headers
                assert answer.content_type.startswith("text/html")
                page = extract_text(await answer.get_data(as_text=True))
                assert "link is incomplete" in page or "no longer available" in page
    assert await everything(ada.site) == before


async def test_a_link_without_a_token_is_refused(ada: Recipient) -> None:
    for path in ("/v1/email/unsubscribe", "/v1/email/preferences?token="):
        assert (await ada.site.client.get(path)).status_code == 400


async def test_a_token_of_an_unknown_contact_is_404(ada: Recipient) -> None:
    token = ada.site.runtime.tokens.sign_unsubscribe(new_id(ada.site.clock.now()), "news", None)
    assert (await ada.post(f"/u/{token}")).status_code == 404
    assert await ada.consents() == {}


async def test_the_link_of_a_merged_contact_changes_the_surviving_one(ada: Recipient) -> None:
    site = ada.site
    token = site.runtime.tokens.sign_unsubscribe
    await site.post("/v1/events", {"name": "seen", "email": "ada@home.example"})
    (before,) = await site.rows("SELECT id FROM contacts WHERE email = 'ada@home.example'")
    await site.post("/v1/events", {"name": "seen", "userId": "ada", "email": "ada@home.example"})
    old = UUID(bytes=bytes(before[0]))
    assert old != (await site.contact()).id

    await ada.post(f"/u/{token(old, 'news', None)}", {"List-Unsubscribe": "One-Click"})

    (consent,) = await site.rows("SELECT contact_id, list_id FROM consents WHERE subscribed = 0")
    assert (bytes(consent[0]), consent[1]) == ((await site.contact()).id.bytes, "news")


async def test_a_list_that_is_gone_from_the_code_can_still_be_left(ada: Recipient) -> None:
    site = ada.site
    folder = site.runtime.settings.journeys
    lost = FILES["lists.py"].replace("news =", "fresh =").replace('"news"', '"fresh"')
    write_files(folder, {**FILES, "lists.py": lost})
    await site.runtime.use(load_content(site.runtime.settings, site.runtime.tokens))
    assert "news" not in site.runtime.registry.lists

    answer = await ada.post(ada.unsubscribe, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert await ada.consents() == {"news": False}
    # A mail of that list that is still queued is judged by what was said of it.
    assert not Consents(await ada.consents()).allows(site.runtime.ingest.rules.find_list("news"))


async def test_a_mail_can_be_read_in_the_browser_but_runs_nothing(ada: Recipient) -> None:
    link = re.search(r'href="http://127.0.0.1:3002(/m/[^"]+)"', decode_html(ada.mail))
    assert link is not None

    answer = await ada.site.client.get(link.group(1))

    assert "Start</a>" in await answer.get_data(as_text=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script" not in policy


def decode_html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


async def test_the_headers_of_a_mail_offer_one_click(ada: Recipient) -> None:
    assert ada.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert ada.mail["List-Unsubscribe"].startswith("<http://127.0.0.1:3002/u/")
    assert len(ada.mail["List-Unsubscribe"]) < 998
