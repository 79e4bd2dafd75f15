"""`hogsend enrollments` lists stuck enrollments, and continues, restarts, ends or retries them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest

from .conftest import Hogsend
from .sleeping_enrollments import (
    SLEEPER_SOURCE,
    enroll_sleepers,
    list_states,
    open_database,
    set_every_state,
)


def test_stuck_enrollments_are_listed_with_the_reason(journeys: Path, hogsend: Hogsend) -> None:
    (enrollment_id,) = enroll_sleepers(journeys, hogsend, "ada")
    empty = hogsend("enrollments", "list", "--journey", "sleeper")
    assert (empty.status, empty.out) == (
        0,
        "No one in sleeper is stuck. Use --state to list other enrollments.\n",
    )
    set_every_state(journeys, "failed")

    listed = hogsend("enrollments", "list", "--journey", "sleeper")

    assert enrollment_id in listed.out and "KeyError: 'plan'" in listed.out
    (row,) = hogsend("enrollments", "list", "--journey", "sleeper", "--json").json
    assert (row["id"], row["state"], row["contact"]) == (enrollment_id, "failed", "ada")


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [
        ("continue", "drifted", ["active"]),
        ("restart", "drifted", ["exited", "active"]),
        ("exit", "drifted", ["exited"]),
        ("retry", "failed", ["waiting"]),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_stuck_enrollments_are_helped_by_id_or_by_journey(
    journeys: Path,
    hogsend: Hogsend,
    *,
    command: str,
    before: Literal["drifted", "failed"],
    after: list[str],
    together: bool,
) -> None:
    (enrollment_id,) = enroll_sleepers(journeys, hogsend, "ada")
    set_every_state(journeys, before)

    selection = ["--journey", "sleeper", "--yes"] if together else [enrollment_id]
    outcome = hogsend("enrollments", command, *selection)

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith(" 1 enrollment.\n")
    assert list_states(journeys) == after
    with open_database(journeys) as database:
        (line,) = database.execute(
            "SELECT who, action FROM audit WHERE action <> 'enroll'"
        ).fetchall()
    assert line == ("cli", f"{command} all" if together else command)


@pytest.mark.parametrize("state", ["failed", "retrying"])
def test_a_journeys_failures_are_counted_and_retried_by_error_and_time(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    first, second = enroll_sleepers(journeys, hogsend, "ada", "bo")
    set_every_state(journeys, "failed")
    with open_database(journeys) as database:
        if state == "retrying":
            database.execute("UPDATE enrollments SET state = 'active', attempt = 1")
        database.execute(
            "UPDATE enrollments SET error = 'TypeError: x' WHERE id = ?", [UUID(second).bytes]
        )
        database.commit()
    command = ("enrollments", "retry", "--journey", "sleeper", "--state", state)

    listed = hogsend("enrollments", "list", "--journey", "sleeper", "--state", state,
                     "--error", "TypeError", "--json").json  # fmt: skip
    assert [row["id"] for row in listed] == [second]
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    question = hogsend(*command, "--error", "TypeError")
    assert question.status == 130
    assert f"Retry 1 {state} enrollment in sleeper?" in question.err
    nobody = hogsend(*command, "--error", "nothing", "--yes")
    assert "like that" in nobody.out and nobody.status == 0
    assert hogsend(*command, "--error", "KeyError", "--yes", "--json").json == {"people": 1}
    assert hogsend(*command, "--yes").out == "Retried 1 enrollment.\n"
    assert first and hogsend(*command, "--yes", "--json").json == {"people": 0}


def test_a_retry_in_a_journey_that_is_broken_is_refused_before_anything_is_asked(
    journeys: Path, hogsend: Hogsend
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    set_every_state(journeys, "failed")
    # Records the journey, as a server that loads it does.
    assert hogsend("journeys", "enable", "sleeper").status == 0
    (journeys / "sleeper.py").write_text("async def (")
    for state in ("failed", "retrying"):
        outcome = hogsend("enrollments", "retry", "--journey", "sleeper", "--state", state)
        assert (outcome.status, outcome.out) == (1, "")
        assert "The code of sleeper is gone or broken." in outcome.err


@pytest.mark.parametrize("stdin", [None, ""], ids=["closed", "empty"])
@pytest.mark.parametrize("command", ["retry", "exit"])
def test_a_command_that_nobody_can_confirm_says_how_to_confirm_it(
    journeys: Path,
    hogsend: Hogsend,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    stdin: str | None,
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    state: Literal["failed", "drifted"] = "failed" if command == "retry" else "drifted"
    set_every_state(journeys, state)
    monkeypatch.setattr("sys.stdin", None if stdin is None else io.StringIO(stdin))
    outcome = hogsend("enrollments", command, "--journey", "sleeper")
    assert outcome.status == 1 and "Repeat it with `--yes`." in outcome.err
    assert list_states(journeys) == [state]


@pytest.mark.parametrize(
    "options",
    [("--error", ""), ("--since", "yesterday"), ("--since", "-2h"), ("--since", "nanh")],
)
def test_a_retry_with_a_filter_that_is_not_valid_retries_nobody(
    journeys: Path, hogsend: Hogsend, options: tuple[str, str]
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    set_every_state(journeys, "failed")
    outcome = hogsend("enrollments", "retry", "--journey", "sleeper", "--yes", *options)
    assert outcome.status == 2
    assert list_states(journeys) == ["failed"]


def test_failures_are_retried_since_a_time(journeys: Path, hogsend: Hogsend) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    set_every_state(journeys, "failed")
    command = ("enrollments", "retry", "--journey", "sleeper", "--yes", "--json", "--since")
    assert hogsend(*command, "2999-01-01T00:00Z").json == {"people": 0}
    assert hogsend(*command, "2h").json == {"people": 1}


def test_an_enrollment_whose_state_does_not_allow_the_action_is_skipped(
    journeys: Path, hogsend: Hogsend
) -> None:
    (enrollment_id,) = enroll_sleepers(journeys, hogsend, "ada")

    outcome = hogsend("enrollments", "retry", enrollment_id)

    assert outcome.status == 1
    assert "this one is waiting" in outcome.err
    assert list_states(journeys) == ["waiting"]


@pytest.mark.parametrize("command", ["list", "continue", "restart", "exit", "retry", "replay"])
def test_a_mistyped_journey_is_refused(journeys: Path, hogsend: Hogsend, command: str) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    outcome = hogsend("enrollments", command, "--journey", "sleper")
    assert (outcome.status, outcome.out) == (1, "")
    assert "There is no journey 'sleper'." in outcome.err
    assert "`hogsend journeys list`" in outcome.err


def test_people_of_a_journey_whose_file_is_gone_are_listed(
    journeys: Path, hogsend: Hogsend
) -> None:
    (enrollment_id,) = enroll_sleepers(journeys, hogsend, "ada")
    (journeys / "sleeper.py").unlink()
    listed = hogsend("enrollments", "list", "--journey", "sleeper", "--state", "waiting")
    assert (listed.status, listed.out.count(enrollment_id)) == (0, 1)
    stuck = hogsend("enrollments", "list", "--journey", "sleeper")
    assert (stuck.status, stuck.err) == (0, "")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("continue", "Nothing to continue: no one in sleeper has drifted."),
        ("exit", "Nothing to exit: no one in sleeper has drifted."),
        ("retry", "Nothing to retry: no one in sleeper has failed."),
        ("replay", "Nothing to replay: sleeper has missed no trigger."),
    ],
)
def test_a_command_with_nothing_to_do_asks_nothing(
    journeys: Path, hogsend: Hogsend, command: str, sentence: str
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    outcome = hogsend("enrollments", command, "--journey", "sleeper")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"{sentence}\n", "")
    as_json = hogsend("enrollments", command, "--journey", "sleeper", "--json")
    assert (as_json.status, as_json.json) == (0, {"people": 0})


def test_a_command_needs_either_ids_or_a_journey(journeys: Path, hogsend: Hogsend) -> None:
    assert hogsend("enrollments", "retry").status == 2
    assert hogsend("enrollments", "retry", "--journey", "sleeper", "0" * 32).status == 2


def test_triggers_that_a_broken_journey_missed_are_replayed(
    journeys: Path, hogsend: Hogsend
) -> None:
    enroll_sleepers(journeys, hogsend, "ada")
    with open_database(journeys) as database:
        database.execute("UPDATE enrollments SET state = 'exited', wait_key = NULL, ended_at = 1")
        database.execute(
            "INSERT INTO refusals (id, journey_id, reason, contact_id, event_id, at) "
            "SELECT id, 'sleeper', 'journey_broken', contact_id, id, received_at FROM events"
        )
        database.commit()
    (journeys / "sleeper.py").write_text(
        SLEEPER_SOURCE.replace(
            'trigger="user.created"', 'trigger="user.created", entry="unlimited"'
        )
    )

    outcome = hogsend("enrollments", "replay", "--journey", "sleeper", "--yes", "--json")

    assert (outcome.status, outcome.json) == (0, {"people": 1})
    assert list_states(journeys) == ["exited", "active"]
