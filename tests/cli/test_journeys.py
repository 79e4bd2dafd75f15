"""`hogsend journeys` shows, checks, enables and disables journeys, and enrolls people."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hogsend.turns.folder_loader import load

from .conftest import Hogsend


def test_journeys_are_listed_before_there_is_a_database(
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

    assert (outcome.status, outcome.out) == (
        0,
        "Checked 1 journey and 1 mail template: no problems found.\n",
    )


def test_everything_broken_is_named_with_file_and_line(journeys: Path, hogsend: Hogsend) -> None:
    (journeys / "broken.py").write_text("x = 1\nraise ValueError('no')\n")
    (journeys / "emails" / "broken.html").write_text("no front matter")

    outcome = hogsend("journeys", "check")

    assert outcome.status == 1
    assert "broken.py:2" in outcome.out and "emails/broken.html" in outcome.out
    assert "2 problems in 2 files" in outcome.err
    named = {problem["file"] for problem in hogsend("journeys", "check", "--json").json}
    assert named == {"broken.py", "emails/broken.html"}


def test_code_that_is_not_deterministic_fails_the_check(journeys: Path, hogsend: Hogsend) -> None:
    text = (journeys / "welcome.py").read_text()
    (journeys / "welcome.py").write_text(f"import random\n{text}    random.random()\n")

    outcome = hogsend("journeys", "check")

    assert outcome.status == 1
    assert "welcome.py:9: error: `random.random` is random" in outcome.out
    assert "Use `await ctx.random()`" in outcome.out
    assert "1 problem in 1 file" in outcome.err


def test_a_warning_fails_only_a_strict_check(journeys: Path, hogsend: Hogsend) -> None:
    text = (journeys / "welcome.py").read_text().replace("import Contact", "import days, Contact")
    waits = "    await ctx.sleep(days(1))\n" * 2
    (journeys / "welcome.py").write_text(text + waits)

    outcome = hogsend("journeys", "check")

    assert (outcome.status, "welcome.py:9: warning: " in outcome.out) == (0, True)
    assert "no errors, 1 warning." in outcome.out
    assert hogsend("journeys", "check", "--strict").status == 1
    (finding,) = hogsend("journeys", "check", "--json").json
    assert (finding["file"], finding["line"], finding["severity"]) == ("welcome.py", 9, "warning")
    assert "label=" in finding["remedy"]


@pytest.mark.parametrize(
    ("line", "place", "remedy"),
    [
        ("await ctx.sleep(3)", "welcome.py:8: error: ", "minutes(…), hours(…) or days(…)"),
        ('await ctx.wait_for("a", timeout=60)', "welcome.py:8: error: ", "hours(…)"),
        ("await ctx.sleep_until(ctx.when.tomorrow())", "welcome.py:8: error: ", '.at("09:00")'),
        ("print(user.propertes)", "welcome.py:8: error: ", "Did you mean `properties`?"),
        (
            "import absent",
            "welcome.py:8: error: ",
            "pip install --target journeys/_packages absent",
        ),
        ("{{ contact.propertes or 1 }}", "emails/bye.html:4", "Did you mean contact.properties?"),
        (
            "{{ props.plan }}",
            "emails/bye.html:4: warning: ",
            "Add it to sample in the front matter",
        ),
    ],
)
def test_what_cannot_work_is_named_with_the_remedy(
    journeys: Path, hogsend: Hogsend, line: str, place: str, remedy: str
) -> None:
    if line.startswith("{{"):
        (journeys / "emails" / "bye.html").write_text(f"---\nsubject: Bye\n---\n{line}\n")
    else:
        with (journeys / "welcome.py").open("a") as file:
            file.write(f"    {line}\n")

    outcome = hogsend("journeys", "check", "--strict")

    assert outcome.status == 1
    (named,) = outcome.out.splitlines()
    assert place in named and remedy in named


def test_a_mail_with_a_broken_template_is_not_reported_as_missing_too(
    journeys: Path, hogsend: Hogsend
) -> None:
    (journeys / "emails" / "hello.html").write_text("no front matter")

    (finding,) = hogsend("journeys", "check", "--json").json

    assert finding["file"] == "emails/hello.html"


def test_a_journey_is_shown(journeys: Path, project: Path, hogsend: Hogsend) -> None:
    shown = hogsend("journeys", "show", "welcome")

    assert "Says hello." in shown.out and "welcome.py:" in shown.out
    assert hogsend("journeys", "show", "welcome", "--json").json["enabled"] is True
    assert hogsend("journeys", "show", "nope").status == 1
    assert shown.out.endswith("on user.created\n├ send hello\n└ completed\n")


LONG = """\
from hogsend import days, hours, journey, StepFailed

@journey(
    "long",
    trigger="go",
    goal="paid",
    holdout=10,
    time_zone="Europe/Berlin",
    send_window=("09:00", "18:00"),
)
async def long(user, ctx):
    for template in ("one", "two"):
        await ctx.send(template)
        await ctx.sleep(days(2), label="between")
    if not await ctx.wait_for("paid", timeout=days(30), label="payment"):
        try:
            await ctx.step("charge", user.charge)
        except StepFailed:
            await ctx.exit("no charge")
    match user.properties["plan"]:
        case "pro":
            await ctx.digest(hours(6), "viewed")
        case _:
            raise ValueError("no plan")
    await ctx.sleep_until(ctx.when.next("monday").at("09:00"))
