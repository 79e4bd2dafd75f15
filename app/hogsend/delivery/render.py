"""From a send to the finished mail: template, styles, links, plain text, headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.journey import JOURNEY_LIST, MailList
from ..domain.send_policy import Send
from . import mime
from .bodies import Bodies
from .template_context import TemplateFacts, scope_of
from .templates import ContentMissing, RenderFailed, Template, Templates
from .tokens import Tokens

__all__ = ["ContentMissing", "RenderFailed", "Rendered", "Renderer"]

_PREVIEW_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished mail.

    Args:
        subject: as people read it.
        from_email: the sender's bare address, for the envelope.
        to_email: the recipient's, the test address when there is one.
        html: the HTML part, with tracked links and the open pixel.
        text: the plain part.
        message_id: with its angle brackets; the same at every rendering of one send.
        raw: the whole mail, RFC 5322 with CRLF.
        links: where the tracked links lead, in the order of their positions.
    """

    subject: str
    from_email: str
    to_email: str
    html: str
    text: str
    message_id: str
    raw: bytes
    links: list[str]


@dataclass(frozen=True, slots=True)
class _Addresses:
    """Our own addresses of one send."""

    unsubscribe: str
    preferences: str
    view: str


class Renderer:
    """Renders sends.

    Args:
        templates: the templates there are.
        lists: the lists there are, by id.
        tokens: signs links.
        base_url: our own address in mails.
        sender: the default `From`, `Name <address>`.
        test_to: the address that gets every mail instead, if any.

    Raises:
        ValueError: `sender` or `test_to` is no mailbox.
    """

    def __init__(
        self,
        templates: Templates,
        lists: Mapping[str, MailList],
        tokens: Tokens,
        *,
        base_url: str,
        sender: str,
        test_to: str | None = None,
    ) -> None:
        self._templates, self._lists, self._tokens = templates, lists, tokens
        self._base = base_url.rstrip("/")
        self._host = urlsplit(self._base).hostname or "localhost"
        self._sender = mime.mailbox(sender)
        self._test_to = mime.mailbox(test_to)[1] if test_to else None
        self._bodies = Bodies(tokens, self._base)

    def render(self, send: Send, contact: Contact, event: Event | None, now: datetime) -> Rendered:
        """Return the mail of a send, ready to be handed over.

        Args:
            send: what to send; its subject replaces the template's and is taken literally.
            contact: the recipient, as of now.
            event: what started the journey, if one did.
            now: the `Date` of the mail.

        Raises:
            RenderFailed: the template does not give a mail; the reason names what is missing.
        """
        template = self._templates.get(send.template)
        mail_list = self._list(send.list_id)
        to_email = self._address(send.address or contact.email or send.to_email or "")
        addresses = self._addresses(send, mail_list)
        scope = self._scope(scope_of(contact, event, send.props), mail_list, addresses)
        subject = send.subject or template.line("subject", scope)
        if not subject:
            raise RenderFailed(f"template {template.key}: the subject is empty")
        scope["subject"] = subject
        scope["preheader"] = template.line("preheader", scope)
        parts = self._bodies.of(template, scope, send.id)
        sender = self._mailbox(template, "from", scope) or self._sender
        message_id = f"<{send.id}@{sender[1].rpartition('@')[2]}>"
        headers = [
            ("From", mime.mailbox_header(*sender)),
            ("To", self._test_to or to_email),
            ("Subject", self._subject(template, subject, to_email)),
            ("Date", mime.date_header(now.replace(microsecond=0))),
            ("Message-ID", message_id),
        ]
        if reply_to := self._mailbox(template, "reply_to", scope):
            headers.append(("Reply-To", mime.mailbox_header(*reply_to)))
        if not mail_list.transactional:
            headers += self._list_headers(send, mail_list, addresses)
        try:
            raw = mime.message(headers, mime.encoded(parts.text), parts.encoded, send.id)
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {error}") from None
        return Rendered(
            subject=self._marked(subject, to_email),
            from_email=sender[1],
            to_email=self._test_to or to_email,
            html=parts.html,
            text=parts.text,
            message_id=message_id,
            raw=raw,
            links=parts.links,
        )

    def preview(self, key: str, now: datetime) -> Rendered:
        """Return a template's mail to an imagined person.

        Args:
            key: the template.
            now: the `Date` of the mail.

        Raises:
            RenderFailed: as `render`; a variable that only the `sample` can give is missing there.
        """
        template = self._templates.get(key)
        contact = Contact(
            id=_PREVIEW_ID,
            user_id="ada",
            email="ada@example.com",
            properties={"name": "Ada Lovelace", "firstName": "Ada"},
        )
        send = Send(
            id=_PREVIEW_ID,
            contact_id=_PREVIEW_ID,
            template=key,
            list_id=template.list_id or JOURNEY_LIST,
            status="queued",
            created_at=now,
            props=template.sample,
        )
        event = Event(id=_PREVIEW_ID, name="preview", properties=template.sample)
        return self.render(send, contact, event, now)

    def _list(self, list_id: str) -> MailList:
        mail_list = self._lists.get(list_id)
        if mail_list is None:
            raise ContentMissing(f"there is no list {list_id}")
        return mail_list

    def _address(self, text: str) -> str:
        try:
            return mime.address_of(text)
        except ValueError as error:
            raise RenderFailed(str(error)) from None

    def _mailbox(
        self, template: Template, name: str, scope: Mapping[str, Any]
    ) -> tuple[str, str] | None:
        line = template.line(name, scope)
        if not line:
            return None
        try:
            return mime.mailbox(line)
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {name}: {error}") from None

    def _addresses(self, send: Send, mail_list: MailList) -> _Addresses:
        whose = (send.contact_id, mail_list.id, send.id)
        preferences = f"{self._base}/p/{self._tokens.preferences(*whose)}"
        # Nobody can leave a list whose mails are owed to them; the preference page says so.
        unsubscribe = (
            preferences
            if mail_list.transactional
            else f"{self._base}/u/{self._tokens.unsubscribe(*whose)}"
        )
        return _Addresses(unsubscribe, preferences, f"{self._base}/m/{self._tokens.view(send.id)}")

    def _scope(
        self, scope: dict[str, Any], mail_list: MailList, addresses: _Addresses
    ) -> dict[str, Any]:
        about_list = {
            "id": mail_list.id,
            "name": mail_list.name,
            "description": mail_list.description,
            "transactional": mail_list.transactional,
        }
        return scope | {
            "list": TemplateFacts(about_list, "list"),
            "unsubscribe_url": addresses.unsubscribe,
            "preferences_url": addresses.preferences,
            "view_url": addresses.view,
        }

    def _marked(self, subject: str, to_email: str) -> str:
        return f"[test to {to_email}] {subject}" if self._test_to else subject

    def _subject(self, template: Template, subject: str, to_email: str) -> str:
        try:
            return mime.text_header(self._marked(subject, to_email))
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {error} in the subject") from None

    def _list_headers(
        self, send: Send, mail_list: MailList, addresses: _Addresses
    ) -> list[tuple[str, str]]:
        """Return the headers of RFC 2369, RFC 2919 and RFC 8058, and those that large
        mailbox providers read."""
        source = send.journey_id or "direct"
        return [
            ("List-Unsubscribe", f"<{addresses.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("List-Id", mime.mailbox_header(mail_list.name, f"{mail_list.id}.{self._host}")),
            ("Feedback-ID", f"{send.template}:{source}:{mail_list.id}:hogsend"),
            ("Precedence", "bulk"),
        ]
