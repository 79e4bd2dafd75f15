"""Signed tokens for the links in mails, and for the browsers of operators.

Recipients keep mails for years, so a token does not expire and needs no row. A token contains the
ids of rows, and the token of a tracked link also contains the link's destination. The layout of the
bytes, before URL-safe base64 without padding:

    version (1) | kind (1) | key id (4) | payload | first 16 bytes of HMAC-SHA256

The signature covers all bytes before it, so a token of one kind is never accepted as another kind.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes
from uuid import UUID

from ..domain.page_forms import FormToken

_VERSION = 1
_UNSUBSCRIBE, _PREFERENCES, _CLICK, _OPEN, _VIEW = b"u", b"p", b"c", b"o", b"m"
_DEVICE = b"d"
_FORM = b"f"
_HEAD = struct.Struct("!Bc4s")
_MAC_SIZE = 16
_ID_SIZE = 16
_MAX_TOKEN = 8192
# The longest URL that a token can hold and that every browser opens.
MAX_URL_LENGTH = 4096
_MAX_POSITION = 0xFFFF
_TO_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
_FROM_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class RecipientToken:
    """The content of a consent link: the recipient, the list and the mail.

    Args:
        contact_id: the recipient.
        list_id: the list that the mail belonged to.
        send_id: the mail, if the link was in one.
    """

    contact_id: UUID
    list_id: str
    send_id: UUID | None


@dataclass(frozen=True, slots=True)
class ClickToken:
    """The content of a tracked link.

    Args:
        send_id: the mail.
        position: the link's position in the mail, from 0.
        url: the link's destination.
    """

    send_id: UUID
    position: int
    url: str


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes


class Tokens:
    """Signs and verifies the tokens of links.

    Args:
        secrets: the first secret signs, and all of them verify: a secret can be replaced while
            recipients still have mails with links that the former secret signed.

    Raises:
        ValueError: there is no secret.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not any(secrets):
            raise ValueError("Tokens need at least one secret.")
        keys = [_derive_key(secret) for secret in secrets if secret]
        self._signing = keys[0]
        self._keys = {key.id: key for key in reversed(keys)}

    def sign_unsubscribe(self, contact_id: UUID, list_id: str, send_id: UUID | None) -> str:
        """Return the token of an unsubscribe link."""
        return self._sign(_UNSUBSCRIBE, _pack_recipient(contact_id, list_id, send_id))

    def read_unsubscribe(self, token: str) -> RecipientToken | None:
        """Return the content of an unsubscribe token, or None when the token is invalid."""
        return _unpack_recipient(self._verify(_UNSUBSCRIBE, token))

    def sign_preferences(self, contact_id: UUID, list_id: str, send_id: UUID | None) -> str:
        """Return the token of a link to the preference page."""
        return self._sign(_PREFERENCES, _pack_recipient(contact_id, list_id, send_id))

    def read_preferences(self, token: str) -> RecipientToken | None:
        """Return the content of a preferences token, or None when the token is invalid."""
        return _unpack_recipient(self._verify(_PREFERENCES, token))

    def sign_click(self, send_id: UUID, position: int, url: str) -> str:
        """Return the token of a tracked link.

        Args:
            send_id: the mail that the link is in.
            position: the link's position in the mail, from 0.
            url: the destination; `http:` or `https:`, at most `MAX_URL_LENGTH` bytes.

        Raises:
            ValueError: the URL is not a web address or too long, or the position is out of range.
        """
        target = url.encode()
        if (
            not is_web_url(url)
            or len(target) > MAX_URL_LENGTH
            or not 0 <= position <= _MAX_POSITION
        ):
            raise ValueError("Only web addresses of a moderate length can be tracked.")
        return self._sign(_CLICK, send_id.bytes + position.to_bytes(2) + target)

    def read_click(self, token: str) -> ClickToken | None:
        """Return the content of a tracked link's token, or None when the token is invalid."""
        payload = self._verify(_CLICK, token)
        if payload is None or len(payload) < _ID_SIZE + 2:
            return None
        try:
            url = payload[_ID_SIZE + 2 :].decode()
        except UnicodeDecodeError:
            return None
        if not is_web_url(url):
            return None
        position = int.from_bytes(payload[_ID_SIZE : _ID_SIZE + 2])
        return ClickToken(UUID(bytes=payload[:_ID_SIZE]), position, url)

    def sign_open(self, send_id: UUID) -> str:
        """Return the token of a mail's open pixel."""
        return self._sign(_OPEN, send_id.bytes)

    def read_open(self, token: str) -> UUID | None:
        """Return the send id in an open pixel's token, or None when the token is invalid."""
        return _unpack_id(self._verify(_OPEN, token))

    def sign_view(self, send_id: UUID) -> str:
        """Return the token of the link that shows a mail in a browser."""
        return self._sign(_VIEW, send_id.bytes)

    def read_view(self, token: str) -> UUID | None:
        """Return the send id in the token of a view link, or None when the token is invalid."""
        return _unpack_id(self._verify(_VIEW, token))

    def sign_form(self, link: str, shown_at: datetime, *, asks_again: bool) -> str:
        """Return the token of the forms of a page.

        Args:
            link: the token of the link that leads to the page.
            shown_at: when the page is shown.
            asks_again: whether the page asks to press a button again.
        """
        micros = round(shown_at.timestamp() * 1_000_000)
        payload = bytes([asks_again]) + micros.to_bytes(8) + _digest_link(link)
        return self._sign(_FORM, payload)

    def read_form(self, token: str, link: str) -> FormToken | None:
        """Return the content of the token of a page's forms; None when it is another page's."""
        payload = self._verify(_FORM, token)
        if payload is None or len(payload) < 9 or payload[9:] != _digest_link(link):
            return None
        shown_at = datetime.fromtimestamp(int.from_bytes(payload[1:9]) / 1_000_000, UTC)
        return FormToken(shown_at, asks_again=payload[0] == 1)

    def sign_device(self, email: str) -> str:
        """Return the token of a browser in which the operator with an address has signed in."""
        return self._sign(_DEVICE, token_bytes(_ID_SIZE) + _digest_operator(email))

    def read_device(self, token: str, email: str) -> str | None:
        """Return the id in a browser's token; None when it is invalid or another operator's."""
        payload = self._verify(_DEVICE, token)
        if payload is None or payload[_ID_SIZE:] != _digest_operator(email):
            return None
        return payload[:_ID_SIZE].hex()

    def _sign(self, kind: bytes, payload: bytes) -> str:
        signed = _HEAD.pack(_VERSION, kind, self._signing.id) + payload
        return _to_text(signed + _compute_mac(self._signing, signed))

    def _verify(self, kind: bytes, token: str) -> bytes | None:
        raw = _from_text(token)
        if raw is None or len(raw) < _HEAD.size + _MAC_SIZE:
            return None
        signed, mac = raw[:-_MAC_SIZE], raw[-_MAC_SIZE:]
        version, signed_kind, key_id = _HEAD.unpack_from(signed)
        key = self._keys.get(key_id)
        if key is None or not hmac.compare_digest(mac, _compute_mac(key, signed)):
            return None
        if version != _VERSION or signed_kind != kind:
            return None
        return signed[_HEAD.size :]


