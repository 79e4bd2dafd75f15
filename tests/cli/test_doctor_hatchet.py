"""`hogsend doctor` checks Hatchet: its token, its version and clock, and its workers."""

from __future__ import annotations

import socket
import sqlite3
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from hogsend.cli.doctor import machine
from tests.doubles.docker import token
from tests.doubles.hatchet_rest import HatchetRest, hatchet_rest

from .conftest import Hogsend

# An empty SETTINGS frame, which a server of HTTP/2 begins with (RFC 9113 §3.4).
SETTINGS_FRAME = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
DAY = 86_400
CERTIFICATE = Path(__file__).parents[1] / "sinks" / "localhost.pem"


@contextmanager
def server(reply: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listen, and send each client the same bytes.

    Args:
        reply: what is sent once something was received.
        context: encrypts the connections, when given.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stopped = False

        def serve() -> None:
            while not stopped:
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                connection.settimeout(2)
                with connection:
                    try:
                        if context is not None:
                            context.wrap_socket(connection, server_side=True).close()
                            continue
                        connection.recv(4096)
                        connection.sendall(reply)
                    except OSError:
                        continue

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped = True
            thread.join()


@pytest.fixture
def grpc() -> Iterator[int]:
    """The port of a server that speaks HTTP/2, as gRPC does."""
    with server(SETTINGS_FRAME) as port:
        yield port


@pytest.fixture
def rest() -> Iterator[HatchetRest]:
    """Hatchet's REST API, with a worker for the one journey."""
    with hatchet_rest(workers=[["acme_journey-welcome"]]) as double:
        yield double


@pytest.fixture(autouse=True)
def on_hatchet(
    journeys: Path, rest: HatchetRest, grpc: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name that Hatchet."""
    monkeypatch.setenv("HOGSEND_BIND", "127.0.0.1:0")
    monkeypatch.setattr(machine, "_is_synchronised", lambda: True)
    monkeypatch.setenv("HATCHET_CLIENT_TLS_STRATEGY", "none")
    monkeypatch.setenv("HATCHET_CLIENT_NAMESPACE", "Acme")
    monkeypatch.setenv("HATCHET_CLIENT_TOKEN", token_for(rest, grpc))


def token_for(rest: HatchetRest, grpc: int, **claims: object) -> str:
    """Return a token for these ports."""
    return token(
        **{
            "server_url": rest.address,
            "aud": rest.address,
            "grpc_broadcast_address": f"127.0.0.1:{grpc}",
            **claims,
        }
    )


def check(hogsend: Hogsend) -> dict[str, str]:
    """Return level, text and remedy of each part."""
    results = hogsend("doctor", "--json").json
    return {row["part"]: f"{row['level']}: {row['text']} {row['remedy']}" for row in results}


def test_a_healthy_hatchet_passes(hogsend: Hogsend, rest: HatchetRest) -> None:
    outcome = hogsend("doctor")

    assert outcome.status == 0
    assert all(line.startswith("ok ") for line in outcome.out.splitlines())
    for text in ("until 2100-01-01", "is ready at", "v0.104.7", "1 worker, with every journey"):
        assert text in outcome.out
    tenant = "/api/v1/tenants/707d0855-80ab-4e1f-a156-f1c4546cbf52"
    assert {tenant, f"{tenant}/worker?statuses=ACTIVE", "/api/ready"} <= set(rest.paths)


def test_the_engine_without_a_token_is_a_failure(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HATCHET_CLIENT_TOKEN")
    monkeypatch.setenv("HOGSEND_ENGINE", "hatchet")

    outcome = hogsend("doctor")

    assert outcome.status == 1
    assert "HATCHET_CLIENT_TOKEN" in outcome.out and "hogsend bootstrap" in outcome.out


@pytest.mark.parametrize("text", ["x", "a.b.c", "a.e30.c", "a.W10.c"])
def test_an_unreadable_token_is_a_failure(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HATCHET_CLIENT_TOKEN", text)

    assert check(hogsend)["Hatchet token"].startswith(
        "failure: HATCHET_CLIENT_TOKEN is not a Hatchet token"
    )


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"exp": 1_700_000_000}, "failure: The token expired on 2023-11-14"),
        (
            {"aud": "https://elsewhere.example.com"},
            "warning: The token was created for https://elsewhere",
        ),
    ],
)
def test_a_token_that_has_expired_or_belongs_to_another_address_is_reported(
    hogsend: Hogsend,
    rest: HatchetRest,
    monkeypatch: pytest.MonkeyPatch,
    claims: dict[str, object],
    text: str,
) -> None:
    monkeypatch.setenv("HATCHET_CLIENT_TOKEN", token_for(rest, 1, **claims))

    assert check(hogsend)["Hatchet token"].startswith(text)


def test_a_token_that_expires_soon_is_a_warning(
    hogsend: Hogsend, rest: HatchetRest, grpc: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = token_for(rest, grpc, exp=int(time.time()) + 3 * DAY)
    monkeypatch.setenv("HATCHET_CLIENT_TOKEN", soon)

    assert check(hogsend)["Hatchet token"].startswith("warning: The token expires on")


def test_a_token_that_hatchet_refuses_is_a_failure(hogsend: Hogsend, rest: HatchetRest) -> None:
    rest.tenant_status = 403

    text = check(hogsend)["Hatchet token"]
    assert text.startswith("failure: Hatchet at") and "refuses the token" in text


def test_a_hatchet_that_does_not_answer_is_a_failure_with_a_remedy(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HATCHET_CLIENT_SERVER_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HATCHET_CLIENT_HOST_PORT", "127.0.0.1:1")

    parts = check(hogsend)

    assert parts["Hatchet API"].startswith("failure: Hatchet does not answer at http://127.0.0.1:1")
    assert "docker compose up -d" in parts["Hatchet API"]
    assert parts["Hatchet gRPC"].startswith("failure: 127.0.0.1:1 cannot be reached")


def test_a_hatchet_that_is_not_ready_is_a_failure(hogsend: Hogsend, rest: HatchetRest) -> None:
    rest.ready = False

    assert check(hogsend)["Hatchet API"].startswith("failure: Hatchet at")


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("v0.90.2", "warning: Hatchet is v0.90.2. Hogsend is tested with 0.104"),
        ("v0.1.0-alpha.0", "warning: Hatchet reports v0.1.0-alpha.0, which is not a release"),
        ("v1.0.0", "ok: Hatchet v1.0.0."),
    ],
)
def test_an_untested_version_is_a_warning(
    hogsend: Hogsend, rest: HatchetRest, version: str, text: str
) -> None:
    rest.version = version

    assert check(hogsend)["Hatchet version"].startswith(text)


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(minutes=-2)])
def test_clocks_that_differ_are_a_warning(
    hogsend: Hogsend, rest: HatchetRest, ahead: timedelta
) -> None:
    rest.ahead = ahead

    clock = check(hogsend)["Hatchet clock"]
    assert clock.startswith("warning: Hatchet's clock and this machine's are 1")


@pytest.mark.parametrize(
    ("workers", "text"),
    [
        ([], "warning: No worker of this installation is registered"),
        ([["journey-welcome"]], "warning: No worker of this installation is registered"),
        ([["other_journey-welcome"]], "warning: No worker of this installation is registered"),
        ([["acme_drain-mail"]], "warning: Hatchet has 1 worker, but none for welcome"),
        (
            [["acme_journey-not-journey-welcome"]],
            "warning: Hatchet has 1 worker, but none for welcome",
        ),
        (
            [["acme_journey-welcome"], ["acme_drain-mail"], ["other_journey-welcome"]],
            "ok: Hatchet has 2 workers",
        ),
    ],
)
def test_journeys_without_a_worker_are_a_warning(
    hogsend: Hogsend, rest: HatchetRest, workers: list[list[str]], text: str
) -> None:
    rest.workers = workers

    assert check(hogsend)["Hatchet workers"].startswith(text)


def test_without_a_setting_the_workers_are_those_of_the_installations_own_namespace(
    hogsend: Hogsend, rest: HatchetRest, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.delenv("HATCHET_CLIENT_NAMESPACE")
    assert check(hogsend)["Hatchet workers"].startswith("warning: No worker of this installation")
    assert hogsend("migrate").status == 0
    rest.workers = [["hogsend-1a2b3c4d_journey-welcome"], ["hogsend-ffffffff_journey-welcome"]]
    assert check(hogsend)["Hatchet workers"].startswith("warning: No worker of this installation")
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database, database:
        database.execute("INSERT INTO meta VALUES ('installation', '1a2b3c4d5e6f')")
    assert check(hogsend)["Hatchet workers"].startswith("ok: Hatchet has 1 worker")


@pytest.mark.parametrize("path", ["/api/ready", "/api/v1/version"])
def test_a_refused_token_is_reported_even_when_a_later_request_fails(
    hogsend: Hogsend, rest: HatchetRest, path: str
) -> None:
    rest.tenant_status, rest.dropped_path = 401, path

    results = check(hogsend)

    assert "refuses the token" in results["Hatchet token"]
    assert any(text.startswith("failure: Hatchet does not answer") for text in results.values())


def test_a_list_of_workers_that_fails_is_not_reported_as_no_workers(
    hogsend: Hogsend, rest: HatchetRest
) -> None:
    rest.workers_status = 500
    assert "did not list its workers (HTTP 500)" in check(hogsend)["Hatchet workers"]


def test_a_server_without_tls_is_a_failure_that_names_the_setting(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HATCHET_CLIENT_TLS_STRATEGY")

    text = check(hogsend)["Hatchet gRPC"]
    assert text.startswith("failure") and "HATCHET_CLIENT_TLS_STRATEGY=none" in text


def test_an_unknown_tls_strategy_is_reported_before_connecting(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HATCHET_CLIENT_TLS_STRATEGY", "nope")

    text = check(hogsend)["Hatchet gRPC"]
    assert text.startswith("failure") and "TLS_STRATEGY is nope" in text


def test_a_server_with_tls_is_a_failure_that_names_the_setting(
    hogsend: Hogsend, rest: HatchetRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = bytes([0x15, 3, 3, 0, 2, 2, 70])
    with server(alert) as port:
        monkeypatch.setenv("HATCHET_CLIENT_TOKEN", token_for(rest, port))
        text = check(hogsend)["Hatchet gRPC"]

    assert text.startswith("failure") and "Unset HATCHET_CLIENT_TLS_STRATEGY" in text


def test_the_certificate_of_a_server_is_checked(
    hogsend: Hogsend, rest: HatchetRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    monkeypatch.setenv("HATCHET_CLIENT_TLS_STRATEGY", "tls")
    with server(b"", context) as port:
        address = {"grpc_broadcast_address": f"localhost:{port}"}
        monkeypatch.setenv("HATCHET_CLIENT_TOKEN", token_for(rest, port, **address))
        refused = check(hogsend)["Hatchet gRPC"]
        monkeypatch.setenv("HATCHET_CLIENT_TLS_ROOT_CA_FILE", str(CERTIFICATE))
        accepted = check(hogsend)["Hatchet gRPC"]

    assert refused.startswith("failure: The certificate of")
    assert accepted.startswith("ok: ") and "over TLS" in accepted
