"""`hogsend dkim` creates keys, shows what to publish, and rotates keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Hogsend

PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"
# A key of RFC 8032 §7.1.
ED25519 = PEM.format("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g")


def test_keys_are_rotated(project: Path, hogsend: Hogsend) -> None:
    old = hogsend("dkim", "create", "Example.org", "--selector", "OLD", "--json").json
    new = hogsend("dkim", "create", "example.org", "--algorithm", "ed25519", "--json").json

    assert (old["selector"], old["status"], old["algorithm"]) == ("old", "new", "rsa")
    assert new["selector"].startswith("hs") and new["selector"].endswith("-ed25519")
    for key in (old, new):
        activated = hogsend("dkim", "activate", "example.org", key["selector"], "--skip-dns-check")
        assert activated.status == 0 and key["selector"] in activated.out
    assert hogsend("dkim", "retire", "example.org", "old").status == 0

    assert {key["selector"]: key["status"] for key in hogsend("dkim", "list", "--json").json} == {
        "old": "retired",
        new["selector"]: "active",
    }
    again = hogsend("dkim", "activate", "example.org", "old", "--skip-dns-check")
    assert again.status == 1 and "retired" in again.err


def test_records_are_ready_to_paste(project: Path, hogsend: Hogsend) -> None:
    created = hogsend("dkim", "create", "example.org", "--selector", "s1")
    record = hogsend("dkim", "show", "example.org", "s1", "--json").json[0]["record"]

    assert record["name"] == "s1._domainkey.example.org"
    assert record["value"].startswith("v=DKIM1; k=rsa; p=MII")
    assert "".join(record["strings"]) == record["value"]
    assert [len(text) for text in record["strings"][:-1]] == [255]
    assert record["zone"] in created.out and record["value"] in created.out
    assert "hogsend dkim activate example.org s1" in created.err
    assert hogsend("dkim", "show", "example.org").out == created.out


def test_private_keys_are_not_stored_readably(project: Path, hogsend: Hogsend) -> None:
    (project / "key.pem").write_text(ED25519)
    imported = hogsend("dkim", "create", "example.org", "--import", "key.pem", "--json").json

    assert imported["algorithm"] == "ed25519"
    assert imported["record"]["value"].endswith("p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database:
        ((stored, audit),) = database.execute(
            "SELECT private_key, (SELECT group_concat(after) FROM audit) FROM dkim_keys"
        ).fetchall()
    assert "PRIVATE" not in stored and "nWGxne" not in stored
    assert "11qYAYKx" in audit and "private" not in audit.lower()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("create", "not a domain"), "not a domain"),
        (("create", "localhost"), "not a domain"),
        (("create", "example.org", "--selector", "-x"), "not a selector"),
        (("create", "example.org", "--import", "bad.pem"), "not a private key"),
        (("activate", "example.org", "nope"), "hogsend dkim list"),
        (("retire", "example.org", "nope"), "hogsend dkim list"),
    ],
)
def test_what_cannot_be_a_key_is_refused(
    project: Path, hogsend: Hogsend, arguments: tuple[str, ...], problem: str
) -> None:
    (project / "bad.pem").write_text(PEM.format("AAAA"))

    outcome = hogsend("dkim", *arguments)

    assert outcome.status == 1 and problem in outcome.err


def test_a_selector_is_used_once(project: Path, hogsend: Hogsend) -> None:
    arguments = ("dkim", "create", "example.org", "--algorithm", "ed25519")
    first, second = hogsend(*arguments, "--json").json, hogsend(*arguments, "--json").json
    taken = hogsend(*arguments, "--selector", first["selector"])

    assert second["selector"] == f"{first['selector']}-2"
    assert taken.status == 1 and "already has a key" in taken.err
