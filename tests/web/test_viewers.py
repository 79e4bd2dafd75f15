"""A viewer reads mails without getting what acts for their recipients."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.services.masked_mail import mask_links, mask_mail
from hogsend.store import operators
from hogsend.store.fields import to_id
from tests.site import FILES, Site, open_site
from tests.web.conftest import Browser, sign_in_as

MAIL = """\
---
subject: Hello
---
<p><a href="https://example.com/reset?user=7&amp;token=s3cretS3cret">Reset</a>
<a href="https://example.com/start">Start</a>
<a href="{{ unsubscribe_url }}">Unsubscribe</a> <a href="{{ preferences_url }}">Preferences</a>
<a href="{{ view_url }}" data-no-track>In the browser</a> <p>Grüße</p></p>
"""
TOKEN = re.compile(r"/(?:u|p|m|c|o)/[\w~-]{16,}")


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation whose inbox has a mail."""
    files = {**FILES, "emails/hello.html": MAIL}
    async with open_site(tmp_path, clock, files=files) as site:
        await site.event("user.created")
        await site.mail()
        yield site


async def find_mail(site: Site) -> str:
    (send,) = await site.sends()
    return str(send.id)


async def open_browser(site: Site, role: operators.Role) -> Browser:
    return await sign_in_as(site.app, site.runtime, role)


async def list_pages(site: Site) -> list[str]:
    send_id = await find_mail(site)
    views = [
        f"{page}/{send_id}?view={view}"
        for page in ("/inbox", "/emails")
        for view in ("html", "text", "source", "headers")
    ]
    return [*views, f"/inbox/{send_id}/html", f"/emails/{send_id}/html"]


async def test_a_viewer_sees_no_token_of_a_mail(site: Site) -> None:
    viewer = await open_browser(site, "viewer")
    for page in await list_pages(site):
        html = await viewer.read(page)
        assert not TOKEN.search(html), page
        assert "s3cret" not in html, page


async def click_reset_link(site: Site) -> None:
    """Follow the mail's first link, and send an event and a property with such a link."""
    body = (await site.mail()).get_body(("html",))
    assert body is not None
    link = re.findall(r'href="http://127.0.0.1:3002(/c/[^"]+)"', body.get_content())[0]
    site.clock.set(site.clock.now() + timedelta(minutes=1))
    agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
    assert (await site.client.get(link, headers=agent)).status_code == 302
    url = "https://example.com/reset?token=s3cretS3cret"
    await site.event(
        "password.forgotten",
        eventProperties={"url": url, "more": [{"url": url}]},
        contactProperties={"resetUrl": url},
    )


async def list_pages_with_links(site: Site) -> list[str]:
    """Return the pages that show the click, the event and the properties."""
    (event_id,) = (await site.rows("SELECT id FROM events WHERE name = 'password.forgotten'"))[0]
    (enrollment_id,) = (await site.rows("SELECT id FROM enrollments"))[0]
    contact = (await site.contact()).id
    send_id = await find_mail(site)
    return [
        "/events",
        f"/events/{to_id(event_id)}",
        f"/contacts/{contact}",
        f"/enrollments/{to_id(enrollment_id)}",
        f"/emails/{send_id}",
    ]


async def test_a_viewer_sees_no_token_of_a_click_an_event_or_a_property(site: Site) -> None:
    await click_reset_link(site)
    operator, viewer = await open_browser(site, "operator"), await open_browser(site, "viewer")
    for page in await list_pages_with_links(site):
        assert "s3cretS3cret" in await operator.read(page), page
        html = await viewer.read(page)
        assert "s3cret" not in html and "https://example.com/reset?" in html, page


async def test_an_operator_sees_the_mail_as_it_is(site: Site) -> None:
    operator = await open_browser(site, "operator")
    pages = [await operator.read(page) for page in await list_pages(site)]
    assert any("/u/" in page and TOKEN.search(page) for page in pages)
    assert any("s3cret" in page for page in pages)


async def test_a_viewer_marks_nothing_as_read_and_opens_nothing(site: Site) -> None:
    unread = "SELECT COUNT(*) FROM inbox WHERE read_at IS NULL"
    viewer = await open_browser(site, "viewer")
    for page in await list_pages(site):
        await viewer.read(page)
    assert await site.fetch_value(unread) == 1
    assert await site.fetch_value("SELECT COUNT(*) FROM hits") == 0

    await (await open_browser(site, "operator")).read(f"/inbox/{await find_mail(site)}")
    assert await site.fetch_value(unread) == 0


async def test_a_viewer_still_sees_the_mail(site: Site) -> None:
    viewer = await open_browser(site, "viewer")
    html = await viewer.read(f"/inbox/{await find_mail(site)}/html")
    assert "Grüße" in html


ENCODED = "https://m.example.com/u/" + "t" * 40
EXAMPLES = {
    "base64": base64.b64encode(ENCODED.encode()).decode(),
    "quoted-printable": "https://m.example.com/u/" + "t" * 20 + "=\r\n" + "t" * 20,
    "8bit": ENCODED,
}


@pytest.mark.parametrize("encoding", EXAMPLES)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_token_is_masked_however_the_mail_is_encoded(encoding: str, kind: str) -> None:
    raw = (
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        f"List-Unsubscribe: <{ENCODED}>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        f"{EXAMPLES[encoding]}\r\n"
    ).encode()
    masked = mask_mail(raw)
    mail = message_from_bytes(masked, policy=policy.default)
    body = mail.get_body((kind,))

    assert body is not None and "https://m.example.com/u/…" in body.get_content()
    assert b"tttt" not in masked and b"dHR0" not in masked
    assert mail["Subject"] == "Grüße" and mail["List-Unsubscribe"] == "<https://m.example.com/u/…>"


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"nonsense", b"Subject: \xff\xfe\r\n\r\n\xff", b"To: <<>>\r\n\r\nx",
            b"Content-Type: text/html; charset=nope\r\n\r\nx", b"Date: never\r\nFrom: ,;:\r\n\r\n"],
)  # fmt: skip
def test_no_mail_is_too_odd_to_be_masked(raw: bytes) -> None:
    assert isinstance(mask_mail(raw), bytes)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        ("https://a.example/x?reset_token=abc&y=1", "https://a.example/x?reset_token=…&y=1"),
        ("https://a.example/x?a=1&amp;token=abc\"", "https://a.example/x?a=1&amp;token=…\""),
        ("?next=https%3A%2F%2Fa.io%2Fu%2F" + "t" * 30, "?next=https%3A%2F%2Fa.io%2Fu%2F…"),
        ("/c/" + "t" * 400 + " and more", "/c/… and more"),
    ],
)  # fmt: skip
def test_only_the_token_of_a_link_is_masked(text: str, masked: str) -> None:
    assert mask_links(text) == masked
