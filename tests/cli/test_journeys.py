"""`hogsend journeys` shows, checks and switches journeys, and enrolls by hand."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Hogsend


def test_journeys_are_listed_also_before_there_is_a_database(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    (project / "data" / "hogsend.db").unlink()

    outcome = hogsend("journeys", "list")

    assert outcome.status == 0
    assert "welcome" in outcome.out and "user.created" in outcome.out


def test_without_journeys_the_next_step_is_shown(empty_folder: Path, hogsend: Hogsend) -> None:
    assert "hogsend init" in hogsend("journeys", "list").out


def test_sound_journeys_pass_the_check(journeys: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("journeys", "check")

    assert (outcome.status, outcome.out) == (0, "1 journeys and 1 mail templates are sound.\n")


def test_everything_broken_is_named_with_file_and_line(journeys: Path, hogsend: Hogsend) -> None:
    (journeys / "broken.py").write_text("x = 1\nraise ValueError('no')\n")
    (journeys / "emails" / "broken.html").write_text("no front matter")

    outcome = hogsend("journeys", "check")

    assert outcome.status == 1
    assert "broken.py:2" in outcome.out and "emails/broken.html" in outcome.out
    assert "2 file(s)" in outcome.err
    named = {problem["file"] for problem in hogsend("journeys", "check", "--json").json}
    assert named == {"broken.py", "emails/broken.html"}


def test_a_journey_is_shown(journeys: Path, project: Path, hogsend: Hogsend) -> None:
    shown = hogsend("journeys", "show", "welcome")

    assert "Says hello." in shown.out and "welcome.py:" in shown.out
    assert hogsend("journeys", "show", "welcome", "--json").json["enabled"] is True
    assert hogsend("journeys", "show", "nope").status == 1


def test_a_person_is_enrolled_by_hand_through_every_guard(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    person = ["--user-id", "1", "--email", "Ada@Example.com"]

    refused = hogsend("journeys", "enroll", "welcome", *person)
    assert refused.status == 1 and "where_not_met" in refused.err

    enrolled = hogsend("journeys", "enroll", "welcome", *person, "--prop", "plan=pro", "--json")
    assert enrolled.json["outcome"] == "enrolled"

    again = hogsend("journeys", "enroll", "welcome", *person, "--prop", "plan=pro")
    assert again.status == 1 and "already_live" in again.err
    assert hogsend("journeys", "list", "--json").json[0]["people"]["active"] == 1


def test_enrolling_by_hand_starts_no_other_journey(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    (journeys / "other.py").write_text(
        (journeys / "welcome.py").read_text().replace("welcome", "other")
    )

    hogsend("journeys", "enroll", "welcome", "--user-id", "1", "--prop", "plan=pro")

    people = {
        one["id"]: one["people"]["active"] for one in hogsend("journeys", "list", "--json").json
    }
    assert people == {"welcome": 1, "other": 0}


def test_a_journey_that_is_switched_off_enrolls_nobody(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    enroll = ["journeys", "enroll", "welcome", "--user-id", "1", "--prop", "plan=pro"]

    assert hogsend("journeys", "disable", "welcome").status == 0
    assert "disabled_by_operator" in hogsend(*enroll).err
    assert hogsend("journeys", "list", "--json").json[0]["enabled"] is False

    assert hogsend("journeys", "enable", "welcome").status == 0
    assert hogsend(*enroll).status == 0


def test_a_switch_is_in_the_audit_log(journeys: Path, project: Path, hogsend: Hogsend) -> None:
    hogsend("journeys", "disable", "welcome")

    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database:
        rows = database.execute("SELECT who, action, subject FROM audit").fetchall()

    assert rows == [("cli", "disable", "/journeys/welcome")]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("true", True), ("null", None), ("pro", "pro"), ("007", "007"), ('"5"', "5"),
     ("NaN", "NaN"), ("a=b", "a=b"), ("", "")],
)  # fmt: skip
def test_a_property_is_json_when_it_looks_like_it_and_else_text(
    journeys: Path, project: Path, hogsend: Hogsend, text: str, value: object
) -> None:
    properties = ["--prop", "plan=pro", "--prop", f"x={text}"]

    hogsend("journeys", "enroll", "welcome", "--user-id", "1", *properties)

    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database:
        ((stored,),) = database.execute("SELECT properties FROM events").fetchall()

    assert json.loads(stored)["x"] == value
