"""Renders a send into the finished mail: template, styles, links, plain text and headers."""

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
from .bodies import BodyRenderer
from .message import Address, Message
from .template_context import TemplateFacts, scope_of
from .templates import ContentMissing, RenderFailed, Template, Templates
from .tokens import Tokens

__all__ = ["ContentMissing", "RenderFailed", "Renderer"]

_PREVIEW_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _OwnUrls:
    """The URLs of Hogsend itself that belong to one send."""

    unsubscribe: str
    preferences: str
    view: str


class Renderer:
    """Renders sends.

    Args:
        templates: the templates of the journeys' folder.
        lists: the lists, by id.
        tokens: signs links.
        base_url: the public address of Hogsend.
        sender: the default `From`, `Name <address>`.
        test_to: the address that gets every mail instead of the recipient, if any.

    Raises:
        ValueError: `sender` or `test_to` is not a mailbox.
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
        self._sender = _parse_mailbox(sender)
        self._test_to = _parse_mailbox(test_to).email if test_to else None
        self._bodies = BodyRenderer(tokens, self._base)

    def render(self, send: Send, contact: Contact, event: Event | None, now: datetime) -> Message:
        """Return the mail of a send.

        Args:
            send: the send; its subject replaces the template's and is taken literally.
            contact: the recipient, as of now.
            event: the event that started the journey, if any.
            now: the `Date` of the mail.

        Raises:
            RenderFailed: the template does not make a mail; the reason names what is missing.
        """
        template = self._templates.get(send.template)
        mail_list = self._list(send.list_id)
        to_email = self._address(send.address or contact.email or send.to_email or "")
        own_urls = self._own_urls(send, mail_list)
        scope = self._scope(scope_of(contact, event, send.props), mail_list, own_urls)
        subject = send.subject or template.line("subject", scope)
        if not subject:
            raise RenderFailed(f"template {template.key}: the subject is empty")
        scope["subject"] = subject
        scope["preheader"] = template.line("preheader", scope)
        bodies = self._bodies.render(template, scope, send.id)
        sender = self._mailbox(template, "from", scope) or self._sender
        reply_to = self._mailbox(template, "reply_to", scope)
        message = Message(
            send_id=send.id,
            message_id=f"<{send.id}@{sender.email.rpartition('@')[2]}>",
            date=now.replace(microsecond=0),
            from_=sender,
            to=(Address(self._test_to or to_email),),
            subject=f"[test to {to_email}] {subject}" if self._test_to else subject,
            html=bodies.html,
            text=bodies.text,
            reply_to=(reply_to,) if reply_to else (),
            headers=()
            if mail_list.transactional
            else self._list_headers(send, mail_list, own_urls),
            links=bodies.links,
            encoded_html=bodies.encoded,
        )
        try:
            # Built here so that a value which cannot be a header fails this send.
            _ = message.mime_bytes
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {error}") from None
        return message

    def preview(self, key: str, now: datetime) -> Message:
        """Return a template's mail to a sample contact.

        Args:
            key: the template.
            now: the `Date` of the mail.

        Raises:
            RenderFailed: as `render`; a variable is missing in the template's `sample`.
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

    def _mailbox(self, template: Template, name: str, scope: Mapping[str, Any]) -> Address | None:
        line = template.line(name, scope)
        if not line:
            return None
        try:
            return _parse_mailbox(line)
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {name}: {error}") from None

    def _own_urls(self, send: Send, mail_list: MailList) -> _OwnUrls:
        recipient = (send.contact_id, mail_list.id, send.id)
        preferences = f"{self._base}/p/{self._tokens.preferences(*recipient)}"
        # A recipient cannot unsubscribe from a transactional list; the preference page says so.
        unsubscribe = (
            preferences
            if mail_list.transactional
            else f"{self._base}/u/{self._tokens.unsubscribe(*recipient)}"
        )
        return _OwnUrls(unsubscribe, preferences, f"{self._base}/m/{self._tokens.view(send.id)}")

    def _scope(
        self, scope: dict[str, Any], mail_list: MailList, own_urls: _OwnUrls
    ) -> dict[str, Any]:
        list_facts = {
            "id": mail_list.id,
            "name": mail_list.name,
            "description": mail_list.description,
            "transactional": mail_list.transactional,
        }
        return scope | {
            "list": TemplateFacts(list_facts, "list"),
            "unsubscribe_url": own_urls.unsubscribe,
            "preferences_url": own_urls.preferences,
            "view_url": own_urls.view,
        }

    def _list_headers(
        self, send: Send, mail_list: MailList, own_urls: _OwnUrls
    ) -> list[tuple[str, str]]:
        """Return the headers of RFC 2369, RFC 2919 and RFC 8058, and those that large
        mailbox providers evaluate."""
        source = send.journey_id or "direct"
        return [
            ("List-Unsubscribe", f"<{own_urls.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("List-Id", mime.mailbox_header(mail_list.name, f"{mail_list.id}.{self._host}")),
            ("Feedback-ID", f"{send.template}:{source}:{mail_list.id}:hogsend"),
            ("Precedence", "bulk"),
        ]


def _parse_mailbox(text: str) -> Address:
    name, email = mime.mailbox(text)
    return Address(email, name)
