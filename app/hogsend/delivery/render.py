"""Renders a send into a finished mail: template, styles, links, plain text and headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ..domain.address import check_address, parse_mailbox
from ..domain.contact import Contact
from ..domain.direct_mail import NOT_KEPT, DirectMail, MailContent, has_secret
from ..domain.event import Event
from ..domain.header_text import to_header_line
from ..domain.journey import BUILT_IN_LIST_ID, TRANSACTIONAL_LIST, MailList
from ..domain.send_policy import Send
from ..errors import InvalidInput
from . import mime
from .bodies import BodyRenderer
from .compiled_mail.compiled_mail import MailBodies
from .message import Address, Message
from .template_context import TemplateFacts, build_scope
from .templates import ContentMissing, RenderFailed, Template, Templates
from .tokens import Tokens

__all__ = ["INVALID_ADDRESS", "ContentMissing", "RenderFailed", "Renderer"]

_PREVIEW_ID = UUID(int=0)
# Without the address, so that mails with this problem are one group.
INVALID_ADDRESS = "the recipient's email address is not valid: correct it, then retry"


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a template, or the content of a direct email, gives.

    Args:
        subject: the subject.
        bodies: the HTML and the plain part.
        sender: the From header.
        reply_to: the mailbox for replies, if it is given.
    """

    subject: str
    bodies: MailBodies
    sender: Address
    reply_to: Address | None = None


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

    def render(
        self,
        send: Send,
        contact: Contact,
        event: Event | None,
        now: datetime,
        direct: DirectMail | None = None,
    ) -> Message:
        """Return the mail of a send, without its attachments.

        Args:
            send: the send; its subject, if any, is used as it is instead of the template's subject.
            contact: the recipient, as of now.
            event: the event that started the journey, if any.
            now: the `Date` of the mail.
            direct: what a direct email has beside its row.

        Raises:
            ContentMissing: the template or the list does not exist, or the template is broken.
            RenderFailed: the template cannot be rendered, such as without a variable; or an address
                or a header is not valid. The reason names the problem.
        """
        mail_list = self._find_list(send.list_id)
        if direct is not None and direct.skips_consent:
            mail_list = replace(mail_list, transactional=True)
        to_email = self._normalize_address(send.address or contact.email or send.to_email or "")
        own_urls = self._build_own_urls(send, mail_list)
        if send.template:
            props = direct.add_secrets(send.props) if direct else send.props
            scope = self._add_mail_facts(build_scope(contact, event, props), mail_list, own_urls)
            parts = self._render_template(send, scope, direct)
        else:
            parts = self._render_content(send, direct)
        headers = (
            () if mail_list.transactional else self._build_list_headers(send, mail_list, own_urls)
        )
        message = _build_message(send, to_email, parts, headers, now)
        if direct is not None:
            message = _address_direct_mail(message, direct)
        if self._test_to:
            message = _redirect(message, self._test_to)
        try:
            # The bytes are built here so that a value that cannot be a header fails this send.
            _ = message.mime_bytes
        except ValueError as error:
            raise RenderFailed(f"{_describe_source(send)}: {error}") from None
        return message

    def render_archived(
        self,
        message: Message,
        send: Send,
        contact: Contact,
        event: Event | None,
        direct: DirectMail | None,
    ) -> Message:
        """Return a mail as it may be stored: with masks for sensitive values, or without content.

        Args:
            message: the mail, without its attachments, which are stored apart.
            send: the send; the sensitive ones of its props are masked.
            contact: the recipient.
            event: the event that started the journey, if any.
            direct: what a direct email has beside its row.
        """
        if direct is None or not direct.is_private:
            return message
        if direct.keeps_content:
            # A subject of the request's own may have a value, too; the ledger has it with a mask.
            masked = replace(direct, secrets=None, content=None)
            # A template may calculate with a value, which a mask does not allow.
            with suppress(RenderFailed):
                archived = self.render(send, contact, event, message.date, masked)
                # What the contact or the event has beside the props may repeat a value.
                shown = (archived.subject, archived.html, archived.text, str(archived.headers))
                if not has_secret("\n".join(shown), direct.secrets or {}):
                    return archived
        return replace(
            message,
            subject=NOT_KEPT,
            html="",
            text=NOT_KEPT,
            encoded_html=None,
            links=(),
            reply_to=(),
            headers=tuple(item for item in message.headers if item[0] not in direct.headers),
        )

    def _render_template(
        self, send: Send, scope: dict[str, Any], direct: DirectMail | None
    ) -> _Parts:
        template = self._templates.get(send.template)
        own_subject = direct.content.subject if direct and direct.content else send.subject
        subject = to_header_line(own_subject or template.render_line("subject", scope) or "")
        if not subject:
            raise RenderFailed(f"template {template.key}: the subject is empty")
        scope["subject"] = subject
        scope["preheader"] = template.render_line("preheader", scope)
        is_tracked = direct is None or not direct.is_private
        bodies = self._bodies.render(template, scope, send.id, is_tracked=is_tracked)
        sender = self._choose_sender(direct, self._render_mailbox(template, "from", scope))
        return _Parts(subject, bodies, sender, self._render_mailbox(template, "reply_to", scope))

    def _render_content(self, send: Send, direct: DirectMail | None) -> _Parts:
        content = direct.content if direct else None
        if direct is None or content is None:
            raise ContentMissing("the content of this email is no longer stored")
        bodies = self._bodies.render_content(
            content.html, content.text, send.id, is_tracked=not direct.is_private
        )
        return _Parts(to_header_line(content.subject), bodies, self._choose_sender(direct, None))

    def _choose_sender(self, direct: DirectMail | None, template_sender: Address | None) -> Address:
        if direct is not None and direct.sender:
            return _parse_mailbox(direct.sender)
        return template_sender or self._sender

    def check_content(self, content: MailContent) -> None:
        """Check that a mail can be made of the content of a direct email.

        Raises:
            InvalidInput: the styles of its HTML cannot be used.
        """
        try:
            self._bodies.render_content(content.html, content.text, _PREVIEW_ID)
        except RenderFailed as error:
            raise InvalidInput(f"html cannot be used: {error.reason}") from None

    def get_version(self, key: str) -> str:
        """Return a text that changes when a template, or a file that it may use, does."""
        return self._templates.get_version(key)

    def preview(self, key: str, now: datetime, props: Mapping[str, Any] | None = None) -> Message:
        """Render a template for a sample contact.

        Args:
            key: the template's key.
            now: the `Date` of the mail.
            props: the values; None for those of the sample.

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
            props=template.sample if props is None else props,
        )
        event = Event(_PREVIEW_ID, "preview", template.sample, received_at=now)
        return self.render(send, contact, event, now)

    def _find_list(self, list_id: str) -> MailList:
        mail_list = self._lists.get(list_id)
        if mail_list is None and list_id == TRANSACTIONAL_LIST.id:
            return TRANSACTIONAL_LIST
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
            ("Feedback-ID", f"{send.template or source}:{source}:{mail_list.id}:hogsend"),
            ("Precedence", "bulk"),
        ]


def _build_message(
    send: Send,
    to_email: str,
    parts: _Parts,
    headers: Sequence[tuple[str, str]],
    now: datetime,
) -> Message:
    return Message(
        send_id=send.id,
        message_id=f"<{send.id}@{parts.sender.email.rpartition('@')[2]}>",
        date=now.replace(microsecond=0),
        from_=parts.sender,
        to=(Address(to_email),),
        subject=parts.subject,
        html=parts.bodies.html,
        text=parts.bodies.text,
        reply_to=(parts.reply_to,) if parts.reply_to else (),
        headers=headers,
        links=parts.bodies.links,
        encoded_html=parts.bodies.encoded or None,
    )


def _address_direct_mail(message: Message, direct: DirectMail) -> Message:
    """Return a mail with the copies, the mailboxes for replies and the headers of its request."""
    own = [(name, mime.encode_header_text(value)) for name, value in direct.headers.items()]
    return replace(
        message,
        cc=_to_addresses(direct.cc),
        bcc=_to_addresses(direct.bcc),
        reply_to=_to_addresses(direct.reply_to) or message.reply_to,
        headers=(*message.headers, *own),
    )


def _redirect(message: Message, test_to: str) -> Message:
    """Return a mail that goes to the test address only; its subject names who would get it."""
    named = [message.to[0].email]
    named += [f"cc {address.email}" for address in message.cc]
    named += [f"bcc {address.email}" for address in message.bcc]
    return replace(
        message,
        to=(Address(test_to),),
        cc=(),
        bcc=(),
        subject=f"[test to {', '.join(named)}] {message.subject}",
    )


def _to_addresses(mailboxes: Sequence[Sequence[str]]) -> tuple[Address, ...]:
    return tuple(Address(email, name) for name, email in mailboxes)


def _describe_source(send: Send) -> str:
    return f"template {send.template}" if send.template else "the email"


def _format_list_id(mail_list: MailList, host: str) -> str:
    return mime.format_mailbox(to_header_line(mail_list.name), f"{mail_list.id}.{host}")


def _parse_mailbox(text: str) -> Address:
    name, email = parse_mailbox(text)
    return Address(email, name)
