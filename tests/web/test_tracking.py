"""Links and the open pixel: recorded, and never in anybody's way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.tokens import Tokens
from hogsend.domain.send_policy import Send
from tests.site import Site, open_site

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


class Mail:
    """A mail that has come, and its links.

    Args:
        site: the installation.
        mail: the mail.
        send: its row of the ledger.
    """

    def __init__(self, site: Site, mail: EmailMessage, send: Send) -> None:
        body = mail.get_body(("html",))
        assert body is not None
        html = str(body.get_content())
        self.site, self.send = site, send
        self.links = re.findall(r'href="http://127.0.0.1:3002(/c/[^"]+)"', html)
        (self.pixel,) = re.findall(r'src="http://127.0.0.1:3002(/o/[^"]+)"', html)

    async def hits(self) -> list[tuple[Any, ...]]:
        return await self.site.rows(
            "SELECT kind, position, url, verdict, agent, network FROM hits ORDER BY id"
        )


@pytest.fixture
async def mail(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Mail]:
    """A mail that came a minute ago."""
    async with open_site(tmp_path, clock) as site:
        await site.event("user.created")
        received = await site.mail()
        (send,) = await site.wait_for_sends(1)
        clock.set(clock.now() + timedelta(minutes=1))
        yield Mail(site, received, send)


async def test_a_click_is_recorded_and_sent_on(mail: Mail) -> None:
    assert len(mail.links) == 3

    answer = await mail.site.client.get(mail.links[0], headers=PERSON)

    assert answer.status_code == 302
    assert answer.headers["Location"] == "https://example.com/start?a=1&b=2"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    target = "https://example.com/start?a=1&b=2"
    assert await mail.hits() == [("click", 0, target, "unsure", "desktop", "")]


async def test_only_signed_links_are_followed(mail: Mail) -> None:
    token = mail.links[0].removeprefix("/c/")
    position = len(token) // 2
    other = "A" if token[position] != "A" else "B"
    strange = Tokens(["x" * 43]).sign_click(mail.send.id, 0, "https://evil.example/")
    for bad in (
        token[:-1],
        f"{token[:position]}{other}{token[position + 1 :]}",
        strange,
        mail.pixel[3:-4],
        "https%3A%2F%2Fevil.example",
        "x" * 9000,
        "%ff",
    ):
        answer = await mail.site.client.get(f"/c/{bad}", headers=PERSON)
        assert answer.status_code == 404
        assert "Location" not in answer.headers
    assert await mail.hits() == []


async def test_the_pixel_is_recorded_and_never_cached(mail: Mail) -> None:
    answer = await mail.site.client.get(mail.pixel, headers=PERSON)

    assert answer.status_code == 200 and answer.content_type == "image/gif"
    assert (await answer.get_data(as_text=False))[:6] == b"GIF89a"
    assert "no-store" in answer.headers["Cache-Control"]
    assert await mail.hits() == [("open", 0, None, "human", "desktop", "")]
    (send,) = await mail.site.sends()
    assert send.opened_at == mail.site.clock.now()


async def test_a_pixel_with_an_invalid_token_records_nothing(mail: Mail) -> None:
    for token in ("x", mail.links[0].removeprefix("/c/")):
        answer = await mail.site.client.get(f"/o/{token}.gif", headers=PERSON)
        assert answer.status_code == 200 and answer.content_type == "image/gif"
    assert await mail.hits() == []


@pytest.mark.parametrize(
    ("agent", "seen_as"),
    [
        ("", "none"),
        ("Mozilla/5.0 (compatible; Barracuda Sentinel)", "machine"),
        ("python-requests/2.32", "machine"),
        ("Mozilla/5.0 (Windows; U) Firefox/11.0 (via ggpht.com GoogleImageProxy)", "proxy"),
    ],
)
async def test_known_machines_are_counted_separately(mail: Mail, agent: str, seen_as: str) -> None:
    for path in (mail.links[0], mail.pixel):
        await mail.site.client.get(path, headers={"User-Agent": agent})

    verdicts = [(hit[3], hit[4]) for hit in await mail.hits()]
    assert verdicts == [("machine", seen_as)] * 2
    (send,) = await mail.site.sends()
    assert (send.opened_at, send.clicked_at) == (None, None)


async def test_a_head_request_counts_as_a_machine(mail: Mail) -> None:
    for path in (mail.links[0], mail.pixel):
        answer = await mail.site.client.head(path, headers=PERSON)
        assert answer.status_code in (200, 302)
    assert [hit[3] for hit in await mail.hits()] == ["machine", "machine"]
    assert await mail.site.fetch_value("SELECT COUNT(*) FROM events") == 1


async def test_a_link_redirects_even_when_nothing_can_be_recorded(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(mail.site.runtime.tracker, "record", full)

    answer = await mail.site.client.get(mail.links[1], headers=PERSON)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "https://example.com/more"
    assert (await mail.site.client.get(mail.pixel, headers=PERSON)).status_code == 200


async def test_a_target_beyond_ascii_is_escaped_as_browsers_do(mail: Mail) -> None:
    token = mail.site.runtime.tokens.sign_click(
        mail.send.id, 0, "https://example.com/straße?q=[ü]#%C3"
    )

    answer = await mail.site.client.get(f"/c/{token}", headers=PERSON)

    assert answer.headers["Location"] == "https://example.com/stra%C3%9Fe?q=[%C3%BC]#%C3"
