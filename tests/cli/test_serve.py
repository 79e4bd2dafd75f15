"""`hogsend serve` prepares what it needs, and explains in one sentence why it cannot start."""

from __future__ import annotations

import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hogsend.config.settings import Settings

from .conftest import Hogsend


class Runtime(ModuleType):
    """Replaces the server, and records what it is started with."""

    def __init__(self) -> None:
        super().__init__("hogsend.process.server")
        self.started: list[tuple[Settings, bool, bool]] = []

    def run_server(self, settings: Settings, *, with_worker: bool, reload: bool) -> int:
        self.started.append((settings, with_worker, reload))
        return 0


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A server that does nothing; logging is restored afterwards."""
    runtime = Runtime()
    monkeypatch.setitem(sys.modules, "hogsend.process.server", runtime)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield runtime
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_first_start_creates_what_is_missing(
    empty_folder: Path, hogsend: Hogsend, runtime: Runtime
) -> None:
    outcome = hogsend("serve", "--with-worker", "--bind", "127.0.0.1:4000")

    assert outcome.status == 0, outcome.err
    ((settings, with_worker, reload),) = runtime.started
    assert (with_worker, reload) == (True, False)
    assert settings.bind == "127.0.0.1:4000"
    assert settings.base_url == "http://127.0.0.1:4000"
    assert settings.secrets
    data = empty_folder / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert (data / "hogsend.db").is_file() and (data / "secret").is_file()


def test_hatchet_is_the_engine_when_there_is_a_token(
    empty_folder: Path, hogsend: Hogsend, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_ENGINE", "hatchet")
    outcome = hogsend("serve")
    assert outcome.status == 1 and "HATCHET_CLIENT_TOKEN is not set" in outcome.err
    assert "hogsend bootstrap" in outcome.err
    assert runtime.started == [] and list(empty_folder.iterdir()) == []

    monkeypatch.delenv("HOGSEND_ENGINE")
    monkeypatch.setenv("HATCHET_CLIENT_TOKEN", "token")
    monkeypatch.setenv("HOGSEND_HATCHET_EVENTS", "order:*, user:created")
    outcome = hogsend("serve")
    ((settings, _, _),) = runtime.started
    assert settings.engine == "hatchet"
    assert settings.hatchet_events == ("order:*", "user:created")


def test_a_separate_worker_is_refused_on_sqlite(
    empty_folder: Path, hogsend: Hogsend, runtime: Runtime
) -> None:
    outcome = hogsend("worker")

    assert outcome.status == 1 and "serve --with-worker" in outcome.err
    assert list(empty_folder.iterdir()) == []


def test_an_unusable_bind_address_is_refused(
    empty_folder: Path, hogsend: Hogsend, runtime: Runtime
) -> None:
    outcome = hogsend("serve", "--bind", "nowhere")

    assert outcome.status == 1 and "HOST:PORT" in outcome.err
