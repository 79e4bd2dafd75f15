"""`hogsend emails` lists, previews and tests templates."""

from __future__ import annotations

import email
import email.policy
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Hogsend


def test_templates_are_listed(journeys: Path, hogsend: Hogsend) -> None:
    (journeys / "emails" / "broken.html").write_text("no front matter")

    outcome = hogsend("emails", "list")

    assert "emails/hello.html" in outcome.out
    assert "broken.html" in outcome.err
    assert [row["key"] for row in hogsend("emails", "list", "--json").json] == ["hello"]


def test_a_preview_uses_the_sample(journeys: Path, hogsend: Hogsend) -> None:
    text = hogsend("emails", "preview", "hello").out
    assert text.startswith("Subject: Hello Grace\n\n")
    assert "Good to see you, Grace." in text

    assert "<p>Good to see you, Grace.</p>" in hogsend("emails", "preview", "hello", "--html").out
    source = hogsend("emails", "preview", "hello", "--source").out
    parsed = email.message_from_string(source, policy=email.policy.default)
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "arguments", [["preview", "nope"], ["test", "nope", "--to", "a@b.example"]]
)
def test_an_unknown_template_is_an_error(
    journeys: Path, hogsend: Hogsend, arguments: list[str]
) -> None:
    outcome = hogsend("emails", *arguments)

    assert outcome.status == 1 and "nope" in outcome.err


def test_a_missing_variable_is_named(journeys: Path, hogsend: Hogsend) -> None:
    (journeys / "emails" / "hello.html").write_text("---\nsubject: Hi\n---\n{{ props.plan }}\n")

    outcome = hogsend("emails", "preview", "hello")

    assert outcome.status == 1 and "props.plan" in outcome.err


def test_each_test_mail_reaches_the_inbox(journeys: Path, project: Path, hogsend: Hogsend) -> None:
    for _ in range(2):
        outcome = hogsend("emails", "test", "hello", "--to", "Grace@example.com")
        assert outcome.status == 0 and "grace@example.com" in outcome.out

    assert read_inbox(project) == ["Hello Grace", "Hello Grace"]


def test_test_mails_are_redirected_like_every_other(
    journeys: Path, project: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_TEST_TO", "me@example.com")

    outcome = hogsend("emails", "test", "hello", "--to", "grace@example.com")

    assert "to me@example.com" in outcome.out


def test_a_provider_without_a_sender_is_an_error(
    journeys: Path, project: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_MAIL", "smtp://mail.example.com:25")

    outcome = hogsend("emails", "test", "hello", "--to", "grace@example.com")

    assert outcome.status == 1 and "HOGSEND_FROM" in outcome.err


def read_inbox(project: Path) -> list[str]:
    """Return the subjects of the captured mails."""
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database:
        return [subject for (subject,) in database.execute("SELECT subject FROM inbox")]
