"""From a send to the finished mail, read back as a mail client would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hogsend.delivery.message import Message
from hogsend.delivery.render import Renderer, RenderFailed
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import ClickToken, RecipientToken, Tokens
from hogsend.domain.contact import Contact
from hogsend.domain.event import Event
from hogsend.domain.header_text import to_header_line
from hogsend.domain.journey import MailList
from hogsend.domain.send_policy import Send

NOW = datetime(2026, 5, 14, 9, 30, 15, 250_000, tzinfo=UTC)
ADA = Contact(UUID(int=1), user_id="u1", email="ada@example.com", properties={"name": "Ada"})
MAIL = UUID("01900000-0000-7000-8000-0000000000e1")
BASE = "https://mail.example.net"
TOKENS = Tokens(["a secret"])
LISTS = {
    "tips": MailList("tips", "Tips & ideas"),
    "billing": MailList("billing", "Billing", transactional=True),
}
HTML = (
    "<!doctype html><html><head><style>p { color: red } @media (max-width: 9px) { p { top: 0 } }"
    "</style></head><body><p>Hi {{ contact.properties.name }}</p>"
    '<a href="https://example.com/?a=1&amp;b=2">go</a> <a href="{{ unsubscribe_url }}">leave</a> '
    '<a href="{{ view_url }}">view</a></body></html>'
)


def create_renderer(
    folder: Path,
    html: str = HTML,
    front: str = "subject: Hello",
    lists: Mapping[str, MailList] = LISTS,
    **options: Any,
) -> Renderer:
    (folder / "emails").mkdir(exist_ok=True)
    (folder / "emails" / "hello.html").write_text(f"---\n{front}\n---\n{html}", "utf-8")
    templates = Templates.load(folder, lists)
    assert templates.broken == ()
    options = {"base_url": BASE, "sender": "Acme <post@example.com>"} | options
    return Renderer(templates, lists, TOKENS, **options)


@pytest.fixture(scope="session")
def hostile_renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """Renders a mail with a person's name in each header that can have one."""
    front = (
        "subject: Hello {{ contact.properties.name }}!\n"
        "from: {{ contact.properties.name }} <a@example.com>\n"
        "reply_to: {{ contact.properties.name }} <b@example.com>"
    )
    return create_renderer(tmp_path_factory.mktemp("hostile"), "<p>Hello</p>", front)


def make_send(list_id: str = "tips", **fields: Any) -> Send:
    return Send(
        id=MAIL,
        contact_id=ADA.id,
        template="hello",
        list_id=list_id,
        status="queued",
        created_at=NOW,
        journey_id="welcome",
        **fields,
    )


def render(renderer: Renderer, send: Send | None = None, contact: Contact = ADA) -> Message:
    return renderer.render(send or make_send(), contact, Event(UUID(int=2), "user.created"), NOW)


def read(mail: Message) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(mail.mime_bytes)
    assert isinstance(message, EmailMessage)
    assert all(not part.defects for part in message.walk())
    return message


def get_parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def test_a_mail_client_reads_the_intended_mail(tmp_path: Path):
    mail = render(create_renderer(tmp_path))
    message = read(mail)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["From"] == "Acme <post@example.com>"
    assert message["To"] == mail.to[0].email == "ada@example.com"
    assert message["Subject"] == mail.subject == "Hello"
    assert message["Date"] == "Thu, 14 May 2026 09:30:15 +0000"
    assert message["Message-ID"] == mail.message_id == f"<{MAIL}@example.com>"
    assert message["MIME-Version"] == "1.0"
    text, html = get_parts(message)
    assert text.splitlines() == mail.text.splitlines()
    assert html.splitlines() == mail.html.splitlines()
    assert mail.from_.email == "post@example.com"


def test_a_send_always_gives_the_same_bytes(tmp_path: Path):
    mail_renderer = create_renderer(tmp_path)
    assert render(mail_renderer).mime_bytes == render(mail_renderer).mime_bytes


def test_styles_are_inlined_and_media_queries_stay(tmp_path: Path):
    html = render(create_renderer(tmp_path)).html
    assert '<p style="color: red;">Hi Ada</p>' in html
    assert "@media (max-width: 9px)" in html


def test_links_are_tracked_and_our_own_are_not(tmp_path: Path):
    mail = render(create_renderer(tmp_path))
    assert mail.links == ["https://example.com/?a=1&b=2"]
    (click,) = re.findall(rf'href="{BASE}/c/([^"]+)"', mail.html)
    assert TOKENS.read_click(click) == ClickToken(MAIL, 0, "https://example.com/?a=1&b=2")
    (unsubscribe,) = re.findall(rf'href="{BASE}/u/([^"]+)"', mail.html)
    assert TOKENS.read_unsubscribe(unsubscribe) == RecipientToken(ADA.id, "tips", MAIL)
    (view,) = re.findall(rf'href="{BASE}/m/([^"]+)"', mail.html)
    assert TOKENS.read_view(view) == MAIL


