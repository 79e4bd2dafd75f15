"""Renders a send into a finished mail: template, styles, links, plain text and headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ..domain.address import check_address, parse_mailbox
from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.header_text import to_header_line
from ..domain.journey import BUILT_IN_LIST_ID, MailList
from ..domain.send_policy import Send
from . import mime
from .bodies import BodyRenderer
from .message import Address, Message
from .template_context import TemplateFacts, build_scope
from .templates import ContentMissing, RenderFailed, Template, Templates
from .tokens import Tokens

__all__ = ["INVALID_ADDRESS", "ContentMissing", "RenderFailed", "Renderer"]

_PREVIEW_ID = UUID(int=0)
# Without the address, so that mails with this problem are one group.
INVALID_ADDRESS = "the recipient's email address is not valid: correct it, then retry"


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
        sender: the default `From`, as `Name <address>`.
        test_to: in test mode, the address that gets every mail instead of the recipient.

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
            send: the send; its subject, if any, is used as it is instead of the template's subject.
            contact: the recipient, as of now.
            event: the event that started the journey, if any.
            now: the `Date` of the mail.

        Raises:
            ContentMissing: the template or the list does not exist, or the template is broken.
            RenderFailed: the template cannot be rendered, such as without a variable; or an address
                or a header is not valid. The reason names the problem.
        """
        template = self._templates.get(send.template)
        mail_list = self._find_list(send.list_id)
        to_email = self._normalize_address(send.address or contact.email or send.to_email or "")
        own_urls = self._build_own_urls(send, mail_list)
        scope = self._add_mail_facts(build_scope(contact, event, send.props), mail_list, own_urls)
        subject = to_header_line(send.subject or template.render_line("subject", scope) or "")
        if not subject:
            raise RenderFailed(f"template {template.key}: the subject is empty")
        scope["subject"] = subject
        scope["preheader"] = template.render_line("preheader", scope)
        bodies = self._bodies.render(template, scope, send.id)
        sender = self._render_mailbox(template, "from", scope) or self._sender
        reply_to = self._render_mailbox(template, "reply_to", scope)
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
            else self._build_list_headers(send, mail_list, own_urls),
            links=bodies.links,
            encoded_html=bodies.encoded,
        )
        try:
            # The bytes are built here so that a value that cannot be a header fails this send.
            _ = message.mime_bytes
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {error}") from None
        return message

    def get_version(self, key: str) -> str:
        """Return a text that changes when a template, or a file that it may use, does."""
        return self._templates.get_version(key)

    def preview(self, key: str, now: datetime) -> Message:
        """Render a template for a sample contact.

        Args:
            key: the template's key.
            now: the `Date` of the mail.

        Raises:
            ContentMissing, RenderFailed: as in `render`, such as when `sample` lacks a variable.
        """
        template = self._templates.get(key)
        contact = Contact(
            id=_PREVIEW_ID,
            user_id="ada",
            email="ada@example.com",
            properties={"name": "Ada Lovelace", "firstName": "Ada"},
            first_seen_at=now,
        )
        send = Send(
            id=_PREVIEW_ID,
            contact_id=_PREVIEW_ID,
            template=key,
            list_id=template.list_id or BUILT_IN_LIST_ID,
            status="queued",
            created_at=now,
            props=template.sample,
        )
        event = Event(_PREVIEW_ID, "preview", template.sample, received_at=now)
        return self.render(send, contact, event, now)

    def _find_list(self, list_id: str) -> MailList:
        mail_list = self._lists.get(list_id)
        if mail_list is None:
            raise ContentMissing(f"there is no list {list_id}")
        return mail_list

    def _normalize_address(self, text: str) -> str:
        try:
            return check_address(text)
        except ValueError:
            raise RenderFailed(INVALID_ADDRESS) from None

    def _render_mailbox(
        self, template: Template, name: str, scope: Mapping[str, Any]
    ) -> Address | None:
        line = template.render_line(name, scope)
        if not line:
            return None
        try:
            return _parse_mailbox(line)
        except ValueError as error:
            raise RenderFailed(f"template {template.key}: {name}: {error}") from None

    def _build_own_urls(self, send: Send, mail_list: MailList) -> _OwnUrls:
        recipient = (send.contact_id, mail_list.id, send.id)
        preferences = f"{self._base}/p/{self._tokens.sign_preferences(*recipient)}"
        # A recipient cannot unsubscribe from a transactional list; the preference page says so.
        unsubscribe = (
            preferences
            if mail_list.transactional
            else f"{self._base}/u/{self._tokens.sign_unsubscribe(*recipient)}"
        )
        return _OwnUrls(
            unsubscribe, preferences, f"{self._base}/m/{self._tokens.sign_view(send.id)}"
        )

    def _add_mail_facts(
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

    def _build_list_headers(
        self, send: Send, mail_list: MailList, own_urls: _OwnUrls
    ) -> list[tuple[str, str]]:
        """Return the list headers of RFC 2369, RFC 2919 and RFC 8058, and the headers that large
        mailbox providers evaluate."""
        source = send.journey_id or "direct"
        return [
            ("List-Unsubscribe", f"<{own_urls.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("List-Id", _format_list_id(mail_list, self._host)),
            ("Feedback-ID", f"{send.template}:{source}:{mail_list.id}:hogsend"),
            ("Precedence", "bulk"),
        ]


def _format_list_id(mail_list: MailList, host: str) -> str:
    return mime.format_mailbox(to_header_line(mail_list.name), f"{mail_list.id}.{host}")


def _parse_mailbox(text: str) -> Address:
    name, email = parse_mailbox(text)
    return Address(email, name)
