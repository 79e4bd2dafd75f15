"""`hogsend doctor` checks the sender's domain as receiving servers do, when mail is sent."""

from __future__ import annotations

import time
from pathlib import Path

import dns.resolver
import pytest

from hogsend.cli.doctor import dns as checks
from hogsend.cli.doctor import machine
from tests.doubles.dns_server import Zone, dns_server

from .conftest import Hogsend

COMPLETE: Zone = {
    ("news.example.com", "TXT"): ['"v=spf1 include:mail.example.net ~all"', '"other"'],
    ("s7._domainkey.news.example.com", "TXT"): ['"v=DKIM1; p=MIIB"'],
    ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=reject"'],
    ("news.example.com", "MX"): ["10 mx.example.com."],
}


@pytest.fixture(autouse=True)
def real_provider(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real provider sends for news.example.com."""
    monkeypatch.setenv("HOGSEND_BIND", "127.0.0.1:0")
    monkeypatch.setenv("HOGSEND_MAIL", "smtp://smtp.example.net:587")
    monkeypatch.setenv("HOGSEND_FROM", "News <hello@News.example.com>")
    monkeypatch.setenv("HOGSEND_BASE_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("HOGSEND_ALLOW_LOCAL_LINKS", "1")
    monkeypatch.setattr(machine, "_is_synchronised", lambda: True)


def check(hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, zone: Zone) -> dict[str, str]:
    """Return level and text of each part for a DNS zone."""
    with dns_server(zone) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        results = hogsend("doctor", "--json").json
    return {row["part"]: f"{row['level']}: {row['text']} {row['remedy']}" for row in results}


def without(kind: str, name: str) -> Zone:
    return {key: value for key, value in COMPLETE.items() if key != (name, kind)}


def test_a_complete_domain_passes(hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = check(hogsend, monkeypatch, COMPLETE)

    assert parts["SPF"].startswith("ok: v=spf1 include:mail.example.net")
    assert parts["DKIM"].startswith("ok: Keys are published below _domainkey.news.example.com")
    assert parts["DMARC"].startswith("ok: _dmarc.example.com: v=DMARC1; p=reject")
    assert parts["return path"].startswith("ok: Bounces go to mx.example.com")


@pytest.mark.parametrize(
    ("part", "zone", "text"),
    [
        ("SPF", without("TXT", "news.example.com"), "warning: news.example.com does not say"),
        ("SPF", {**COMPLETE, ("news.example.com", "TXT"): ['"v=spf1 -all"', '"v=spf1 ~all"']},
         "failure: news.example.com has 2 SPF records"),
        ("SPF", {**COMPLETE, ("news.example.com", "TXT"): ['"v=spf1 +all"']},
         "warning: news.example.com lets every server"),
        ("DKIM", without("TXT", "s7._domainkey.news.example.com"), "warning: No key is published"),
        ("DMARC", without("TXT", "_dmarc.example.com"), "warning: news.example.com has no DMARC"),
        ("DMARC", {**COMPLETE, ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1"']},
         "failure: _dmarc.example.com has 2 DMARC records"),
        ("return path", without("MX", "news.example.com"), "failure: No server accepts mail"),
        ("return path", {**COMPLETE, ("news.example.com", "MX"): ["0 ."]},
         "failure: news.example.com"),
        ("return path", {**without("MX", "news.example.com"),
                         ("news.example.com", "A"): ["192.0.2.1"]},
         "ok: Bounces go to news.example.com"),
    ],
)  # fmt: skip
def test_a_missing_or_ambiguous_record_is_named(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, part: str, zone: Zone, text: str
) -> None:
    assert check(hogsend, monkeypatch, zone)[part].startswith(text)


def test_without_a_network_the_checks_warn_and_do_not_hang(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "TIMEOUT", 0.5)
    started_at = time.monotonic()
    with dns_server({}, silent=True) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        outcome = hogsend("doctor")

    assert time.monotonic() - started_at < 20
    assert outcome.status == 0
    for part in ("SPF", "DKIM", "DMARC", "return path"):
        assert f"warning  {part:<15}  news.example.com could not be looked up" in outcome.out


@pytest.mark.parametrize("mail", ["inbox", "smtp://127.0.0.1:1025"])
def test_nothing_is_looked_up_while_mail_stays_local(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch, mail: str
) -> None:
    monkeypatch.setenv("HOGSEND_MAIL", mail)

    assert "SPF" not in check(hogsend, monkeypatch, {})


def test_a_public_address_that_does_not_answer_is_a_warning(
    hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = check(hogsend, monkeypatch, COMPLETE)["public address"]

    assert text.startswith("warning: https://127.0.0.1:1 does not answer")
