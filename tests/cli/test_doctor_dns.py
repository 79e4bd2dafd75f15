"""`hogsend doctor` looks at the sender's domain as receiving servers do, when mail leaves."""

from __future__ import annotations

import time
from pathlib import Path

import dns.resolver
import pytest

from hogsend.cli.doctor import dns as checks
from hogsend.cli.doctor import machine
from tests.doubles.dns_server import Zone, dns_server

from .conftest import Hogsend

WELL: Zone = {
    ("news.example.com", "TXT"): ['"v=spf1 include:mail.example.net ~all"', '"other"'],
    ("s7._domainkey.news.example.com", "TXT"): ['"v=DKIM1; p=MIIB"'],
    ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=reject"'],
    ("news.example.com", "MX"): ["10 mx.example.com."],
}


@pytest.fixture(autouse=True)
def mail_that_leaves(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real provider sends for news.example.com."""
    monkeypatch.setenv("HOGSEND_BIND", "127.0.0.1:0")
    monkeypatch.setenv("HOGSEND_MAIL", "smtp://smtp.example.net:587")
    monkeypatch.setenv("HOGSEND_FROM", "News <hello@News.example.com>")
    monkeypatch.setenv("HOGSEND_BASE_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("HOGSEND_ALLOW_LOCAL_LINKS", "1")
    monkeypatch.setattr(machine, "_kept_right", lambda: True)


def found(hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, zone: Zone) -> dict[str, str]:
    """Return level and text of each part, when the DNS has this."""
    with dns_server(zone) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        listed = hogsend("doctor", "--json").json
    return {one["part"]: f"{one['level']}: {one['text']} {one['remedy']}" for one in listed}


def without(kind: str, name: str) -> Zone:
    return {key: value for key, value in WELL.items() if key != (name, kind)}


def test_a_domain_that_is_set_up_is_well(hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = found(hogsend, monkeypatch, WELL)

    assert parts["SPF"].startswith("ok: v=spf1 include:mail.example.net")
    assert parts["DKIM"].startswith("ok: Keys are published below _domainkey.news.example.com")
    assert parts["DMARC"].startswith("ok: _dmarc.example.com: v=DMARC1; p=reject")
    assert parts["return path"].startswith("ok: Bounces go to mx.example.com")


@pytest.mark.parametrize(
    ("part", "zone", "said"),
    [
        ("SPF", without("TXT", "news.example.com"), "warning: news.example.com does not say"),
        ("SPF", {**WELL, ("news.example.com", "TXT"): ['"v=spf1 -all"', '"v=spf1 ~all"']},
         "failure: news.example.com has 2 SPF records"),
        ("SPF", {**WELL, ("news.example.com", "TXT"): ['"v=spf1 +all"']},
         "warning: news.example.com lets every server"),
        ("DKIM", without("TXT", "s7._domainkey.news.example.com"), "warning: No key is published"),
        ("DMARC", without("TXT", "_dmarc.example.com"), "warning: news.example.com has no DMARC"),
        ("DMARC", {**WELL, ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1"']},
         "failure: _dmarc.example.com has 2 DMARC records"),
        ("return path", without("MX", "news.example.com"), "failure: Nobody takes mail"),
        ("return path", {**WELL, ("news.example.com", "MX"): ["0 ."]}, "failure: news.example.com"),
        ("return path", {**without("MX", "news.example.com"),
                         ("news.example.com", "A"): ["192.0.2.1"]},
         "ok: Bounces go to news.example.com"),
    ],
)  # fmt: skip
def test_what_receiving_servers_would_miss_is_named(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, part: str, zone: Zone, said: str
) -> None:
    assert found(hogsend, monkeypatch, zone)[part].startswith(said)


def test_without_a_network_it_warns_and_does_not_hang(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 0.5)
    began = time.monotonic()
    with dns_server({}, silent=True) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        outcome = hogsend("doctor")

    assert time.monotonic() - began < 5
    assert outcome.status == 0
    for part in ("SPF", "DKIM", "DMARC", "return path"):
        assert f"warning  {part:<15}  news.example.com could not be looked up" in outcome.out


@pytest.mark.parametrize("mail", ["inbox", "smtp://127.0.0.1:1025"])
def test_nothing_is_looked_up_while_no_mail_leaves(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, mail: str
) -> None:
    monkeypatch.setenv("HOGSEND_MAIL", mail)

    assert "SPF" not in found(hogsend, monkeypatch, {})


def test_a_public_address_at_which_nobody_answers_is_a_warning(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = found(hogsend, monkeypatch, WELL)["public address"]

    assert said.startswith("warning: https://127.0.0.1:1 does not answer")
