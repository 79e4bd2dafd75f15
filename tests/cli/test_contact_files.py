"""`hogsend contacts import` and `export`, and the same for suppressions."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from .conftest import Hogsend

PEOPLE = "User ID;E-Mail;Plan;Seats\nada;Ada@Example.com;pro;5\nbob;nobody;free;x\n"


@pytest.fixture
def people(journeys: Path) -> str:
    """The path of a file of people, one of whom has no valid address."""
    (journeys / "lists.py").write_text(
        'from hogsend import MailList\n\nnews = MailList("news", "News", "What is new.")\n'
    )
    file = journeys.parent / "people.csv"
    file.write_text(PEOPLE)
    return str(file)


def test_contacts_are_imported_as_their_columns_are_mapped(people: str, hogsend: Hogsend) -> None:
    arguments = (
        *("contacts", "import", people, "--list", "news"),
        *("--map", "E-Mail=email", "--map", "Plan=property:plan"),
        *("--map", "Seats=property:seats:number"),
    )
    tried = hogsend(*arguments, "--dry-run")
    assert tried.out.startswith("Would import 1 contact of 2 rows: 1 new, 0 changed, 0 unchanged")
    assert hogsend("contacts", "list", "--json").json == []

    done = hogsend(*arguments, "--refused", "refused.csv", "--json").json
    assert (done["created"], done["refused"], done["status"]) == (1, 1, "completed")
    assert done["remarks"][0]["row"] == 2
    refused = Path("refused.csv")
    assert "bob;nobody;free;x" in refused.read_text()
    assert stat.S_IMODE(refused.stat().st_mode) == 0o600
    ada = hogsend("contacts", "show", "ada", "--json").json
    assert (ada["email"], ada["properties"]) == ("ada@example.com", {"plan": "pro", "seats": 5})
    assert ada["lists"] == {"news": True}


def test_an_export_is_private_and_can_be_imported(people: str, hogsend: Hogsend) -> None:
    hogsend("contacts", "import", people, "--map", "E-Mail=email")
    assert hogsend("contacts", "export", "people.jsonl").status == 0
    exported = Path("people.jsonl")
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert json.loads(exported.read_text())["userId"] == "ada"
    assert hogsend("contacts", "export", "-").out == exported.read_text()
    assert hogsend("contacts", "export", "people.csv", "--json").json["format"] == "csv"
    for file in ("people.jsonl", "people.csv"):
        assert hogsend("contacts", "import", file, "--json").json["unchanged"] == 1

    hogsend("contacts", "export", "list.csv")
    suppressed = hogsend("suppressions", "import", "list.csv")
    assert suppressed.out.startswith("Imported 1 address of 1 row: 0 new, 1 changed")
    assert hogsend("suppressions", "export", "-", "--format", "csv").out == "email,reason,at\r\n"


def test_a_wrong_import_says_what_to_do(people: str, hogsend: Hogsend) -> None:
    missing = hogsend("contacts", "import", "nothing.csv")
    assert (missing.status, "Check its path." in missing.err) == (1, True)
    assert hogsend("contacts", "import").status == 2
    assert hogsend("contacts", "import", people, "--map", "email").status == 2
    unknown = hogsend("contacts", "import", people)
    assert "No column holds an email address" not in unknown.err
    job = hogsend("contacts", "import", people, "--json").json
    resumed = hogsend("contacts", "import", "--resume", job["jobId"])
    assert "This import is completed." in resumed.err


def test_imports_are_listed_and_deleted(people: str, hogsend: Hogsend) -> None:
    assert "No imports yet" in hogsend("imports", "list").out
    imported = hogsend("contacts", "import", people, "--map", "E-Mail=email", "--json").json
    (listed,) = hogsend("imports", "list", "--json").json
    assert (listed["file"], listed["rows"], listed["refused"]) == ("people.csv", 2, 1)
    assert "people.csv" in hogsend("imports", "list").out
    assert hogsend("imports", "cancel", imported["jobId"]).status == 1
    assert hogsend("imports", "delete", imported["jobId"], "--yes").status == 0
    assert hogsend("imports", "list", "--json").json == []
    missing = hogsend("imports", "delete", imported["jobId"], "--yes", "--json")
    assert missing.status == 1 and "hogsend imports list" in missing.err