def test_the_open_pixel_is_the_last_thing_of_the_body(tmp_path: Path):
    html = render(create_renderer(tmp_path)).html
    (token,) = re.findall(rf'<img src="{BASE}/o/([^"]+)\.gif"[^>]*></body>', html)
    assert TOKENS.read_open(token) == MAIL


def test_the_plain_part_has_the_links_as_they_were(tmp_path: Path):
    mail = render(create_renderer(tmp_path))
    assert mail.text.startswith("Hi Ada\n")
    assert "go (https://example.com/?a=1&b=2)" in mail.text


def test_a_text_file_replaces_the_plain_part(tmp_path: Path):
    (tmp_path / "emails").mkdir()
    (tmp_path / "emails" / "hello.txt").write_text("Dear {{ contact.properties.name }}\n")
    assert render(create_renderer(tmp_path)).text == "Dear Ada\n"


def test_list_mail_can_be_left_with_one_click(tmp_path: Path):
    message = read(render(create_renderer(tmp_path)))
    url = message["List-Unsubscribe"].removeprefix("<").removesuffix(">")
    recipient = TOKENS.read_unsubscribe(url.removeprefix(f"{BASE}/u/"))
    assert recipient == RecipientToken(ADA.id, "tips", MAIL)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == '"Tips & ideas" <tips.mail.example.net>'.replace('"', "")
    assert message["Feedback-ID"] == "hello:welcome:tips:hogsend"
    assert message["Precedence"] == "bulk"


def test_transactional_mail_has_no_list_headers_and_offers_preferences(tmp_path: Path):
    mail = render(create_renderer(tmp_path), make_send("billing"))
    message = read(mail)
    for name in (
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Id",
        "Feedback-ID",
        "Precedence",
    ):
        assert message[name] is None
    assert f'href="{BASE}/u/' not in mail.html
    assert f'href="{BASE}/p/' in mail.html


@pytest.mark.parametrize(
    "subject",
    [
        "Grüße aus Köln",
        "👩‍👩‍👧‍👦 " * 30,
        "=?utf-8?Q?no?=",
        "a" * 950,
        "Short: “quoted” — dashed",
    ],
)
def test_any_subject_arrives_as_it_was_written(tmp_path: Path, subject: str):
    mail = render(create_renderer(tmp_path), make_send(subject=subject.strip()))
    assert read(mail)["Subject"] == mail.subject == subject.strip()


def test_a_journeys_subject_is_taken_literally(tmp_path: Path):
    assert render(create_renderer(tmp_path), make_send(subject="{{ 1 }}")).subject == "{{ 1 }}"


def test_sender_and_reply_address_of_a_template(tmp_path: Path):
    front = 'subject: x\nfrom: "Müller, Ada" <ada@müller.test>\nreply_to: Help <help@example.com>'
    mail = render(create_renderer(tmp_path, front=front))
    sender = read(mail)["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Müller, Ada", "ada@xn--mller-kva.test")
    assert mail.from_.email == "ada@xn--mller-kva.test"
    assert read(mail)["Reply-To"] == "Help <help@example.com>"


def test_a_name_with_a_comma_is_one_sender(tmp_path: Path):
    message = read(render(create_renderer(tmp_path, sender='"Acme, Inc. \\"A\\"" <a@example.com>')))
    assert [address.display_name for address in message["From"].addresses] == ['Acme, Inc. "A"']


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada\tB", "Ada B"),
        ("Ada\r\nBcc: eve@example.com", "Ada Bcc: eve@example.com"),
        ("Ada\nx", "Ada x"),
        ("Ada\u2028B", "Ada B"),
        ("Ada\x85B", "Ada B"),
        ("ä\r\nBcc: e@e", "ä Bcc: e@e"),
        ("Ada\r\n\r\n<p>body</p>", "Ada <p>body</p>"),
        ("a\0b\x07", "ab"),
    ],
)
def test_white_space_in_a_value_leaves_one_space_in_the_header(
    tmp_path: Path, name: str, shown: str
):
    contact = Contact(ADA.id, email="ada@example.com", properties={"name": name})
    front = "subject: Hello {{ contact.properties.name }}!"

    mail = render(create_renderer(tmp_path, front=front), contact=contact)

    assert mail.subject == read(mail)["Subject"] == f"Hello {shown}!"


def test_white_space_in_names_and_in_a_journeys_subject_leaves_one_space(tmp_path: Path):
    contact = Contact(ADA.id, email="ada@example.com", properties={"name": "Ada\r\n\tB"})
    front = (
        "subject: x\nfrom: {{ contact.properties.name }} <a@example.com>\n"
        "reply_to: {{ contact.properties.name }} <b@example.com>"
    )
    lists = {"tips": MailList("tips", "Tips\tand\u2028ideas")}

    mail = render(
        create_renderer(tmp_path, front=front, lists=lists),
        make_send(subject=" Hi\r\nBcc: eve@example.com\u2029"),
        contact=contact,
    )

    message = read(mail)
    assert message["Subject"] == "Hi Bcc: eve@example.com"
    assert message["From"] == "Ada B <a@example.com>"
    assert message["Reply-To"] == "Ada B <b@example.com>"
    assert message["List-Id"] == f"Tips and ideas <tips.{BASE.removeprefix('https://')}>"
    assert message["Bcc"] is None