def _digest_link(link: str) -> bytes:
    return hashlib.sha256(link.encode("utf-8", "surrogatepass")).digest()[:_ID_SIZE]


def _digest_operator(email: str) -> bytes:
    normal = email.strip().lower().encode("utf-8", "surrogatepass")
    return hashlib.sha256(normal).digest()[:_ID_SIZE]


def is_web_url(url: str) -> bool:
    """Return whether a URL is absolute, has `http` or `https`, and can be written into a header."""
    scheme, separator, location = url.partition("://")
    if not separator or scheme.lower() not in ("http", "https") or not location:
        return False
    return location[0] not in "/?#\\" and url.isprintable() and " " not in url


def _derive_key(secret: str) -> _Key:
    # The secret also signs sessions, so links get a derived key of their own.
    key = hmac.digest(secret.encode(), b"hogsend recipient links", "sha256")
    return _Key(hashlib.sha256(b"id" + key).digest()[:4], key)


def _compute_mac(key: _Key, signed: bytes) -> bytes:
    return hmac.digest(key.secret, signed, "sha256")[:_MAC_SIZE]


def _to_text(raw: bytes) -> str:
    encoded = binascii.b2a_base64(raw, newline=False).rstrip(b"=")
    return encoded.translate(_TO_URL_ALPHABET).decode("ascii")


def _from_text(token: str) -> bytes | None:
    if not token or len(token) > _MAX_TOKEN:
        return None
    try:
        encoded = token.encode("ascii").translate(_FROM_URL_ALPHABET)
        raw = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
    except ValueError:
        return None
    # Accepts only the encoding that `_to_text` gives: no standard alphabet, no extra bits.
    return raw if _to_text(raw) == token else None


def _pack_recipient(contact_id: UUID, list_id: str, send_id: UUID | None) -> bytes:
    mail = b"\0" if send_id is None else b"\1" + send_id.bytes
    return contact_id.bytes + mail + list_id.encode()


def _unpack_recipient(payload: bytes | None) -> RecipientToken | None:
    if payload is None or len(payload) <= _ID_SIZE:
        return None
    contact_id, list_id = UUID(bytes=payload[:_ID_SIZE]), payload[_ID_SIZE + 1 :]
    send_id: UUID | None = None
    if payload[_ID_SIZE]:
        if len(list_id) < _ID_SIZE:
            return None
        send_id, list_id = UUID(bytes=list_id[:_ID_SIZE]), list_id[_ID_SIZE:]
    try:
        return RecipientToken(contact_id, list_id.decode(), send_id)
    except UnicodeDecodeError:
        return None


def _unpack_id(payload: bytes | None) -> UUID | None:
    return UUID(bytes=payload) if payload is not None and len(payload) == _ID_SIZE else None
