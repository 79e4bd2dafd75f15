"""A complete Hogsend in the test's process: a database, a manual clock, an HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from quart import Quart, Response
from quart.typing import TestClientProtocol

from hogsend.clock import ManualClock
from hogsend.config.settings import load_settings
from hogsend.domain.contact import Contact
from hogsend.domain.send_policy import Send
from hogsend.process.runtime import Runtime, open_runtime
from hogsend.store import contacts, inbox, keys, sends
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Query
from hogsend.store.fields import to_id
from hogsend.store.read_models import inbox as inbox_page
from hogsend.web.app import create_app
from tests.patience import PATIENCE

T = TypeVar("T")

LISTS = """\
from hogsend import MailList

news = MailList("news", "News", "What is new.")
tips = MailList("tips", "Tips", "How others do it.", default_opt_in=False)
bills = MailList("bills", "Bills", "What you owe.", transactional=True)
"""
WELCOME = """\
from hogsend import days, journey

@journey("welcome", trigger="user.created", exit_on=["user.deleted", "email.bounced"], list="news")
async def welcome(user, ctx):
    await ctx.send("hello")
    await ctx.sleep(days(1), label="a day")
    await ctx.send("again")
"""
HELLO = """\
---
subject: Hello, {{ contact.properties.name | default("you") }}
---
<p><a href="https://example.com/start?a=1&amp;b=2">Start</a>
<a href="https://example.com/more">More</a> <a href="https://example.com/help">Help</a>
<a href="{{ unsubscribe_url }}">Unsubscribe</a> <a href="{{ view_url }}">In the browser</a></p>
"""
AGAIN = "---\nsubject: Again\n---\n<p>Still there?</p>\n"
FILES: Mapping[str, str] = {
    "lists.py": LISTS,
    "welcome.py": WELCOME,
    "emails/hello.html": HELLO,
    "emails/again.html": AGAIN,
}
SECRET = "s" * 43


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a journeys folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def until(changes: ChangeFeed, condition: Callable[[], Awaitable[T | None]]) -> T:
    """Check a condition after every change; return its first true value."""
    async with asyncio.timeout(PATIENCE):
        number = changes.number
        if value := await condition():
            return value
        async for _ in changes.subscribe(number):
            if value := await condition():
                return value
    raise AssertionError("the change feed was closed before the condition was true")


@dataclass
class Site:
    """A running installation.

    Args:
        runtime: the parts of the process.
        clock: the time of the process.
        app: the web application.
        client: sends requests to it.
        key: the text of an ingest key.
    """

    runtime: Runtime
    clock: ManualClock
    app: Quart
    client: TestClientProtocol
    key: str

    async def post(self, path: str, body: Any = None, /, **headers: str) -> Response:
        """Post JSON, or bytes as they are.

        Args:
            path: where to.
            body: JSON or bytes.
            headers: by their names with `_` in place of `-`. The key is sent unless
                `Authorization` is given; an empty value leaves a header out.
        """
        merged = {"Authorization": f"Bearer {self.key}", **headers}
        named = {name.replace("_", "-"): value for name, value in merged.items() if value}
        if isinstance(body, bytes):
            return await self.client.post(path, data=body, headers=named)
        return await self.client.post(path, json=body, headers=named)

    async def event(self, name: str, user_id: str = "ada", **fields: Any) -> dict[str, Any]:
        """Send an event, which must be accepted, and return the answer."""
        body = {"name": name, "userId": user_id, "email": f"{user_id}@example.com", **fields}
        answer = await self.post("/v1/events", body)
        assert answer.status_code == 202, await answer.get_data(as_text=True)
        return await answer.get_json()

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return await self.runtime.database.read_one(
            Query(sql, values, lambda rows: [tuple(row) for row in rows])
        )

    async def fetch_value(self, sql: str, *values: Any) -> Any:
        """Return the first value of the first row of a query."""
        return (await self.rows(sql, *values))[0][0]

    async def contact(self, user_id: str = "ada") -> Contact:
        contacts_by_identity = await self.runtime.database.read_one(
            contacts.find_by_identities([f"u:{user_id}"])
        )
        return contacts_by_identity[f"u:{user_id}"]

    async def sends(self, *statuses: str) -> list[Send]:
        """Return all sends in order, or those with one of these statuses."""
        ids = [to_id(id) for (id,) in await self.rows("SELECT id FROM sends")]
        by_id = await self.runtime.database.read_one(sends.find_by_ids(ids)) if ids else {}
        rows = sorted(by_id.values(), key=lambda send: send.id)
        return [send for send in rows if not statuses or send.status in statuses]

    async def wait_for_sends(self, count: int) -> list[Send]:
        """Wait until there are at least `count` sends, none queued or sending; return all."""

        async def condition() -> list[Send] | None:
            rows = await self.sends()
            is_busy = any(send.status in ("queued", "sending") for send in rows)
            return rows if len(rows) >= count and not is_busy else None

        return await until(self.runtime.change_feed, condition)

    async def mail(self, number: int = 1) -> EmailMessage:
        """Wait for the captured mail with a number, counted from 1, and return it."""

        async def condition() -> EmailMessage | None:
            captured = await inbox_page.list_mails(self.runtime.database, 100)
            if len(captured) < number:
                return None
            captured_mail = await inbox.find(self.runtime.database, captured[-number].send_id)
            return captured_mail and message_from_bytes(captured_mail.raw, policy=policy.default)

        return await until(self.runtime.change_feed, condition)


@asynccontextmanager
async def open_site(
    folder: Path,
    clock: ManualClock,
    *,
    files: Mapping[str, str] = FILES,
    with_worker: bool = True,
    **settings: str,
) -> AsyncIterator[Site]:
    """Open an installation whose data folder has a migrated database.

    Args:
        folder: the data folder.
        clock: the time of the process.
        files: the files of the journeys folder.
        with_worker: whether it runs journeys and sends mail.
        settings: further settings, without `HOGSEND_`.
    """
    write_files(folder / "journeys", files)
    environment = {"DATA": str(folder), "SECRET": SECRET, **settings}
    loaded = load_settings({f"HOGSEND_{name}": text for name, text in environment.items()}, folder)
    async with open_runtime(loaded, with_worker=with_worker, clock=clock) as runtime:
        app = create_app(runtime)
        _, key = await keys.create(
            runtime.database, name="test", scopes=[keys.INGEST], now=clock.now()
        )
        yield Site(runtime, clock, app, app.test_client(), key)
