"""`hogsend contacts` lists contacts and shows one."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from .conftest import Hogsend


@pytest.fixture
def ada(journeys: Path, hogsend: Hogsend) -> None:
    """Ada is in a journey."""
    hogsend(
        "journeys", "enroll", "welcome", "--user-id", "ada", "--email", "ada@example.com",
        "--prop", "plan=pro",
    )  # fmt: skip


def test_contacts_seen_last_are_listed_first(ada: None, journeys: Path, hogsend: Hogsend) -> None:
    hogsend("journeys", "enroll", "welcome", "--user-id", "bob", "--prop", "plan=pro")

    listed = hogsend("contacts", "list", "--json").json

    assert [contact["userId"] for contact in listed] == ["bob", "ada"]
    assert len(hogsend("contacts", "list", "--limit", "1", "--json").json) == 1
    assert "ada@example.com" in hogsend("contacts", "list").out


def test_a_contact_is_found_by_any_of_its_identities(ada: None, hogsend: Hogsend) -> None:
    by_user_id = hogsend("contacts", "show", "ada", "--json").json

    assert by_user_id["email"] == "ada@example.com"
    assert by_user_id["enrollments"][0]["journeyId"] == "welcome"
    for name in ("Ada@example.com", by_user_id["id"]):
        assert hogsend("contacts", "show", name, "--json").json == by_user_id
    assert "welcome (active)" in hogsend("contacts", "show", "ada").out


def test_an_unknown_contact_is_an_error(project: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("contacts", "show", "eve@example.com")

    assert outcome.status == 1 and "There is no contact 'eve@example.com'" in outcome.err


def test_without_contacts_the_next_step_is_shown(project: Path, hogsend: Hogsend) -> None:
    assert "hogsend events send" in hogsend("contacts", "list").out


def test_control_characters_in_the_data_do_not_reach_the_terminal(
    journeys: Path, hogsend: Hogsend
) -> None:
    name = "a\x1b]0;owned\x07\x1b[2Jb"
    hogsend("journeys", "enroll", "welcome", "--user-id", name, "--prop", "plan=pro")

    for command in (["list"], ["show", name], ["show", f"{name}x"]):
        outcome = hogsend("contacts", *command)
        assert "\x1b" not in outcome.out + outcome.err
    assert hogsend("contacts", "list", "--json").json[0]["userId"] == name


def test_erasing_a_contact_says_how_much_goes_and_asks(
    ada: None, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = hogsend("contacts", "show", "ada", "--json").json
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = hogsend("contacts", "erase", "ada@example.com")
    assert (refused.status, "Nothing was erased" in refused.err) == (0, True)
    assert "1 event, 1 enrollment (1 still running), 0 emails" in refused.err

    erased = hogsend("contacts", "erase", "ada", "--yes", "--json").json

    assert (erased["id"], erased["finished"], erased["live"]) == (contact["id"], True, 1)
    for name in ("ada", contact["id"]):
        assert hogsend("contacts", "show", name).status == 1
    assert hogsend("contacts", "list", "--json").json == []


def test_an_archive_is_a_new_file_for_its_owner(
    ada: None, hogsend: Hogsend, tmp_path: Path
) -> None:
    file = tmp_path / "ada.zip"
    assert hogsend("contacts", "archive", "ada", "--output", str(file)).status == 0
    assert "data.html" in zipfile.ZipFile(file).namelist()
    assert file.stat().st_mode & 0o777 == 0o600

    again = hogsend("contacts", "archive", "ada", "--output", str(file))
    assert again.status == 1 and "File exists" in again.err


def test_contacts_are_created_changed_merged_and_split(journeys: Path, hogsend: Hogsend) -> None:
    created = hogsend("contacts", "create", "--user-id", "ada", "--prop", "plan=pro", "--json").json
    assert (created["userId"], created["properties"]) == ("ada", {"plan": "pro"})
    edited = hogsend(
        "contacts", "edit", "ada", "--email", "ada@example.com", "--prop", "plan=null",
        "--prop", "seats=5", "--json",
    )  # fmt: skip
    assert edited.json["properties"] == {"seats": 5}
    visitor = hogsend("contacts", "create", "--email", "visitor@example.com", "--json").json

    merged = hogsend("contacts", "merge", "visitor@example.com", "ada")
    assert merged.out == f"Merged into ada@example.com ({created['id']}).\n"
    shown = hogsend("contacts", "show", visitor["id"], "--json").json
    assert shown["id"] == created["id"]
    assert [merge["id"] for merge in shown["merged"]] == [visitor["id"]]

    assert hogsend("contacts", "unmerge", visitor["id"], "--json").json == {
        **visitor,
        "stayEnded": [],
    }
    again = hogsend("contacts", "unmerge", visitor["id"])
    assert again.status == 1 and "not merged" in again.err
    assert hogsend("contacts", "edit", "ada").status == 2


def test_contacts_are_filtered_and_sorted(journeys: Path, hogsend: Hogsend) -> None:
    for user, seats in (("ada", 5), ("bo", 9)):
        hogsend("contacts", "create", "--user-id", user, "--prop", f"seats={seats}")

    def listed(*options: str) -> list[str]:
        return [c["userId"] for c in hogsend("contacts", "list", "--json", *options).json]

    assert listed("--where", "seats>5") == ["bo"]
    assert listed("--sort", "created") == ["ada", "bo"]
    assert listed("--search", "a", "--identity", "identified") == ["ada"]
    assert hogsend("contacts", "list", "--where", "seats=1").out == "No contacts match.\n"
    refused = hogsend("contacts", "list", "--where", "=1")
    assert refused.status == 1 and "is not a filter" in refused.err
