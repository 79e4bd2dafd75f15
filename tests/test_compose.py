"""compose.yaml is valid, publishes ports on this machine only, and matches the program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hogsend.cli.compose_ports import PORTS
from hogsend.cli.compose_project import SERVICES
from hogsend.config.settings import SETTINGS
from hogsend.paths import find_resource

TOP = Path(__file__).parents[1]
FILE = TOP / "compose.yaml"
GIVEN = "POSTGRES_PASSWORD=p-_1\nHATCHET_ADMIN_PASSWORD=h\nHOGSEND_FROM='Acme <a@example.com>'\n"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the file."""
    return YAML(typ="safe").load(FILE.read_text())["services"]


def test_the_file_follows_the_compose_specification() -> None:
    """Uses the schema of the package check-jsonschema, so that no Docker is needed."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ran = subprocess.run([*check, FILE], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_compose_reads_the_file_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(GIVEN)
    (tmp_path / "compose.yaml").write_bytes(FILE.read_bytes())
    command = ["docker", "compose", "--profile", "app", "config", "--format", "json"]
    try:
        has = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60)
    except FileNotFoundError:
        return
    if has.returncode:
        return
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert ran.returncode == 0, ran.stderr
    read = json.loads(ran.stdout)["services"]
    assert set(read) == {*SERVICES, "app"}
    ports = [port for service in read.values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert {int(port["published"]) for port in ports} == set(PORTS.values())


def test_every_port_is_local_and_can_be_changed(services: dict[str, Any]) -> None:
    shown = [port for service in services.values() for port in service.get("ports", [])]
    named = dict(
        re.fullmatch(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:\d+", port).groups()  # type: ignore[union-attr]
        for port in shown
    )
    assert {name: int(port) for name, port in named.items()} == PORTS


def test_every_service_but_the_app_starts_and_has_a_health_check(
    services: dict[str, Any],
) -> None:
    assert {name for name, service in services.items() if "profiles" not in service} == set(
        SERVICES
    )
    assert all("healthcheck" in services[name] for name in SERVICES)


def test_every_image_has_a_version(services: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in services.items() if "image" in service}
    assert all(re.search(r":v?\d", image) for image in images.values())
    assert re.fullmatch(r".*/hatchet-lite:v\d+\.\d+\.\d+", images["hatchet"])
    assert re.fullmatch(r".*/mailpit:v\d+\.\d+\.\d+", images["mail"])


def test_no_container_gains_privileges(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name
        is_postgres = service.get("image", "").startswith("postgres:")
        # What the image's first process needs to become the user postgres.
        needed = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"} if is_postgres else set()
        assert set(service.get("cap_add", ())) == needed, name


def test_a_container_writes_only_to_its_volumes_and_memory(services: dict[str, Any]) -> None:
    writable = {name for name, service in services.items() if not service.get("read_only")}
    # Where Hatchet's image writes is not documented.
    assert writable == {"hatchet"}
    assert all("/tmp" in services[name]["tmpfs"] for name in services if name not in writable)  # noqa: S108


def test_no_container_takes_the_machine_along(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[1-9]\d*[mg]", service["mem_limit"]), name
        assert 0 < service["pids_limit"] <= 1024, name
        assert service["restart"] == "unless-stopped", name


def test_the_app_runs_as_a_user_that_owns_only_its_data() -> None:
    image = (TOP / "Dockerfile").read_text()
    assert "PYTHONDONTWRITEBYTECODE=1" in image
    assert "install -d -o hogsend -g hogsend -m 0700 /srv/hogsend/data" in image
    assert image.count("FROM ${PYTHON_IMAGE}") == image.count("FROM ") == 2
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim", image, re.MULTILINE)


def test_hatchet_keeps_its_keys_and_its_runs(services: dict[str, Any]) -> None:
    hatchet = services["hatchet"]
    assert "hatchet-config:/config" in hatchet["volumes"]
    retention = hatchet["environment"]["SERVER_LIMITS_CORE_PARTITION_RETENTION"]
    assert int(re.search(r"(\d+)h\}$", retention)[1]) >= 366 * 24  # type: ignore[index]


def test_the_app_is_given_settings_that_exist(services: dict[str, Any]) -> None:
    names = {name for name in services["app"]["environment"] if name.startswith("HOGSEND_")}
    assert names <= {setting.name for setting in SETTINGS}


def test_the_file_is_shipped_and_the_image_uses_the_locked_packages() -> None:
    assert find_resource("compose.yaml").samefile(FILE)
    assert '("compose.yaml", ".")' in (TOP / "build.spec").read_text()
    image = (TOP / "Dockerfile").read_text()
    assert "--require-hashes -r requirements/run.lock" in image
    assert re.search(r"^USER hogsend$", image, re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.MULTILINE)
    allowed = (TOP / ".dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert (TOP / name).exists() and f"!{name}" in allowed
