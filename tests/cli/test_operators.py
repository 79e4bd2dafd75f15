"""`hogsend operators` manages who can sign in, with one-time links."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hogsend.store import operators
from hogsend.store.db import Database

from .conftest import Hogsend

LINK = re.compile(r"https://mail\.example\.com/sign-in/([A-Za-z0-9_-]{43})\n")


@pytest.fixture(autouse=True)
def public_address(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation has a public address."""
    monkeypatch.setenv("HOGSEND_BASE_URL", "https://mail.example.com")


def email_of_link(project: Path, token: str) -> str | None:
    """Return the address that a link is restricted to; fails when the link does not work."""

    async def find() -> str | None:
        database = Database(f"sqlite://{project}/data/hogsend.db")
        await database.open()
        link = await operators.find_link(database, token, datetime.now(UTC))
        await database.close()
        assert link is not None
        return link.email

    return asyncio.run(find())


def test_only_the_link_goes_to_standard_output(project: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("operators", "link")

    match = LINK.fullmatch(outcome.out)
    assert match is not None
    assert email_of_link(project, match[1]) is None


def test_an_operator_is_added_listed_and_reset(project: Path, hogsend: Hogsend) -> None:
    added = hogsend("operators", "add", "Ada@Example.com", "--role", "viewer")
    match = LINK.fullmatch(added.out)
    assert match is not None and email_of_link(project, match[1]) == "ada@example.com"

    (listed,) = hogsend("operators", "list", "--json").json
    assert (listed["email"], listed["role"], listed["hasPassword"]) == (
        "ada@example.com",
        "viewer",
        False,
    )

    again = hogsend("operators", "reset", "ada@example.com", "--json").json
    assert email_of_link(project, again["link"].rpartition("/")[2]) == "ada@example.com"


def test_adding_an_operator_twice_suggests_a_reset(project: Path, hogsend: Hogsend) -> None:
    hogsend("operators", "add", "ada@example.com")

    outcome = hogsend("operators", "add", "ada@example.com")

    assert outcome.status == 1 and "hogsend operators reset ada@example.com" in outcome.err


@pytest.mark.parametrize("arguments", [["add", "nobody"], ["reset", "eve@example.com"]])
def test_an_unusable_address_is_refused(
    project: Path, hogsend: Hogsend, arguments: list[str]
) -> None:
    assert hogsend("operators", *arguments).status == 1


def test_without_operators_the_next_step_is_shown(project: Path, hogsend: Hogsend) -> None:
    assert "hogsend operators link" in hogsend("operators", "list").out
