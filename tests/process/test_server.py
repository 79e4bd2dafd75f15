"""The server process answers nothing before it is ready."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from hogsend.config.secret import prepare_data
from hogsend.config.settings import Settings, load_settings
from hogsend.process import server
from hogsend.store import keys, operators
from tests.patience import PATIENCE
from tests.ports import free_port

KEY = "hsk_" + "k" * 43
EVENT = {"name": "seen", "userId": "ada"}
# How long a server that answers too early gets for it, in seconds.
GRACE = 0.5


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "journeys").mkdir()
    values = {"DATA": str(tmp_path), "API_KEY": KEY, "BIND": f"127.0.0.1:{free_port()}"}
    named = {f"HOGSEND_{name}": value for name, value in values.items()}
    return prepare_data(load_settings(named, tmp_path))


@pytest.fixture
async def stop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[], None]]:
    """Stop the server that the test has started, in place of a signal."""
    stops: list[Callable[[], None]] = []
    monkeypatch.setattr(server, "_stop_on_signals", stops.append)
    monkeypatch.setattr(server, "tune_interpreter", lambda: None)
    yield lambda: stops[0]()


@pytest.mark.parametrize("target", [(keys, "insert"), (operators, "create_link")])
async def test_nothing_is_answered_before_keys_and_credentials_exist(
    settings: Settings,
    stop: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    target: tuple[Any, str],
) -> None:
    module, name = target
    address = f"http://{settings.bind}"
    create = getattr(module, name)
    requests: list[asyncio.Task[httpx.Response]] = []

    async def create_slowly(*args: Any, **kwargs: Any) -> Any:
        """Create what the first start creates, while requests are waiting."""
        headers = {"Authorization": f"Bearer {KEY}"}
        requests.append(asyncio.create_task(client.get(f"{address}/healthz")))
        requests.append(
            asyncio.create_task(client.post(f"{address}/v1/events", json=EVENT, headers=headers))
        )
        answered, _ = await asyncio.wait(requests, timeout=GRACE)
        assert not answered and "ready" not in capsys.readouterr().out
        return await create(*args, **kwargs)

    monkeypatch.setattr(module, name, create_slowly)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        serving = asyncio.create_task(server.serve(settings, with_worker=False, reload=False))
        async with asyncio.timeout(PATIENCE):
            # The server creates them in a task of its own.
            while not requests and not serving.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        answers = await asyncio.gather(*requests)
        assert [answer.status_code for answer in answers] == [200, 202]
        assert (settings.data / "first-run.txt").exists()
        stop()
        assert await serving == 0
    with closing(sqlite3.connect(settings.data / "hogsend.db")) as database:
        entries = database.execute("SELECT who, action, subject FROM audit").fetchall()
    assert entries == [("hogsend", "create key", f"key {KEY[:8]}")]
    assert f"Hogsend is ready at {address}" in capsys.readouterr().out
