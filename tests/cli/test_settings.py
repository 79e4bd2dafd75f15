"""`hogsend settings` shows every setting and its origin, `hogsend version` the version."""

from __future__ import annotations

from pathlib import Path

import pytest

from hogsend.config.secret import prepare_data
from hogsend.config.settings import SETTINGS, load_settings

from .conftest import Hogsend


def test_every_setting_is_shown_with_its_origin(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").write_text("HOGSEND_FROM=ada@example.com\n")
    monkeypatch.setenv("HOGSEND_MAIL", "smtp://user:hunter2@mail.example.com:25")

    outcome = hogsend("settings")

    for setting in SETTINGS:
        assert setting.name in outcome.out
    assert "hunter2" not in outcome.out
    origins = {row["name"]: row["origin"] for row in hogsend("settings", "--json").json}
    assert origins["HOGSEND_FROM"] == ".env"
    assert origins["HOGSEND_MAIL"] == "environment"
    assert origins["HOGSEND_BIND"] == "default"


def test_the_generated_secret_is_masked_and_its_file_named(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (secret,) = prepare_data(load_settings({}, empty_folder)).secrets

    outcome = hogsend("settings")

    assert secret not in outcome.out
    assert str(empty_folder / "data" / "secret") in outcome.out


def test_an_unknown_setting_fails_every_command(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_MIAL", "inbox")

    for command in (["settings"], ["serve"], ["keys", "list"]):
        outcome = hogsend(*command)
        assert outcome.status == 1 and "Did you mean HOGSEND_MAIL?" in outcome.err


def test_the_version_is_shown(hogsend: Hogsend) -> None:
    number = hogsend("version", "--json").json["version"]

    assert hogsend("version").out.startswith(f"hogsend {number} (Python ")
    assert hogsend("--version").out == f"hogsend {number}\n"
