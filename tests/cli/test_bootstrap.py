"""`hogsend bootstrap` sets up containers, can be run again, and has a remedy for each failure."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from hogsend.cli import bootstrap as command
from hogsend.cli.compose_ports import PORTS
from hogsend.config.settings import load_settings, read_env_file
from tests.doubles.docker import SERVICES, DockerDouble, answer, token
from tests.doubles.hatchet_rest import hatchet_rest

from .conftest import Hogsend

# Every bootstrap tries the same ports first.
pytestmark = pytest.mark.xdist_group("bootstrap")
STEPS = ("Docker", "settings", "ports", "containers", "token", "schema", "key")


@pytest.fixture(autouse=True)
def docker(
    empty_folder: Path,
    tmp_path: Path,
    empty_postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[DockerDouble]:
    """A test double of `docker`; nothing waits between two attempts."""
    double = DockerDouble(tmp_path / "docker", empty_postgres_url)
    monkeypatch.setenv("PATH", f"{double.path}{os.pathsep}{os.environ['PATH']}")
    for name in (*PORTS, "POSTGRES_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(command, "PAUSES", (0.0, 0.0, 0.0, 0.0))
    yield double
    double.stop()


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def read_settings(folder: Path) -> dict[str, str]:
    """Return the values in `.env`."""
    return read_env_file(folder / ".env")


def query(url: str, statement: str) -> list[asyncpg.Record]:
    """Run a statement and return its rows."""

    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_an_empty_folder_becomes_an_installation(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble, empty_postgres_url: str
) -> None:
    outcome = hogsend("bootstrap")

    assert outcome.status == 0, outcome.out + outcome.err
    lines = [line for line in outcome.out.splitlines() if line.startswith("ok ")]
    assert [line.split()[2] for line in lines] == list(STEPS)
    assert (empty_folder / "compose.yaml").read_text().startswith("# Postgres, Hatchet")
    assert stat.S_IMODE((empty_folder / ".env").stat().st_mode) == 0o600
    written = read_settings(empty_folder)
    assert {name for name in PORTS if written[name].isdecimal()} == set(PORTS)
    assert f":{written['POSTGRES_PASSWORD']}@127.0.0.1:" in written["HOGSEND_DATABASE_URL"]
    assert written["HOGSEND_MAIL"] == f"smtp://127.0.0.1:{written['MAIL_SMTP_PORT']}"
    assert written["HATCHET_CLIENT_TOKEN"].count(".") == 2
    assert written["HATCHET_CLIENT_TLS_STRATEGY"] == "none"
    assert load_settings({}, empty_folder).engine == "hatchet"
    (key,) = query(empty_postgres_url, "SELECT name, scopes, prefix FROM api_keys")
    assert (key["name"], json.loads(key["scopes"])) == ("HOGSEND_API_KEY", ["ingest"])
    assert written["HOGSEND_API_KEY"].startswith(key["prefix"])
    assert docker.find_calls("up", "--detach", "--wait")


def test_a_second_run_changes_nothing(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble, empty_postgres_url: str
) -> None:
    assert hogsend("bootstrap").status == 0
    before = (empty_folder / ".env").read_bytes(), (empty_folder / "compose.yaml").stat().st_mtime

    outcome = hogsend("bootstrap")

    assert outcome.status == 0
    after = (empty_folder / ".env").read_bytes(), (empty_folder / "compose.yaml").stat().st_mtime
    assert after == before
    assert len(docker.find_calls("exec")) == 1
    assert len(query(empty_postgres_url, "SELECT id FROM api_keys")) == 1
    for text in (
        "complete",
        "All ports are free",
        "set already",
        "up to date",
        "registered already",
    ):
        assert text in outcome.out


def test_existing_values_are_kept(
    empty_folder: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    key = "hsk_" + "k" * 43
    text = (
        "# mine\nHOGSEND_MAIL=inbox\nexport HOGSEND_SECRET='0123456789$0123456789-0123456789'\n"
        f"HOGSEND_DATABASE_URL={empty_postgres_url}\nHOGSEND_API_KEY={key}\nHOGSEND_FROM=\n"
    )
    (empty_folder / ".env").write_text(text)
    (empty_folder / "compose.yaml").write_text("# mine as well\nservices: {}\n")

    outcome = hogsend("bootstrap")

    assert outcome.status == 0, outcome.err
    assert (empty_folder / ".env").read_text().startswith(text)
    assert (empty_folder / "compose.yaml").read_text().startswith("# mine as well")
    assert "HOGSEND_API_KEY is registered" in outcome.out
    assert len(query(empty_postgres_url, "SELECT id FROM api_keys")) == 1


def test_settings_of_the_environment_are_not_written(
    empty_folder: Path, hogsend: Hogsend, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_DATABASE_URL", empty_postgres_url)

    assert hogsend("bootstrap").status == 0
    assert "HOGSEND_DATABASE_URL" not in read_settings(empty_folder)


def test_the_secret_of_the_data_folder_is_kept(empty_folder: Path, hogsend: Hogsend) -> None:
    (empty_folder / "data").mkdir(mode=0o700)
    (empty_folder / "data" / "secret").write_text("s" * 43 + "\n")

    assert hogsend("bootstrap").status == 0
    assert read_settings(empty_folder)["HOGSEND_SECRET"] == "s" * 43


def test_an_env_file_that_other_users_can_read_is_protected(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (empty_folder / ".env").write_text("HOGSEND_LOG_LEVEL=debug\n")
    (empty_folder / ".env").chmod(0o664)

    assert hogsend("bootstrap").status == 0
    assert stat.S_IMODE((empty_folder / ".env").stat().st_mode) == 0o640


# -- 1 Docker -------------------------------------------------------------------------------------


def test_without_docker_the_error_links_to_its_installation(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(empty_folder))

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert "failure  1/7  Docker" in outcome.out
    assert "Step 1, Docker: Docker is not installed." in outcome.err
    assert "docs.docker.com/engine/install" in outcome.err
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("complaint", "message", "remedy"),
    [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
         "it is not running", "systemctl start docker"),
        ("permission denied while trying to connect to the Docker daemon socket",
         "this account may not use it", "usermod -aG docker"),
    ],
)  # fmt: skip
def test_a_docker_that_cannot_be_used_is_explained(
    hogsend: Hogsend, docker: DockerDouble, complaint: str, message: str, remedy: str
) -> None:
    docker.plan_answers(version=answer(err=complaint, status=1))

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert message in outcome.err and remedy in outcome.err
    assert outcome.err.endswith("Then run `hogsend bootstrap` again.\n")


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        (
            answer(err="docker: unknown command: docker compose\n", status=1),
            "Compose is not installed",
        ),
        (answer("2.20.3\n"), "is 2.20.3; 2.24 or newer is needed"),
    ],
)
def test_a_missing_or_old_compose_is_explained(
    hogsend: Hogsend, docker: DockerDouble, compose: dict[str, object], message: str
) -> None:
    docker.plan_answers(compose=compose)

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert message in outcome.err and "docs.docker.com/compose/install" in outcome.err


# -- 2 settings -----------------------------------------------------------------------------------


def test_a_compose_file_of_another_project_is_kept(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    docker.plan_answers(config=answer("web\ndb\n"))
    (empty_folder / "compose.yaml").write_text("services: {web: {image: web}}\n")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert "it has no hatchet, hatchet-postgres, mail, postgres" in outcome.err
    assert "hogsend init" in outcome.err and not docker.find_calls("up")


def test_a_compose_file_under_another_name_is_not_replaced(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (empty_folder / "docker-compose.yml").write_text("services: {}\n")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and "has a docker-compose.yml of another project" in outcome.err
    assert not (empty_folder / "compose.yaml").exists()


def test_a_compose_file_that_compose_cannot_read_is_named(
    hogsend: Hogsend, docker: DockerDouble
) -> None:
    docker.plan_answers(
        config=answer(err="yaml: line 3: mapping values are not allowed\n", status=1)
    )

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and "yaml: line 3" in outcome.err and "Fix the file" in outcome.err


def test_a_password_that_cannot_be_part_of_a_url_is_refused(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (empty_folder / ".env").write_text("POSTGRES_PASSWORD=a@b/c\n")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and "POSTGRES_PASSWORD" in outcome.err and "letters" in outcome.err
    assert "a@b/c" not in outcome.err


def test_a_folder_that_cannot_be_written_to_is_named(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").mkdir()

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and ".env cannot be read" in outcome.err


# -- 3 ports --------------------------------------------------------------------------------------


def test_a_port_that_another_program_uses_is_replaced(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    with taken_port() as grpc, taken_port() as postgres:
        (empty_folder / ".env").write_text(f"HATCHET_GRPC_PORT={grpc}\nPOSTGRES_PORT={postgres}\n")
        outcome = hogsend("bootstrap")

    assert outcome.status == 0, outcome.err
    written = read_settings(empty_folder)
    assert int(written["HATCHET_GRPC_PORT"]) > grpc
    moved = written["POSTGRES_PORT"]
    assert f"{postgres} is in use, so POSTGRES_PORT is now {moved}." in outcome.out
    assert f"@127.0.0.1:{moved}/hogsend" in written["HOGSEND_DATABASE_URL"]


def test_the_port_of_the_server_is_replaced_too(empty_folder: Path, hogsend: Hogsend) -> None:
    with taken_port() as port:
        (empty_folder / ".env").write_text(f"APP_PORT={port}\n")
        assert hogsend("bootstrap").status == 0

    written = read_settings(empty_folder)
    assert written["HOGSEND_BIND"] == f"127.0.0.1:{written['APP_PORT']}" != f"127.0.0.1:{port}"


def test_a_token_stays_valid_when_a_port_is_replaced(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    assert hogsend("bootstrap").status == 0
    docker.stop()
    first = read_settings(empty_folder)

    with socket.socket() as other:
        other.bind(("127.0.0.1", int(first["HATCHET_GRPC_PORT"])))
        other.listen()
        assert hogsend("bootstrap").status == 0

    then = read_settings(empty_folder)
    assert then["HATCHET_CLIENT_TOKEN"] == first["HATCHET_CLIENT_TOKEN"]
    assert then["HATCHET_CLIENT_HOST_PORT"] == f"127.0.0.1:{then['HATCHET_GRPC_PORT']}"
    assert then["HATCHET_GRPC_PORT"] != first["HATCHET_GRPC_PORT"]


def test_a_value_that_is_not_a_port_is_refused(empty_folder: Path, hogsend: Hogsend) -> None:
    (empty_folder / ".env").write_text("MAIL_SMTP_PORT=many\n")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and "MAIL_SMTP_PORT is 'many', which is not a port" in outcome.err


# -- 4 containers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "complaint",
    [
        "Bind for 127.0.0.1:{port} failed: port is already allocated",
        "failed to bind host port 127.0.0.1:{port}/tcp: address already in use",
    ],
)
def test_a_port_that_docker_reports_as_in_use_is_replaced(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble, complaint: str
) -> None:
    with taken_port() as free:
        pass
    (empty_folder / ".env").write_text(f"MAIL_SMTP_PORT={free}\n")
    refusal = f"Error response from daemon: {complaint.format(port=free)}\n"
    docker.plan_answers(up=[answer(err=refusal, status=1), answer()])

    outcome = hogsend("bootstrap")

    assert outcome.status == 0, outcome.err
    written = read_settings(empty_folder)
    assert f"{free} is in use, so MAIL_SMTP_PORT is now {written['MAIL_SMTP_PORT']}." in outcome.out
    assert written["HOGSEND_MAIL"] == f"smtp://127.0.0.1:{written['MAIL_SMTP_PORT']}"
    assert len(docker.find_calls("up")) == 2


def list_with_unhealthy(service: str) -> str:
    rows = [
        {"Service": name, "State": "running", "Publishers": None,
         "Health": "unhealthy" if name == service else "healthy"}
        for name in SERVICES
    ]  # fmt: skip
    return "\n".join(map(json.dumps, rows))


def test_an_unhealthy_container_is_named_with_the_last_line_of_its_log(
    hogsend: Hogsend, docker: DockerDouble
) -> None:
    docker.plan_answers(
        up=answer(err="container p-hatchet-1 is unhealthy\n", status=1),
        ps=answer(list_with_unhealthy("hatchet")),
        logs=answer("starting\nerror loading server config: no keyset\n"),
    )

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert "Step 4, containers: The container hatchet is unhealthy: error loading" in outcome.err
    assert "docker compose logs hatchet" in outcome.err


def test_a_volume_with_another_password_is_recognised(
    hogsend: Hogsend, docker: DockerDouble
) -> None:
    docker.plan_answers(
        up=answer(err="container p-hatchet-1 is unhealthy\n", status=1),
        ps=answer(list_with_unhealthy("hatchet")),
        logs=answer("FATAL: password authentication failed for user hatchet\n"),
    )

    assert "created with another password" in hogsend("bootstrap").err


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        ('failed to resolve reference "x": dial tcp: lookup ghcr.io: no such host', "network"),
        ("write /var/lib/docker/x: no space left on device", "docker system prune"),
        ("something else", "docker compose up"),
    ],
)
def test_images_that_cannot_be_downloaded_are_explained(
    hogsend: Hogsend, docker: DockerDouble, complaint: str, remedy: str
) -> None:
    docker.plan_answers(up=answer(err=f"{complaint}\n", status=1))

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert complaint in outcome.err and remedy in outcome.err


# -- 5 token --------------------------------------------------------------------------------------


def test_creating_a_token_is_retried(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    late = answer(err="Fatal: could not run [token create] command: no keyset\n", status=1)
    docker.plan_answers(exec=[late, answer("loaded\n"), answer(f"a line\n{token()}\n")])

    assert hogsend("bootstrap").status == 0
    calls = docker.find_calls("exec")
    assert len(calls) == 3
    assert calls[0] == [
        *("compose", "exec", "-T", "hatchet", "/hatchet-admin", "token", "create"),
        *("--config", "/config", "--name", "hogsend", "--expiresIn", "87600h"),
    ]


def test_a_token_that_cannot_be_created_fails_with_the_message_of_hatchet(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    docker.plan_answers(exec=answer(err="Fatal: the database is away\n", status=1))

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and len(docker.find_calls("exec")) == 5
    assert "Step 5, token" in outcome.err and "the database is away" in outcome.err
    assert "docker compose logs hatchet" in outcome.err
    assert "HATCHET_CLIENT_TOKEN" not in read_settings(empty_folder)


def test_a_token_of_another_hatchet_is_kept(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    theirs = token(server_url="https://cloud.example.com")
    (empty_folder / ".env").write_text(f"HATCHET_CLIENT_TOKEN={theirs}\n")

    outcome = hogsend("bootstrap")

    assert (
        outcome.status == 0 and "belongs to https://cloud.example.com, and is kept" in outcome.out
    )
    assert not docker.find_calls("exec")
    assert "HATCHET_CLIENT_TLS_STRATEGY" not in read_settings(empty_folder)


def test_a_token_that_this_hatchet_refuses_is_replaced(
    empty_folder: Path, hogsend: Hogsend, docker: DockerDouble
) -> None:
    with hatchet_rest(tenant_status=403) as hatchet:
        port = hatchet.port
        (empty_folder / ".env").write_text(f"HATCHET_DASHBOARD_PORT={port}\n")
        old = token(token_id="of a volume that is gone")
        with (empty_folder / ".env").open("a") as file:
            file.write(f"HATCHET_CLIENT_TOKEN={old}\n")
        ours = {"Service": "hatchet", "State": "running", "Publishers": [{"PublishedPort": port}]}
        docker.plan_answers(ps=answer(json.dumps(ours)))

        outcome = hogsend("bootstrap")

    assert outcome.status == 0, outcome.err
    assert "the former one is refused by this Hatchet" in outcome.out
    assert read_settings(empty_folder)["HATCHET_CLIENT_TOKEN"] not in ("", old)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1700000000}, "expires 2023-11-14"),
        ({"server_url": "http://localhost:1"}, "is for http://localhost:1"),
    ],
)
def test_a_token_that_expires_or_has_an_old_address_is_replaced(
    empty_folder: Path, hogsend: Hogsend, claims: dict[str, object], reason: str
) -> None:
    (empty_folder / ".env").write_text(f"HATCHET_CLIENT_TOKEN={token(**claims)}\n")

    outcome = hogsend("bootstrap")

    assert outcome.status == 0 and f"the former one {reason}" in outcome.out


# -- 6 schema -------------------------------------------------------------------------------------


def test_migrations_that_failed_are_resumed(hogsend: Hogsend, empty_postgres_url: str) -> None:
    query(empty_postgres_url, "CREATE TABLE contacts (id int)")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert "Step 6, schema" in outcome.err and "contacts" in outcome.err
    assert "Fix its cause" in outcome.err

    query(empty_postgres_url, "DROP TABLE contacts")
    assert hogsend("bootstrap").status == 0


def test_a_database_with_another_password_is_recognised(
    hogsend: Hogsend, docker: DockerDouble
) -> None:
    docker.plan_answers(password="another")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1 and "password authentication failed" in outcome.err
    assert "created with another password" in outcome.err


def test_an_installation_on_sqlite_is_not_replaced_by_mistake(
    project: Path, hogsend: Hogsend
) -> None:
    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert "hogsend migrate-data --to" in outcome.err
    text = (project / ".env").read_text()
    assert "\n#HOGSEND_DATABASE_URL=postgres://hogsend:" in text
    assert "HOGSEND_DATABASE_URL" not in read_settings(project)

    (project / ".env").write_text(text.replace("#HOGSEND_DATABASE_URL", "HOGSEND_DATABASE_URL"))
    assert hogsend("bootstrap").status == 0


# -- 7 key ----------------------------------------------------------------------------------------


def test_a_revoked_key_is_named(
    empty_folder: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    assert hogsend("bootstrap").status == 0
    query(empty_postgres_url, "UPDATE api_keys SET revoked_at = created_at")

    outcome = hogsend("bootstrap")

    assert outcome.status == 1
    assert "HOGSEND_API_KEY is revoked" in outcome.err and "Remove it from .env" in outcome.err


def test_no_password_and_no_token_is_ever_shown(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("bootstrap")

    written = read_settings(empty_folder)
    secret = ("POSTGRES_PASSWORD", "HATCHET_ADMIN_PASSWORD", "HOGSEND_SECRET", "HOGSEND_API_KEY",
              "HATCHET_CLIENT_TOKEN")  # fmt: skip
    assert not [name for name in secret if written[name] in outcome.out + outcome.err]
