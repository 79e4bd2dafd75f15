"""`hogsend doctor` gives each check a line, and a remedy where one is needed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hogsend.cli import doctor

from .conftest import Hogsend


@pytest.fixture(autouse=True)
def free_port(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name a port that is free."""
    monkeypatch.setenv("HOGSEND_BIND", "127.0.0.1:0")


def levels(hogsend: Hogsend) -> dict[str, str]:
    """Return the level of each part."""
    return {finding["part"]: finding["level"] for finding in hogsend("doctor", "--json").json}


def test_a_sound_project_is_well(journeys: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("doctor")

    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert len(lines) == 9 and all(line.startswith("ok ") for line in lines)


def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    assert hogsend("doctor").status == 0
    assert list(empty_folder.iterdir()) == []


def test_a_wrong_setting_is_the_only_finding(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_MIAL", "inbox")

    outcome = hogsend("doctor")

    assert outcome.status == 1
    assert outcome.out.startswith("failure  settings") and "HOGSEND_MAIL?" in outcome.out


def test_what_others_may_read_is_a_warning(journeys: Path, hogsend: Hogsend) -> None:
    (journeys.parent / "data").chmod(0o755)

    assert levels(hogsend)["data folder"] == "warning"


def test_a_broken_journey_is_a_warning_because_the_others_work(
    journeys: Path, hogsend: Hogsend
) -> None:
    (journeys / "broken.py").write_text("raise ValueError\n")

    outcome = hogsend("doctor")

    assert outcome.status == 0 and "hogsend journeys check" in outcome.out


def test_a_provider_that_may_not_send_is_a_failure(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_MAIL", "smtp://mail.example.com:25")

    found = levels(hogsend)

    assert found["mail"] == "failure" and found["public address"] == "warning"
    assert hogsend("doctor").status == 1


def test_a_port_in_use_by_another_program_is_a_failure(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_answers", lambda settings: False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("HOGSEND_BIND", f"127.0.0.1:{other.getsockname()[1]}")

        outcome = hogsend("doctor")

    assert outcome.status == 1 and "HOGSEND_BIND" in outcome.out


def test_a_full_disk_is_a_failure(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_FULL_DISK", 1 << 60)

    assert levels(hogsend)["disk"] == "failure"


def test_a_damaged_secret_is_a_failure(journeys: Path, hogsend: Hogsend) -> None:
    (journeys.parent / "data" / "secret").write_text("short")

    assert levels(hogsend)["secret"] == "failure"


def test_a_file_that_is_no_database_is_a_failure(project: Path, hogsend: Hogsend) -> None:
    (project / "data" / "hogsend.db").write_bytes(b"no database at all, but long enough" * 10)

    assert levels(hogsend)["schema"] == "failure"
