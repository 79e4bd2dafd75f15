"""The shipped journeys and mails: complete, and working with the least that an event gives."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.delivery.render import Renderer
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import Tokens
from hogsend.domain.contact import Contact
from hogsend.domain.event import Event
from hogsend.domain.send_policy import Send
from hogsend.turns.folder_loader import load

FOLDER = Path(__file__).parents[2] / "journeys"
REGISTRY = load(FOLDER)
TEMPLATES = Templates.load(FOLDER, REGISTRY.lists)
KEYS = TEMPLATES.keys()
RENDERER = Renderer(
    TEMPLATES,
    REGISTRY.lists,
    Tokens(["a secret"]),
    base_url="https://mail.example.net",
    sender="Acme <post@example.com>",
)
NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
# What a journey always gives, whatever the event says.
PROPS = {
    "trial-progress": {"uses": 0},
    "trial-ending": {"ends_on": "Thursday, 14 May"},
    "feedback-thanks": {"happy": False},
}


def test_every_example_template_is_valid():
    assert TEMPLATES.broken == ()
    assert tuple(REGISTRY.broken) == ()
    assert sorted(REGISTRY.journeys) == [
        "activation-welcome",
        "feedback",
        "payment-recovery",
        "trial-conversion",
        "win-back",
    ]


def test_every_mail_is_sent_by_a_journey_on_the_same_list():
    sent: dict[str, str] = {}
    for journey in REGISTRY.journeys.values():
        for key in re.findall(r'ctx\.send\(\s*"([^"]+)"', journey.source):
            sent[key] = journey.list_id
    assert sent == {key: TEMPLATES.get(key).list_id for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
def test_a_mail_needs_nothing_but_an_address(key: str):
    template = TEMPLATES.get(key)
    send = Send(
        id=UUID(int=1),
        contact_id=UUID(int=2),
        template=key,
        list_id=template.list_id or "journey",
        status="queued",
        created_at=NOW,
        props=PROPS.get(key, {}),
    )
    contact = Contact(UUID(int=2), email="ada@example.com")
    mail = RENDERER.render(send, contact, Event(UUID(int=3), "x"), NOW)
    assert "None" not in mail.text
    assert re.search(r"\bthere\b", mail.text), "the greeting falls back"
    assert len(mail.subject) <= 60
    assert len(mail.mime_bytes) < 40_000
    assert ("Unsubscribe" in mail.text) == (not REGISTRY.lists[send.list_id].transactional)


@pytest.mark.parametrize(
    ("properties", "greeting"),
    [
        ({"firstName": "Ada"}, "Ada"),
        ({"first_name": "Ada", "firstName": ""}, "Ada"),
        ({"name": "Ada Lovelace"}, "Ada"),
        ({"name": "  "}, "there"),
        ({"name": None}, "there"),
        ({"name": "<script>"}, "<script>"),
    ],
)
def test_the_greeting_uses_the_name_that_is_known(properties: dict[str, str], greeting: str):
    send = Send(UUID(int=1), UUID(int=2), "activation-welcome", "product-updates", "queued", NOW)
    contact = Contact(UUID(int=2), email="ada@example.com", properties=properties)
    mail = RENDERER.render(send, contact, None, NOW)
    assert f"Welcome, {greeting}. Good to have you." in mail.text
    assert "<script>" not in mail.html


@pytest.mark.parametrize("key", KEYS)
def test_a_preview_needs_no_further_values(key: str):
    mail = RENDERER.preview(key, NOW)
    assert "https://mail.example.net/p/" in mail.html
    assert "@media (prefers-color-scheme: dark)" in mail.html
