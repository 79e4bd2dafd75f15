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
from ..domain.footer_texts import get_footer_texts
from ..domain.header_text import to_header_line
from ..domain.journey import BUILT_IN_LIST_ID, TRANSACTIONAL_LIST, MailList
from ..domain.languages import resolve_language
from ..domain.send_policy import OnDoubt, Send
from ..errors import InvalidInput
from . import mime
from .bodies import BodyRenderer
from .compiled_mail.compiled_mail import MailBodies
from .local_files import UnusableFile
from .message import Address, Attachment, Message
from .message_parts import MessageParts, address_direct_mail, build_message, redirect
from .template_context import TemplateFacts, build_scope
from .templates import ContentMissing, RenderFailed, Template, Templates
from .tokens import Tokens

__all__ = ["INVALID_ADDRESS", "ContentMissing", "RenderFailed", "Renderer"]

_PREVIEW_ID = UUID(int=0)
# The values of a contact's property `tracking` that switch it off.
_TRACKING_OFF = (False, "false", "off", "no")
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
        is_tracking: whether opens and clicks are recorded, unless a list, a template or a contact
            says otherwise.

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
        is_tracking: bool = True,
    ) -> None:
        self._is_tracking = is_tracking
        self._templates, self._lists, self._tokens = templates, lists, tokens
        self.base_url = base_url.rstrip("/")
        self._host = urlsplit(self.base_url).hostname or "localhost"
        self._sender = _parse_mailbox(sender)
        self._test_to = _parse_mailbox(test_to).email if test_to else None
        self._bodies = BodyRenderer(tokens, self.base_url)

    def render(
        self,
        send: Send,
        contact: Contact,
        event: Event | None,
        now: datetime,
        direct: DirectMail | None = None,
    ) -> Message:
        """Return the mail of a send, without the attachments of a direct email.

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
        is_tracked = self._is_tracked(mail_list, contact, direct)
        if send.template:
            props = direct.add_secrets(send.props) if direct else send.props
            scope = self._add_mail_facts(build_scope(contact, event, props), mail_list, own_urls)
            language = resolve_language(contact.properties)
            template = self._templates.get(send.template).choose(language)
            scope |= _build_language_facts(language, template)
            parts = self._render_template(template, send, scope, direct, is_tracked=is_tracked)
        else:
            parts = self._render_content(send, direct, is_tracked=is_tracked)
        headers = self._build_list_headers(send, mail_list, own_urls)
        message = build_message(send, to_email, parts, headers, now)
        if direct is not None:
            message = address_direct_mail(message, direct)
        if self._test_to:
            message = redirect(message, self._test_to)
        try:
            # The bytes are built here so that a value that cannot be a header fails this send.
            _ = message.mime_bytes
        except ValueError as error:
            raise RenderFailed(f"{_describe_source(send)}: {error}") from None
        return replace(message, attachments=parts.files) if parts.files else message

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

    def _is_tracked(self, mail_list: MailList, contact: Contact, direct: DirectMail | None) -> bool:
        """Return whether opens and clicks are recorded, unless the template says otherwise."""
        if not self._is_tracking or not mail_list.track:
            return False
        if contact.properties.get("tracking") in _TRACKING_OFF:
            return False
        return direct is None or not direct.is_private

    def _render_template(
        self,
        template: Template,
        send: Send,
        scope: dict[str, Any],
        direct: DirectMail | None,
        *,
        is_tracked: bool,
    ) -> MessageParts:
        own_subject = direct.content.subject if direct and direct.content else send.subject
        subject = to_header_line(own_subject or template.render_line("subject", scope) or "")
        if not subject:
            raise RenderFailed(f"template {template.key}: the subject is empty")
        scope["subject"] = subject
        scope["preheader"] = template.render_line("preheader", scope)
        bodies = self._bodies.render(
            template, scope, send.id, is_tracked=is_tracked and template.is_tracked
        )
        sender = self._choose_sender(direct, self._render_mailbox(template, "from", scope))
        reply_to = self._render_mailbox(template, "reply_to", scope)
        return MessageParts(
            subject, bodies, sender, reply_to, self._load_files(template, scope, bodies)
        )

    def _load_files(
        self, template: Template, scope: Mapping[str, Any], bodies: MailBodies
    ) -> Sequence[Attachment]:
        """Return the images that a mail shows, and its attachments."""
        files = self._templates.files
        images = files.find_images(bodies.html)
        names = template.render_line("attachments", scope)
        if not names:
            return images
        try:
            return [*images, *files.read_attachments(names)]
        except (UnusableFile, OSError) as error:
            raise RenderFailed(f"template {template.key}: attachments: {error}") from None

    def _render_content(
        self, send: Send, direct: DirectMail | None, *, is_tracked: bool
    ) -> MessageParts:
        content = direct.content if direct else None
        if direct is None or content is None:
            raise ContentMissing("the content of this email is no longer stored")
        bodies = self._bodies.render_content(
            content.html, content.text, send.id, is_tracked=is_tracked
        )
        return MessageParts(
            to_header_line(content.subject), bodies, self._choose_sender(direct, None)
        )

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

    def get_on_doubt(self, key: str) -> OnDoubt:
        """Return what happens with a mail of a template that may have left."""
        template = self._templates.by_key.get(key)
        return template.on_doubt if template else "ask"

    def has_files(self, key: str, message: Message) -> bool:
        """Return whether a mail of a template has images or attachments of the journeys' folder."""
        template = self._templates.by_key.get(key)
        variants = template.variants if template else []
        return "cid:" in message.html or any("attachments" in item.lines for item in variants)

    def preview(
        self,
        key: str,
        now: datetime,
        props: Mapping[str, Any] | None = None,
        language: str | None = None,
        *,
        is_tracked: bool = True,
    ) -> Message:
        """Render a template for a sample contact.

        Args:
            key: the template's key.
            now: the `Date` of the mail.
            props: the values; None for those of the sample.
            language: the contact's language, as a tag of BCP 47.
            is_tracked: whether opens and clicks are recorded; if not, links stay as they are.

        Raises:
            ContentMissing, RenderFailed: as in `render`, such as when `sample` lacks a variable.
        """
        template = self._templates.get(key).choose(language)
        contact = Contact(
            id=_PREVIEW_ID,
            user_id="ada",
            email="ada@example.com",
            properties={
                "name": "Ada Lovelace",
                "firstName": "Ada",
                "language": language,
                "tracking": is_tracked,
            },
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
        preferences = f"{self.base_url}/p/{self._tokens.sign_preferences(*recipient)}"
        # A recipient cannot unsubscribe from a transactional list; the preference page says so.
        unsubscribe = (
            preferences
            if mail_list.transactional
            else f"{self.base_url}/u/{self._tokens.sign_unsubscribe(*recipient)}"
        )
        return _OwnUrls(
            unsubscribe, preferences, f"{self.base_url}/m/{self._tokens.sign_view(send.id)}"
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
        if mail_list.transactional:
            return []
        source = send.journey_id or "direct"
        return [
            ("List-Unsubscribe", f"<{own_urls.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("List-Id", _format_list_id(mail_list, self._host)),
            ("Feedback-ID", f"{send.template or source}:{source}:{mail_list.id}:hogsend"),
            ("Precedence", "bulk"),
        ]


def _build_language_facts(language: str | None, template: Template) -> dict[str, Any]:
    texts = get_footer_texts(language, template.language)
    return {"language": template.language, "footer": TemplateFacts(texts, "footer")}


def _describe_source(send: Send) -> str:
    return f"template {send.template}" if send.template else "the email"


def _format_list_id(mail_list: MailList, host: str) -> str:
    return mime.format_mailbox(to_header_line(mail_list.name), f"{mail_list.id}.{host}")


def _parse_mailbox(text: str) -> Address:
    name, email = parse_mailbox(text)
    return Address(email, name)
