"""A scanner that follows all links, and one that submits all forms, changes nothing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from hogsend.clock import ManualClock
from tests.site import Site, open_site
from tests.web.conftest import extract_text

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36"
FORM = "application/x-www-form-urlencoded"
_LINK = re.compile(r'href="(?:http://127\.0\.0\.1:3002)?(/[ump]/[^"]+)"')
_FORM = re.compile(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r"<(?:input|button)[^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


def list_fields(form: str) -> list[tuple[str, str]]:
    """Return the fields that a program submits, every box ticked and every choice changed."""
    fields: list[tuple[str, str]] = []
    for tag in _FIELD.findall(form):
        attributes = dict(_ATTRIBUTE.findall(tag))
        if attributes.get("name"):
            fields.append((attributes["name"], unescape(attributes.get("value", "on"))))
    return fields + [("language", "fr")] * ("<select" in form)


@dataclass
class Scanner:
    """A program that reads a mail as soon as it is delivered.

    Args:
        site: the installation.
        agent: how it introduces itself.
        submits: whether it submits the forms of the pages.
        seen: the pages that it has opened, and the forms that it has submitted.
    """

    site: Site
    agent: str
    submits: bool
    seen: set[str] = field(default_factory=set[str])
    submitted: int = 0

    async def scan(self, mail: str) -> None:
        """Follow every link, on every page, and submit every form."""
        pages = deque([mail])
        while pages and len(self.seen) < 300:
            html = pages.popleft()
            for link in map(unescape, _LINK.findall(html)):
                if link not in self.seen:
                    self.seen.add(link)
                    answer = await self.site.client.get(link, headers={"User-Agent": self.agent})
                    pages.append(await answer.get_data(as_text=True))
            for action, form in _FORM.findall(html) if self.submits else ():
                body = urlencode(list_fields(form))
                # The signed time in the address does not make it another form.
                key = f"{action.partition('?')[0]} {body} {'button' in form}"
                if list(self.seen).count(key) or self.submitted >= 100:
                    continue
                self.seen.add(key)
                self.submitted += 1
                headers = {"User-Agent": self.agent, "Content-Type": FORM}
                answer = await self.site.client.post(unescape(action), data=body, headers=headers)
                pages.append(await answer.get_data(as_text=True))


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation that has just sent a mail."""
    async with open_site(tmp_path, clock) as site:
        await site.event("user.created")
        await site.wait_for_sends(1)
        yield site


async def read_mail(site: Site) -> str:
    mail = await site.mail()
    body = mail.get_body(("html",))
    assert body is not None
    header = str(mail["List-Unsubscribe"]).strip("<>")
    return f'{body.get_content()}<a href="{header}">'


async def everything(site: Site) -> list[Any]:
    """Return whatever a scanner must not change."""
    tables = ["consents", "suppressions", "events", "enrollments", "turns", "contacts"]
    return [await site.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608


@pytest.mark.parametrize(
    ("agent", "minutes", "submits"),
    [
        (BROWSER, 0, False),
        (BROWSER, 0, True),
        (BROWSER, 60, True),
        ("Mozilla/5.0 (compatible; Proofpoint)", 60, True),
    ],
)
async def test_a_scanner_changes_nothing(
    site: Site, agent: str, minutes: int, submits: bool
) -> None:
    site.clock.set(site.clock.now() + timedelta(minutes=minutes))
    before, scanner = await everything(site), Scanner(site, agent, submits)

    await scanner.scan(await read_mail(site))

    assert any(key.startswith("/p/") for key in scanner.seen)
    assert scanner.submitted > 4 or not submits
    assert await everything(site) == before


async def test_a_person_who_resembles_a_scanner_confirms_and_is_served(
    site: Site,
) -> None:
    link = re.search(r"/u/[^\"]+", await read_mail(site))
    assert link is not None
    client = site.client
    page = await (await client.get(link.group())).get_data(as_text=True)
    headers = {"User-Agent": BROWSER, "Content-Type": FORM}

    async def press(page: str, seconds: float) -> str:
        """Press the page's first button some time after it was shown."""
        action, form = _FORM.findall(page)[0]
        site.clock.set(site.clock.now() + timedelta(seconds=seconds))
        body = urlencode(list_fields(form))
        answer = await client.post(unescape(action), data=body, headers=headers)
        assert answer.status_code == 200
        return await answer.get_data(as_text=True)

    page = await press(page, 5)
    assert "Please confirm" in extract_text(page)
    page = await press(page, 0.5)
    assert "Please confirm" in extract_text(page)
    assert await site.rows("SELECT * FROM consents") == []

    page = await press(page, 3)
    assert "been unsubscribed" in extract_text(page)
    # The answer counts for the page that follows it, too.
    assert "subscribed again" in extract_text(await press(page, 3))


async def test_the_header_s_post_counts_at_once_whatever_sends_it(site: Site) -> None:
    link = re.search(r"/u/[^\"]+", await read_mail(site))
    assert link is not None

    answer = await site.client.post(
        link.group(), data="List-Unsubscribe=One-Click", headers={"Content-Type": FORM}
    )

    assert answer.status_code == 200
    assert await site.rows("SELECT list_id, subscribed FROM consents") == [("news", 0)]


async def test_a_script_learns_to_send_the_tap_again(site: Site) -> None:
    contact = await site.contact()
    path = f"/p/{site.runtime.tokens.sign_preferences(contact.id, 'news', None)}"
    headers = {"User-Agent": BROWSER, "Content-Type": FORM, "Accept": "application/json"}

    refused = await (await site.client.post(path, data="on=news", headers=headers)).get_json()
    assert refused["lists"]["news"] is True and refused["action"].startswith(f"{path}?form=")
    site.clock.set(site.clock.now() + timedelta(seconds=3))
    saved = await (
        await site.client.post(refused["action"], data="on=news", headers=headers)
    ).get_json()

    assert saved["lists"]["news"] is False and "action" not in saved
