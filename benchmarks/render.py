"""A mail made of a template: processor time each, over the example mails."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from report import report

from hogsend.delivery.render import Renderer
from hogsend.delivery.templates import Templates
from hogsend.delivery.tokens import Tokens
from hogsend.domain.contact import Contact
from hogsend.domain.event import Event
from hogsend.domain.send_policy import Send
from hogsend.turns.folder_loader import load

JOURNEYS = Path(__file__).parents[1] / "journeys"
MAILS = 300
ROUNDS = 5
NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
# What a journey gives to its mails, beyond what differs from person to person.
PROPS = {
    "trial-progress": {"uses": 3},
    "trial-ending": {"ends_on": "Thursday, 14 May"},
    "feedback-thanks": {"happy": True},
}


def people(key: str, list_id: str, first: int, count: int) -> Iterator[tuple[Send, Contact]]:
    """Yield sends of a template, each to another person."""
    for number in range(first, first + count):
        contact = Contact(
            UUID(int=number),
            email=f"ada{number}@example.com",
            properties={"name": f"Ada{number} Lovelace"},
        )
        yield (
            Send(
                id=UUID(int=1_000_000 + number),
                contact_id=contact.id,
                template=key,
                list_id=list_id,
                status="queued",
                created_at=NOW,
                journey_id="example",
                props=PROPS.get(key, {}) | {"order": f"A-{number}", "invoice": f"2026-{number}"},
            ),
            contact,
        )


def milliseconds(renderer: Renderer, key: str, list_id: str, first: int) -> float:
    """Return the processor time of one mail, in milliseconds."""
    sends = list(people(key, list_id, first, MAILS))
    event = Event(UUID(int=3), "user.created")
    before = time.process_time()
    for send, contact in sends:
        renderer.render(send, contact, event, NOW)
    return (time.process_time() - before) / MAILS * 1000


def main() -> None:
    registry = load(JOURNEYS)
    templates = Templates.load(JOURNEYS, registry.lists)
    renderer = Renderer(
        templates,
        registry.lists,
        Tokens(["a secret"]),
        base_url="https://mail.example.net",
        sender="Acme <post@example.com>",
    )
    of_mail: dict[str, float] = {}
    for key in templates.keys():  # noqa: SIM118
        list_id = templates.get(key).list_id or ""
        rounds = [milliseconds(renderer, key, list_id, n * MAILS) for n in range(ROUNDS)]
        of_mail[key] = statistics.median(rounds)
    slowest = max(of_mail, key=of_mail.__getitem__)
    mjml = {key: of_mail[key] for key in of_mail if templates.get(key).is_mjml}
    report(
        "a mail rendered, processor time",
        f"{statistics.mean(of_mail.values()):.2f} ms",
        "≤ 0.30 ms",
        detail=f"mean of {len(of_mail)} example mails, {MAILS} people each; "
        f"slowest {slowest} {of_mail[slowest]:.2f} ms",
    )
    report(
        "a mail in MJML rendered, styles inlined, processor time",
        f"{max(mjml.values()):.2f} ms",
        "≤ 1.50 ms",
        detail=f"the slower of {', '.join(mjml)}, warm",
    )


if __name__ == "__main__":
    main()
