"""A server with sample data, and the browsers of operators who are signed in to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol

from hogsend.clock import ManualClock
from hogsend.config.settings import load_settings
from hogsend.delivery.render import Renderer
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import Tokens
from hogsend.delivery.tracking import Tracker
from hogsend.domain.journey import BrokenFile
from hogsend.ingest import Ingest
from hogsend.process.event_bus import EventBus
from hogsend.process.runtime import Runtime
from hogsend.services.content import Content
from hogsend.store import operators, sessions
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Database
from hogsend.turns.registry import Registry
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from hogsend.web.app import create_app
from hogsend.web.session import COOKIE, derive_csrf_token
from tests.databases import opened
from tests.web import product
from tests.web.sample_data import SampleData

PASSWORD = "correct horse battery"
TEMPLATE = """\
---
subject: Welcome, {{ contact.properties.firstName }}
list: product-updates
---
<p>Hi</p>
"""
BROKEN = BrokenFile("win_back.py", 31, "The list 'newsletter' does not exist.", "Declare it.")


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """An open SQLite database; that queries are right on both kinds is tested with the store."""
    async with opened(sqlite_url) as database:
        yield database


@pytest.fixture
async def runtime(sqlite_database: Database, clock: ManualClock, tmp_path: Path) -> Runtime:
    """An open installation without a worker."""
    emails = tmp_path / "journeys" / "emails"
    emails.mkdir(parents=True)
    (emails / "activation-welcome.html").write_text(TEMPLATE)
    settings = load_settings(
        {
            "HOGSEND_DATA": str(tmp_path),
            "HOGSEND_SECRET": "s" * 43,
            "HOGSEND_JOURNEYS": str(tmp_path / "journeys"),
        },
        tmp_path,
    )
    tokens, changes = Tokens(settings.secrets), ChangeFeed()
    graphs = {
        journey.id: build_graph_from_source(
            journey.source, journey.trigger.event, file=journey.file, line=journey.line
        )
        for journey in product.JOURNEYS.values()
        if journey.source
    }
    registry = Registry(
        journeys=product.JOURNEYS, lists=product.LISTS, broken=(BROKEN,), graphs=graphs
    )
    templates = Templates.load(settings.journeys, registry.lists)
    renderer = Renderer(
        templates,
        registry.lists,
        tokens,
        base_url=settings.base_url,
        sender=settings.sender,
    )
    content = Content(registry, templates, renderer)
    ingest = Ingest(sqlite_database, clock, product.rules(), changes)
    tracker = Tracker(sqlite_database, clock, ingest, changes)
    return Runtime(
        settings=settings,
        clock=clock,
        database=sqlite_database,
        change_feed=changes,
        tokens=tokens,
        content=content,
        ingest=ingest,
        tracker=tracker,
        bus=EventBus(),
    )


@pytest.fixture
def app(runtime: Runtime) -> Quart:
    """The server."""
    return create_app(runtime)


@pytest.fixture
async def sample(sqlite_database: Database, clock: ManualClock) -> SampleData:
    """The sample data, stored in the database."""
    return await product.load(sqlite_database, clock)


@dataclass
class Browser:
    """A signed-in browser without JavaScript.

    Args:
        client: sends requests with the session's cookie.
        cookie: the session's cookie.
    """

    client: TestClientProtocol
    cookie: str

    @property
    def csrf(self) -> str:
        return derive_csrf_token(self.cookie)

    async def get(self, path: str, **headers: str) -> Response:
        return await self.client.get(path, headers=headers)

    async def read(self, path: str, **headers: str) -> str:
        """Return the HTML of a page that must exist."""
        response = await self.get(path, **headers)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        return await response.get_data(as_text=True)

    async def post(self, path: str, **fields: Any) -> Response:
        """Send a form with the session's token."""
        return await self.client.post(path, form={"csrf": self.csrf, **fields})


async def sign_in_as(app: Quart, runtime: Runtime, role: operators.Role) -> Browser:
    """Return the browser of a new operator who is signed in."""
    now = runtime.clock.now()
    operator = await operators.add(runtime.database, f"{role}@example.com", role, now)
    cookie = await sessions.start(runtime.database, operator.id, now)
    client = app.test_client()
    client.set_cookie("localhost", COOKIE, cookie)
    return Browser(client, cookie)


@pytest.fixture
async def owner(app: Quart, runtime: Runtime) -> Browser:
    """The browser of an owner."""
    return await sign_in_as(app, runtime, "owner")


@pytest.fixture
async def viewer(app: Quart, runtime: Runtime) -> Browser:
    """The browser of a viewer."""
    return await sign_in_as(app, runtime, "viewer")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("a", "b", "span", "code"):
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def extract_text(html: str) -> str:
    """Return the visible text of a page, with single spaces."""
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\s+", " ", "".join(parser.parts)).strip()
