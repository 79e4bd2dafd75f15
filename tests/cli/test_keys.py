"""`hogsend keys` creates keys that are shown once."""

from __future__ import annotations

from pathlib import Path

from .conftest import Hogsend


def test_a_key_is_created_listed_and_revoked(project: Path, hogsend: Hogsend) -> None:
    created = hogsend("keys", "create", "--scope", "ingest", "--name", "shop", "--json").json

    assert created["key"].startswith("hsk_") and created["scopes"] == ["ingest"]
    listed = hogsend("keys", "list")
    assert created["id"] in listed.out and "shop" in listed.out and "active" in listed.out
    assert created["key"] not in listed.out

    revoked = hogsend("keys", "revoke", created["id"], "--json")
    assert revoked.status == 0
    assert revoked.json["revokedAt"] is not None

    assert hogsend("keys", "list", "--json").json[0]["status"] == "revoked"


def test_the_note_about_a_new_key_goes_to_standard_error(project: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("keys", "create", "--scope", "ingest")

    assert outcome.out.startswith("key      hsk_")
    assert "not shown again" in outcome.err


def test_a_publishable_key_needs_an_origin(project: Path, hogsend: Hogsend) -> None:
    refused = hogsend("keys", "create", "--scope", "ingest-public")
    assert refused.status == 1 and "origin" in refused.err

    created = hogsend(
        "keys", "create", "--scope", "ingest-public", "--origin", "https://example.com",
        "--days", "30", "--json",
    ).json  # fmt: skip
    assert created["key"].startswith("pk_") and created["expiresAt"]


def test_revoking_an_unknown_key_fails(project: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("keys", "revoke", "00000000-0000-7000-8000-000000000000")

    assert outcome.status == 1 and "hogsend keys list" in outcome.err


def test_without_keys_the_next_step_is_shown(project: Path, hogsend: Hogsend) -> None:
    assert "hogsend keys create" in hogsend("keys", "list").out


def test_without_a_database_the_remedy_is_named(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("keys", "list")

    assert outcome.status == 1
    assert "hogsend migrate" in outcome.err
    assert list(empty_folder.iterdir()) == []