"""
DRAWN = """\
on go
├ loop: for template in ('one', 'two')
│ ├ send template
│ └ sleep 2 days (between)                5 waiting
├ wait for paid, up to 30 days (payment)
├ paid received?
│ └ no
│   └ try
│     ├ succeeds
│     │ └ step charge
│     └ if StepFailed
│       └ exit: no charge
├ which: user.properties['plan']
│ ├ 'pro'
│ │ └ digest of viewed over 6 hours
│ └ otherwise
│   └ fail: ValueError('no plan')
├ sleep next monday at 09:00              1,200 waiting
└ completed

Waits that the graph does not show:
  sleep:yesterday  7 waiting
"""
PEOPLE = {
    "sleep:between": 2,
    "sleep:between#2": 3,
    "sleep:next monday at 09:00": 1200,
    "sleep:yesterday": 7,
}


def test_the_steps_are_drawn_with_the_people_who_wait_at_each(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    (journeys / "long.py").write_text(LONG)
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database, database:
        database.executemany(
            "INSERT INTO counters (name, day, value) VALUES (?, 0, ?)",
            [(f"waiting/long/{key}", count) for key, count in PEOPLE.items()],
        )

    shown = hogsend("journeys", "show", "long").out

    assert shown.endswith(DRAWN)
    for field in ("goal         paid", "holdout      10 %", "09:00 to 18:00", "Europe/Berlin"):
        assert field in shown
    data = hogsend("journeys", "show", "long", "--json").json
    assert data["waiting"] == PEOPLE
    loop, wait = data["graph"][:2]
    (way,) = loop["ways"]
    assert [(step["kind"], step["key"]) for step in way["steps"]] == [
        ("send", None),
        ("sleep", "sleep:between"),
    ]
    assert (way["steps"][1]["waiting"], way["steps"][1]["last"]) == (5, None)
    assert (wait["key"], wait["waiting"], wait["file"], wait["line"]) == (
        "wait:payment",
        0,
        "long.py",
        15,
    )


def test_a_person_is_enrolled_by_the_same_rules_as_an_event(
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


def test_enrolling_a_person_starts_no_other_journey(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    (journeys / "other.py").write_text(
        (journeys / "welcome.py").read_text().replace("welcome", "other")
    )

    hogsend("journeys", "enroll", "welcome", "--user-id", "1", "--prop", "plan=pro")

    people = {
        row["id"]: row["people"]["active"] for row in hogsend("journeys", "list", "--json").json
    }
    assert people == {"welcome": 1, "other": 0}


def test_a_disabled_journey_does_not_enroll(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    enroll = ["journeys", "enroll", "welcome", "--user-id", "1", "--prop", "plan=pro"]

    assert hogsend("journeys", "disable", "welcome").status == 0
    assert "disabled_by_operator" in hogsend(*enroll).err
    assert hogsend("journeys", "list", "--json").json[0]["enabled"] is False

    assert hogsend("journeys", "enable", "welcome").status == 0
    assert hogsend(*enroll).status == 0


def test_disabling_a_journey_is_in_the_audit_log(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    hogsend("journeys", "disable", "welcome")

    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database:
        rows = database.execute("SELECT who, action, subject FROM audit").fetchall()

    assert rows == [("cli", "disable", "/journeys/welcome")]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("true", True), ("null", None), ("pro", "pro"), ("007", "007"), ('"5"', "5"),
     ("NaN", "NaN"), ("a=b", "a=b"), ("", "")],
)  # fmt: skip
def test_a_property_that_is_json_is_read_as_json_and_any_other_as_text(
    journeys: Path, project: Path, hogsend: Hogsend, text: str, value: object
) -> None:
    properties = ["--prop", "plan=pro", "--prop", f"x={text}"]

    hogsend("journeys", "enroll", "welcome", "--user-id", "1", *properties)

    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database:
        ((stored,),) = database.execute("SELECT properties FROM events").fetchall()

    assert json.loads(stored)["x"] == value


MEASURED = """
from hogsend import journey

@journey("measured", trigger="go", goal="paid", holdout=10)
async def measured(user, ctx):
    await ctx.send("welcome")
    await ctx.variant("subject", {"plain": 1, "personal": 1})

@journey("aimless", trigger="go", holdout=10)
async def aimless(user, ctx):
    await ctx.send("welcome")
"""
RESULTS = """\
goal     paid
entered  1,840
reached  313, 17.0 % (15.4 to 18.8)

holdout
group     entered  reached  rate                   difference
held out  212      23       10.8 % (7.3 to 15.8)   control
entered   1,840    313      17.0 % (15.4 to 18.8)  +6.2 (+1.0 to +10.1): higher

variant subject
arm       entered  reached  rate  difference
plain     0        0              control
personal  0        0              not enough data yet

Differences are in percentage points, shown from 100 people in each group and 10 goals on.
"""


def test_the_results_of_a_journey_are_shown(
    journeys: Path, project: Path, hogsend: Hogsend
) -> None:
    (journeys / "measured.py").write_text(MEASURED)
    measured_as = load(journeys).journeys["measured"].measured_as
    figures = {"entered/entered": 1840, "entered/reached": 313}
    figures |= {"held_out/entered": 212, "held_out/reached": 23}
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database, database:
        database.executemany(
            "INSERT INTO counters (name, day, value) VALUES (?, 0, ?)",
            [(f"result/measured/{measured_as}/{name}", n) for name, n in figures.items()],
        )
    assert hogsend("journeys", "results", "measured").out == RESULTS
    data = hogsend("journeys", "results", "measured", "--json").json
    assert data["comparisons"][0]["groups"][1]["verdict"] == "higher"
    assert "has no goal" in hogsend("journeys", "results", "aimless").out
    unknown = hogsend("journeys", "results", "none")
    assert unknown.status == 1 and "hogsend journeys list" in unknown.err
