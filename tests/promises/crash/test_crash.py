"""SIGKILL at every named point and at random moments: nothing is lost, nothing is doubled."""

from __future__ import annotations

import ast
import random
import secrets
from pathlib import Path

import hogsend
from tests.promises.crash.campaign import Campaign
from tests.promises.crash.ground import open_ground
from tests.promises.crash.nursery import open_nursery
from tests.promises.crash.points import (
    ADDRESSED,
    ADDRESSING,
    ASKED,
    KINDS,
    MARKED,
    POURED,
    POURING,
    READ,
)
from tests.promises.crash.report import Report, keep

KILLS = 100
KILLS_WITH_INBOX = 45
APP = Path(hogsend.__file__).parent
# These never run in a process that plays and delivers, or only for a person at a screen.
ELSEWHERE = ("cli", "testing", "web", "store")
# What keeps several workers apart, and Hatchet's hints: none of it on SQLite's one worker, which
# these lives are of. `test_several_workers` and the engine's own promises kill those.
AMONG_SEVERAL = (
    "roster.",
    "engines.leases.",
    "engines.hatchet.",
    "delivery.mailer.Mailer._take",
)

# What a mail is, and how often it has arrived, when the process died at a point on its way.
ON_THE_WAY = {
    "turn: before COMMIT": ("sent", 1),
    "turn: after COMMIT": ("sent", 1),
    ADDRESSING: ("sent", 1),
    ADDRESSED: ("sent", 1),
    "mark: before COMMIT": ("sent", 1),
    "mark: after COMMIT": ("in_doubt", 0),
    MARKED: ("in_doubt", 0),
    ASKED: ("in_doubt", 0),
    POURING: ("in_doubt", 0),
    POURED: ("in_doubt", 1),
    READ: ("in_doubt", 1),
    "conclude: before COMMIT": ("in_doubt", 1),
    "conclude: after COMMIT": ("sent", 1),
}


async def test_killed_a_hundred_times_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    report = await Campaign(tmp_path, KILLS, seed=secrets.randbelow(1_000_000)).run()
    print(report.text())
    print(keep(report))

    assert report.faults == []
    assert report.kills == KILLS
    assert report.mails > KILLS
    assert report.in_doubt < report.mails


async def test_killed_with_the_local_inbox_no_mail_is_ever_in_doubt(tmp_path: Path) -> None:
    seed = secrets.randbelow(1_000_000)
    about = ("mark", "inbox", "conclude")
    campaign = Campaign(tmp_path, KILLS_WITH_INBOX, seed, over_smtp=False, about=about)
    report = await campaign.run()
    print(report.text())
    print(keep(report))

    assert report.faults == []
    assert report.by_point.keys() >= {"inbox: before COMMIT", "inbox: after COMMIT"}
    assert report.mails > report.in_doubt == 0


async def test_a_mail_is_in_doubt_only_from_its_mark_to_its_conclusion(
    tmp_path: Path, sqlite_template: Path
) -> None:
    found: dict[str, tuple[str, int]] = {}
    report = Report(seed=0)
    chance = random.Random(0)  # noqa: S311 - it is to be the same each time
    async with open_nursery(tmp_path / "log.txt") as nursery:
        for number, point in enumerate(ON_THE_WAY):
            folder = tmp_path / str(number)
            async with open_ground(folder, sqlite_template, nursery, report, chance) as ground:
                ground.product.tell_of("relays")
                await ground.begin(ground.life(point))
                await nursery.bury()
                await ground.product.deserted()
                ground.look()
                await ground.settle()
                ((_, _, _, status, _),) = ground.look().rows["sends"]
                found[point] = status, ground.post.arrived.total()

    assert found == ON_THE_WAY
    assert report.faults == []


def test_every_kind_of_transaction_of_a_worker_has_a_name() -> None:
    assert {one for one in opened() if not one.startswith(AMONG_SEVERAL)} == {*KINDS}


def opened() -> set[str]:
    """Return who opens a transaction, as `module.Class.function`."""
    found: set[str] = set()
    for file in APP.rglob("*.py"):
        parts = file.relative_to(APP).with_suffix("").parts
        if parts[0] in ELSEWHERE:
            continue
        for name, function in functions(ast.parse(file.read_text())):
            if any(isinstance(n, ast.Call) and opens(n) for n in ast.walk(function)):
                found.add(".".join((*parts, name)))
    return found


def functions(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """Return the functions of a file and the methods of its classes, by their names."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found: list[tuple[str, ast.AST]] = [(n.name, n) for n in tree.body if isinstance(n, kinds)]
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef):
            found += [(f"{owner.name}.{n.name}", n) for n in owner.body if isinstance(n, kinds)]
    return found


def opens(call: ast.Call) -> bool:
    """Say whether a call begins a transaction."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "transaction"
