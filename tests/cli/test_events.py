"""`hogsend events send` goes through the running server's API."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import Hogsend

KEY = "hsk_" + "k" * 43
ANSWER = {
    "stored": True,
    "eventId": "01a20346-6669-73ba-bf68-d6b9dfbeeb4a",
    "contactKey": "1",
    "enrollments": [
        {"journeyId": "welcome", "outcome": "enrolled", "stateId": "…"},
        {"journeyId": "tips", "outcome": "skipped", "reason": "already_live"},
    ],
    "exits": [{"journeyId": "win-back", "stateId": "…", "exited": True}],
}


class Server(HTTPServer):
    """Answers every POST the same way, and remembers what it got."""

    answer: tuple[int, bytes]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Posts)
        self.answer = (202, json.dumps(ANSWER).encode())
        self.requests: list[tuple[str, str | None, Any]] = []


class Posts(BaseHTTPRequestHandler):
    """Notes a POST and answers it."""

    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, self.headers["Authorization"], json.loads(body)))
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server where the settings say that Hogsend listens."""
    with Server() as server:
        monkeypatch.setenv("HOGSEND_BIND", f"127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HOGSEND_API_KEY", KEY)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_event_is_posted_and_its_decisions_are_shown(server: Server, hogsend: Hogsend) -> None:
    outcome = hogsend(
        "events", "send", "user.created", "--user-id", "1", "--email", "Ada@Example.com",
        "--prop", "plan=pro", "--prop", "seats=5", "--contact-prop", "name=Ada",
    )  # fmt: skip

    assert outcome.status == 0
    assert server.requests == [
        (
            "/v1/events",
            f"Bearer {KEY}",
            {
                "name": "user.created",
                "userId": "1",
                "email": "ada@example.com",
                "eventProperties": {"plan": "pro", "seats": 5},
                "contactProperties": {"name": "Ada"},
            },
        )
    ]
    assert outcome.out.splitlines()[1:] == [
        "welcome: enrolled",
        "tips: skipped, already_live",
        "win-back: exited",
    ]


def test_the_answer_is_available_as_json(server: Server, hogsend: Hogsend) -> None:
    outcome = hogsend("events", "send", "user.created", "--user-id", "1", "--json")

    assert outcome.json == ANSWER


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"error": "Unauthorized"}, "(401): Unauthorized"),
        (
            400,
            {"error": "Not valid", "details": [{"path": "name", "message": "is too long"}]},
            "(400): Not valid name: is too long",
        ),
        (400, {"success": False, "error": {"name": "ZodError", "message": "[]"}}, "(400): []"),
    ],
)
def test_a_refusal_is_shown_in_the_words_of_the_server(
    server: Server, hogsend: Hogsend, status: int, body: dict[str, Any], message: str
) -> None:
    server.answer = (status, json.dumps(body).encode())

    outcome = hogsend("events", "send", "user.created", "--user-id", "1")

    assert outcome.status == 1 and message in outcome.err


def test_another_program_at_the_address_is_recognised(server: Server, hogsend: Hogsend) -> None:
    server.answer = (200, b"<html>")

    outcome = hogsend("events", "send", "user.created", "--user-id", "1")

    assert outcome.status == 3 and "is not Hogsend" in outcome.err


def test_no_server_is_status_three_and_names_the_command_that_starts_one(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HOGSEND_BIND", f"127.0.0.1:{unused.getsockname()[1]}")
    monkeypatch.setenv("HOGSEND_API_KEY", KEY)

    outcome = hogsend("events", "send", "user.created", "--user-id", "1")

    assert outcome.status == 3 and "hogsend serve" in outcome.err


def test_without_a_key_the_command_that_creates_one_is_named(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    outcome = hogsend("events", "send", "user.created", "--user-id", "1")

    assert outcome.status == 1 and "hogsend keys create --scope ingest" in outcome.err