@given(st.text(st.characters(codec="utf-8"), max_size=40))
@example("\r\nBcc: eve@example.com")
@example("\r\n\r\n<p>x</p>")
@example("?=\r\nBcc: eve@example.com\r\n =?utf-8?Q?")
@settings(max_examples=200, deadline=None)
def test_no_value_can_add_anything_to_the_headers(hostile_renderer: Renderer, value: str):
    contact = Contact(ADA.id, email="ada@example.com", properties={"name": value})
    try:
        mail = render(hostile_renderer, contact=contact)
    except RenderFailed as failed:  # an address that the value has broken
        assert "must be an email address" in failed.reason
        return

    message = read(mail)
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Content-Type", "MIME-Version"]
        + [name for name, _ in mail.headers]
    )
    assert message["To"] == "ada@example.com"
    assert [address.addr_spec for address in message["From"].addresses] == ["a@example.com"]
    assert [address.addr_spec for address in message["Reply-To"].addresses] == ["b@example.com"]
    assert message["Subject"] == to_header_line(f"Hello {value}!")
    assert message["Bcc"] is None and message["Cc"] is None


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@example.com\r\nx", "a@b@c", "<a@b.c>", "a b@c.d"]
)
def test_an_address_that_no_envelope_carries_fails_the_send(tmp_path: Path, email: str):
    with pytest.raises(RenderFailed, match="email address is not valid"):
        render(create_renderer(tmp_path), contact=Contact(ADA.id, email=email))


def test_in_test_mode_every_mail_goes_to_the_test_address(tmp_path: Path):
    mail = render(create_renderer(tmp_path, test_to="Me <me@example.org>"))
    message = read(mail)
    assert message["To"] == mail.to[0].email == "me@example.org"
    assert message["Subject"] == mail.subject == "[test to ada@example.com] Hello"


def test_long_lines_and_odd_characters_arrive_unharmed(tmp_path: Path):
    line = "wörd " * 400 + "\u2028 =20 . \t end \t"
    html = f"<p>{line}</p>\n.\n..dots\rFrom me\n"
    mail = render(create_renderer(tmp_path, html=html))
    _, _, body = mail.mime_bytes.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert max(map(len, mail.mime_bytes.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.mime_bytes.replace(b"\r\n", b"")
    assert b"\r" not in mail.mime_bytes.replace(b"\r\n", b"")
    assert mail.mime_bytes.isascii()
    read_html = get_parts(read(mail))[1]
    assert read_html.replace("\r\n", "\n").rstrip("\n") == mail.html.replace("\r", "\n").rstrip(
        "\n"
    )


def test_a_missing_variable_fails_the_send_and_is_named(tmp_path: Path):
    with pytest.raises(RenderFailed) as failed:
        render(create_renderer(tmp_path, html="{{ props.x }}"))
    assert failed.value.reason == "template hello: variable props.x is missing"


def test_unknown_templates_and_lists_fail_the_send(tmp_path: Path):
    mail_renderer = create_renderer(tmp_path)
    with pytest.raises(RenderFailed, match="there is no list gone"):
        render(mail_renderer, make_send("gone"))
    other = Send(MAIL, ADA.id, "other", "tips", "queued", NOW)
    with pytest.raises(RenderFailed, match="there is no template other"):
        mail_renderer.render(other, ADA, None, NOW)


def test_nothing_is_fetched_for_a_style_sheet(tmp_path: Path):
    page = '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><p>x</p>'
    assert "<p>x</p>" in render(create_renderer(tmp_path, html=page)).html


def test_a_preview_shows_the_sample(tmp_path: Path):
    front = 'subject: {{ props.plan }}\nsample: {"plan": "Pro"}\nlist: billing'
    mail = create_renderer(tmp_path, front=front).preview("hello", NOW)
    assert mail.subject == "Pro"
    assert "Hi Ada" in mail.text


@pytest.mark.parametrize(
    ("front", "properties", "options", "is_tracked"),
    [
        ("", {}, {}, True),
        ("track: false", {}, {}, False),
        ("track: on", {"tracking": True}, {}, True),
        ("", {"tracking": False}, {}, False),
        ("", {"tracking": "off"}, {}, False),
        ("", {}, {"is_tracking": False}, False),
        ("", {}, {"lists": {"tips": MailList("tips", "Tips", track=False)}}, False),
    ],
)
def test_tracking_can_be_switched_off_at_each_level(
    tmp_path: Path,
    front: str,
    properties: dict[str, Any],
    options: dict[str, Any],
    is_tracked: bool,
):
    renderer = create_renderer(tmp_path, front=f"subject: Hello\n{front}", **options)
    contact = replace(ADA, properties={"name": "Ada", **properties})
    for _ in range(3):
        mail = renderer.render(make_send(), contact, None, NOW)
        assert (f"{BASE}/c/" in mail.html) == (f"{BASE}/o/" in mail.html) == is_tracked
        assert ("https://example.com/?a=1&amp;b=2" in mail.html) != is_tracked
        assert f"{BASE}/u/" in mail.html
