"""Builds sample data: contacts, events, enrollments, sends and engagement."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hogsend.clock import ManualClock
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment
from hogsend.domain.event import Event
from hogsend.domain.ids import IdGenerator
from hogsend.domain.journal import Step
from hogsend.domain.journey import Journey
from hogsend.domain.send_policy import Send
from hogsend.store import contacts, enrollments, events, inbox, sends
from hogsend.store.db import Write
from hogsend.store.events import NewEvent
from hogsend.store.inbox import CapturedMail, InboxEntry
from hogsend.store.sends import RenderedMail
from hogsend.store.turns import Turn
from hogsend.store.turns import insert as insert_turns

MAIL = textwrap.dedent("""\
    From: Hogsend <hello@example.com>
    To: {to}
    Subject: {subject}
    Date: Mon, 02 Mar 2026 08:12:00 +0000
    Message-ID: <{id}@hogsend.local>
    MIME-Version: 1.0
    List-Unsubscribe: <http://localhost:3002/u/token-of-{id}>
    List-Unsubscribe-Post: List-Unsubscribe=One-Click
    Content-Type: multipart/alternative; boundary="b"

    --b
    Content-Type: text/plain; charset="utf-8"

    Welcome, Ada. Invite a colleague: http://localhost:3002/c/abc

    --b
    Content-Type: text/html; charset="utf-8"

    <!doctype html><html><head><title>{subject}</title></head>
    <body style="font-family:sans-serif;background:#f4f2ee;margin:0;padding:32px">
    <div style="max-width:520px;margin:0 auto;background:#fff;border-radius:8px;padding:32px">
    <h1 style="margin:0 0 12px;font-size:24px">{subject}</h1>
    <p style="line-height:1.5">Your workspace is ready. Three things people do first:</p>
    <p><a href="http://localhost:3002/c/abc" style="background:#0b6a6e;color:#fff;padding:10px 16px;
    border-radius:6px;text-decoration:none">Invite a colleague</a></p>
    <p style="color:#777;font-size:13px"><a href="http://localhost:3002/u/x">Unsubscribe</a></p>
    </div><img src="http://localhost:3002/o/abc.gif" width="1" height="1" alt=""></body></html>

    --b--
    """).replace("\n", "\r\n")


@dataclass
class SampleData:
    """A product's data, and the ids that tests ask for by name."""

    clock: ManualClock
    ids: dict[str, UUID] = field(default_factory=dict[str, UUID])
    writes: list[Write] = field(default_factory=list[Write])

    @staticmethod
    def new(at: datetime) -> UUID:
        """Return an id for an instant, which may be earlier than the previous id's."""
        return IdGenerator()(at)

    def id(self, name: str, at: datetime) -> UUID:
        return self.ids.setdefault(name, self.new(at))

    def person(self, name: str, ago: timedelta, **known: Any) -> Contact:
        now = self.clock.now()
        properties = known.pop("properties", {})
        contact = Contact(id=self.id(name, now - ago), properties=properties, event_seq=3, **known)
        self.writes.append(contacts.insert([contact], now - ago))
        named = {"u:": contact.user_id, "e:": contact.email, "a:": contact.anonymous_id}
        pairs = [(prefix + value, contact.id) for prefix, value in named.items() if value]
        self.writes.append(contacts.add_identities(pairs))
        return contact

    def event(
        self, contact: Contact, name: str, ago: timedelta, seq: int = 1, **more: Any
    ) -> Event:
        at = self.clock.now() - ago
        event = Event(
            id=self.new(at),
            name=name,
            properties=more.get("properties", {}),
            seq=seq,
            occurred_at=at,
            received_at=at,
            source=more.get("source", "api"),
            contact_id=contact.id,
        )
        self.writes.append(events.insert([NewEvent(event, more.get("decisions", {}))]))
        return event

    def enroll(
        self,
        contact: Contact,
        journey: Journey,
        trigger: Event,
        *,
        turns: list[tuple[timedelta, str, list[Step], str | None]],
        ago: timedelta,
        **state: Any,
    ) -> Enrollment:
        now = self.clock.now()
        enrollment = Enrollment(
            id=self.id(f"{journey.id}/{contact.label}", now - ago),
            contact_id=contact.id,
            journey_id=journey.id,
            entry_key="",
            state="active",
            trigger_event_id=trigger.id,
            code_hash=journey.code_hash,
            entered_at=now - ago,
        )
        self.writes.append(enrollments.insert([enrollment]))
        enrollment = replace(enrollment, turn=len(turns), **state)
        self.writes.append(enrollments.update([enrollment], now))
        self.writes.extend(
            insert_turns(
                Turn(enrollment.id, number, now - past, journey.code_hash, outcome, steps, error)
                for number, (past, outcome, steps, error) in enumerate(turns, 1)
            )
        )
        return enrollment

    def send(
        self, contact: Contact, template: str, ago: timedelta, status: str, **more: Any
    ) -> Send:
        at = self.clock.now() - ago
        send = Send(
            id=self.new(at),
            contact_id=contact.id,
            template=template,
            list_id=more.pop("list_id", "product-updates"),
            status=status,  # type: ignore[arg-type]
            created_at=at,
            to_email=contact.email,
            **more,
        )
        self.writes.append(sends.insert([send]))
        self.writes.append(sends.update([send], at))
        if send.opened_at:
            self.writes.append(sends.record_opens([(send.id, send.opened_at)]))
        if send.clicked_at:
            self.writes.append(sends.record_clicks([(send.id, send.clicked_at)]))
        if status in ("sent", "in_doubt") and send.subject:
            raw = MAIL.format(to=contact.email, subject=send.subject, id=send.id.hex).encode()
            mail = RenderedMail(
                send.id,
                send.subject,
                "Hogsend <hello@example.com>",
                raw,
                ["https://example.com/invite"],
            )
            self.writes.append(sends.store_mails([mail], at))
            entry = InboxEntry(
                send.id, contact.email or "", "hello@example.com", send.subject, at, None
            )
            self.writes.append(inbox.capture([CapturedMail(entry, raw)]))
        return send

    def hit(self, send: Send, kind: str, verdict: str, ago: timedelta, url: str | None) -> None:
        at = int((self.clock.now() - ago).timestamp() * 1_000_000)
        row = (
            self.new(self.clock.now() - ago),
            send.id,
            kind,
            0,
            url,
            verdict,
            "mail",
            "10.0.0.0",
            at,
        )
        self.writes.append(
            Write(
                "INSERT INTO hits (id, send_id, kind, position, url, verdict, agent, network, at) "
                "VALUES (?,?,?,?,?,?,?,?,?)",
                [row],
            )
        )
