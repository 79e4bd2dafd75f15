"""`hogsend journeys plan` shows what would happen to people in journeys if code were used."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from .conftest import Hogsend
from .sleeping_enrollments import SLEEPER_SOURCE, enroll_sleepers, list_states, set_every_state


def test_the_same_code_endangers_no_one(journeys: Path, hogsend: Hogsend) -> None:
    enroll_sleepers(journeys, hogsend, "ada", "bo")

    outcome = hogsend("journeys", "plan")

    assert outcome.status == 0
    assert outcome.err == ""
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("sleeper")]
    assert line.split() == ["sleeper", "2", "2", "0", "0", "0", "0", "0"]


def test_code_that_makes_people_drift_fails_and_names_the_wait(
    journeys: Path, hogsend: Hogsend
) -> None:
    (enrollment_id,) = enroll_sleepers(journeys, hogsend, "ada")
    (journeys / "sleeper.py").write_text(SLEEPER_SOURCE.replace('"rest"', '"nap"'))

    outcome = hogsend("journeys", "plan")

    assert outcome.status == 1
    assert "1: the code no longer asks for sleep:rest" in outcome.out
    assert enrollment_id in outcome.out
    assert "1 enrollment would not continue" in outcome.err
    assert list_states(journeys) == ["waiting"]


def test_the_code_of_another_folder_is_tried(
    journeys: Path, tmp_path: Path, hogsend: Hogsend
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    other = tmp_path / "next"
    other.mkdir()
    (other / "sleeper.py").write_text(
        SLEEPER_SOURCE.replace(
            "    await ctx.sleep", '    await ctx.trigger("new")\n    await ctx.sleep'
        )
    )

    planned = hogsend("journeys", "plan", "--against", str(other), "--json")

    assert planned.status == 0
    (plan,) = planned.json["journeys"]
    assert (plan["moved"], plan["behind"]) == (1, {"trigger:new": 1})
    assert hogsend("journeys", "plan", "--json").json["journeys"][0]["identical"] == 1


def test_a_journey_that_the_folder_lacks_or_cannot_load_parks_its_people(
    journeys: Path, hogsend: Hogsend
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    (journeys / "sleeper.py").write_text("async def (")

    outcome = hogsend("journeys", "plan", "--json")

    assert outcome.status == 1
    assert outcome.json["journeys"][0]["parked"] == 1
    assert outcome.json["endangered"] == 1
    assert "sleeper.py:1" in outcome.json["broken"][0] and "sleeper.py:1" in outcome.err


def test_contacts_who_drifted_before_do_not_fail_the_plan(journeys: Path, hogsend: Hogsend) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    set_every_state(journeys, "drifted")
    (journeys / "sleeper.py").write_text(SLEEPER_SOURCE.replace('"rest"', '"nap"'))

    outcome = hogsend("journeys", "plan", "--json")

    assert (outcome.status, outcome.json["journeys"][0]["stuck"]) == (0, 1)


def test_a_plan_without_people_is_empty(journeys: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("journeys", "plan")

    assert (outcome.status, outcome.out) == (0, "No one is in a journey.\n")


def test_on_a_terminal_there_is_a_bar_and_the_table_stays_clean(
    journeys: Path, hogsend: Hogsend
) -> None:
    enroll_sleepers(journeys, hogsend, "ada", "bo")
    our_end, command_end = pty.openpty()
    command = [sys.executable, "-m", "hogsend", "journeys", "plan"]
    with subprocess.Popen(command, stderr=command_end, stdout=subprocess.PIPE) as process:
        os.close(command_end)
        terminal_output = b""
        try:
            while part := os.read(our_end, 4096):
                terminal_output += part
        except OSError:
            # The terminal's other end was closed.
            pass
        assert process.stdout is not None
        table = process.stdout.read()
    os.close(our_end)
    assert b"Replaying journals" in terminal_output and b"100%" in terminal_output
    assert b"sleeper" in table and b"Replaying" not in table
