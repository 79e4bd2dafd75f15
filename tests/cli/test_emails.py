"""`hogsend emails` lists, previews and tests templates."""

from __future__ import annotations

import email
import email.policy
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hogsend.domain.ids import new_id

from .conftest import Hogsend
from .sleeping_enrollments import enroll_sleepers, open_database


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


def test_check_and_preview_name_what_a_contact_with_only_an_address_lacks(
    journeys: Path, hogsend: Hogsend
) -> None:
    template = "---\nsubject: Hi\n---\n<p>{{ contact.properties.name }}</p>\n"
    (journeys / "emails" / "hello.html").write_text(template)

    checked, previewed = hogsend("journeys", "check"), hogsend("emails", "preview", "hello")

    place = "emails/hello.html:4: warning: The variable contact.properties.name is missing"
    assert place in checked.out and checked.status == 0
    assert place in previewed.err and "Ada Lovelace" in previewed.out
    assert hogsend("journeys", "check", "--strict").status == 1


def test_a_check_fails_with_errors_and_not_with_warnings_alone(
    journeys: Path, hogsend: Hogsend
) -> None:
    emails, foot = journeys / "emails", '<a href="{{ unsubscribe_url }}">Stop</a>\n'
    front = "---\nsubject: Hi\npreheader: Yes\n---\n"
    (emails / "hello.html").write_text(front + "<p>{{ contact.properties.name }}</p>\n" + foot)
    (emails / "hello.de.html").write_text('---\nsubject: Re: Hi\n---\n<p>\n<a href="/x">x</a></p>')

    warned = hogsend("emails", "check", "hello")
    assert "emails/hello.html:5: warning: The variable contact.properties.name" in warned.out
    assert "emails/hello.de.html:2: warning: The subject looks like a reply" in warned.out
    assert "emails/hello.de.html:5: error: A link is relative" in warned.out
    assert "2 errors, 2 warnings." in warned.out and warned.status == 1

    (emails / "hello.de.html").unlink()
    assert hogsend("emails", "check").status == 0
    (emails / "lost.html").write_text(front.replace("Yes", "Yes\nlist: nowhere") + foot)
    (emails / "bare.html").write_text(front + "<p>{{ props.missing }}</p>\n" + foot)
    outcome = hogsend("emails", "check", "--json")
    assert outcome.status == 1
    assert {(row["file"], row["line"], row["check"]) for row in outcome.json} == {
        ("emails/lost.html", 4, "file"),
        ("emails/bare.html", 5, "missing-value"),
        ("emails/bare.html", 0, "render"),
        ("emails/hello.html", 5, "missing-value"),
    }
    assert "There is no list" in hogsend("emails", "check", "lost").out
    assert hogsend("emails", "check", "nope").status == 1


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


def queue_email(journeys: Path, hogsend: Hogsend, status: str, reason: str | None = None) -> str:
    """Put an email of a journey's enrollment into the ledger; return its id."""
    enroll_sleepers(journeys, hogsend, "ada")
    send_id = new_id(datetime.now(UTC))
    with open_database(journeys) as database:
        database.execute(
            "UPDATE contacts SET email = 'ada@example.com' WHERE id IN "
            "(SELECT contact_id FROM enrollments)"
        )
        database.execute(
            "INSERT INTO sends (id, contact_id, template, list_id, props, status, reason, "
            "created_at, updated_at, attempts) SELECT ?, contact_id, 'hello', 'journey', '{}', ?, "
            "?, entered_at, entered_at, '[]' FROM enrollments",
            [send_id.bytes, status, reason],
        )
        database.commit()
    return str(send_id)


def test_blocked_emails_are_listed_with_the_reason_and_retried(
    journeys: Path, hogsend: Hogsend
) -> None:
    assert hogsend("emails", "blocked").out == "No emails are blocked.\n"
    reason = "template hello: variable props.plan is missing"
    send_id = queue_email(journeys, hogsend, "blocked", reason)

    assert hogsend("emails", "blocked", "--json").json == [
        {"template": "hello", "reason": reason, "mails": 1}
    ]
    assert reason in hogsend("emails", "blocked").out
    assert hogsend("emails", "retry").status == 2
    assert hogsend("emails", "retry", "--reason", "another").out == "Retrying 0 emails.\n"
    assert hogsend("emails", "retry", "--template", "hello").out == "Retrying 1 email.\n"
    assert hogsend("emails", "blocked", "--json").json == []
    refused = hogsend("emails", "retry", send_id)
    assert refused.status == 1 and "not blocked" in refused.err


def test_an_email_is_resent_and_the_new_one_is_cancelled(journeys: Path, hogsend: Hogsend) -> None:
    send_id = queue_email(journeys, hogsend, "sent")

    resent = hogsend("emails", "resend", send_id, "--json").json

    assert resent["originalId"] == send_id and resent["id"] != send_id
    assert hogsend("emails", "resend", send_id).status == 1
    assert hogsend("emails", "cancel", resent["id"]).out == "Cancelled.\n"
    assert hogsend("emails", "cancel", resent["id"]).status == 1


def test_a_resend_to_a_suppressed_address_names_the_reason(
    journeys: Path, hogsend: Hogsend
) -> None:
    send_id = queue_email(journeys, hogsend, "bounced")
    with open_database(journeys) as database:
        database.execute(
            "INSERT INTO suppressions (address, reason, at) VALUES (?, 'hard_bounce', 0)",
            ["ada@example.com"],
        )
        database.commit()

    outcome = hogsend("emails", "resend", send_id)

    assert outcome.status == 1 and "suppressed: hard bounce" in outcome.err


def test_an_email_is_sent_without_a_journey_and_can_be_cancelled(
    journeys: Path, hogsend: Hogsend
) -> None:
    command = ["emails", "send", "hello", "--to", "Bo@example.com", "--prop", "plan=pro"]
    command += ["--sensitive", "plan", "--idempotency-key", "k1"]

    assert "Queued for bo@example.com as" in hogsend(*command).out
    again = hogsend(*command, "--send-at", "2030-01-01T00:00Z", "--json").json
    assert (again["status"], again["conflict"]) == ("sent", True)
    assert hogsend("emails", "cancel", again["emailSendId"]).out == "Cancelled.\n"
    refused = hogsend("emails", "send", "hello")
    assert refused.status == 1 and "to or userId is required" in refused.err
    unknown = hogsend("emails", "send", "nope", "--to", "a@example.com")
    assert unknown.status == 1 and "Unknown template: nope" in unknown.err
    with open_database(journeys) as database:
        assert database.execute("SELECT COUNT(*) FROM sends").fetchone() == (1,)


def test_two_processes_with_one_key_send_one_email(journeys: Path, project: Path) -> None:
    command = [sys.executable, "-m", "hogsend", "emails", "send", "hello", "--to", "a@example.com"]
    command += ["--idempotency-key", "k1", "--json"]
    running = [subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE) for _ in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in running]

    assert len({answer["emailSendId"] for answer in answers}) == 1
    with open_database(journeys) as database:
        assert database.execute("SELECT COUNT(*) FROM sends").fetchone() == (1,)


def test_an_email_in_doubt_is_resolved(journeys: Path, hogsend: Hogsend) -> None:
    send_id = queue_email(journeys, hogsend, "in_doubt")

    assert hogsend("emails", "resolve", send_id).status == 2
    assert hogsend("emails", "resolve", send_id, "--sent").out == "Recorded as sent.\n"
    assert hogsend("emails", "resolve", send_id, "--not-sent").status == 1
