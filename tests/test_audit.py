"""`make audit` looks the locked libraries up, and says so when it cannot."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.patience import PATIENCE
from tests.ports import free_port

TOP = Path(__file__).parents[1]


class Osv(BaseHTTPRequestHandler):
    """A database that knows no vulnerability."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def database() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def probe(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOP / "requirements" / "audit.py"), "--probe", "--osv-url", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_audit_goes_on_when_the_database_answers(database: str) -> None:
    result = probe(database)
    assert (result.returncode, result.stdout) == (0, "")


def test_the_audit_is_skipped_with_a_word_when_the_database_cannot_be_reached() -> None:
    for url in (f"http://127.0.0.1:{free_port()}/", "http://nowhere.invalid/"):
        result = probe(url)
        assert result.returncode == 3, result.stderr
        assert result.stdout.startswith(f"Skipped: {url} does not answer")


def test_every_lock_file_is_audited() -> None:
    locks = {path.name for path in runpy.run_path(str(TOP / "requirements" / "audit.py"))["LOCKS"]}
    assert {"run.lock", "build.lock", "release.lock", "test.lock"} < locks
    assert locks == {path.name for path in TOP.rglob("requirements/*.lock")}
