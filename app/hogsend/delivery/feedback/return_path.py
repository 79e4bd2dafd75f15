"""The address that bounces of one mail go to (VERP): it names the send and is signed.

The token is case-insensitive, because servers may change the case of an address, and short, because
a local part has at most 64 characters: 16 bytes of the send id and 10 of HMAC-SHA256, as base32.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from uuid import UUID

from ...errors import ConfigError

_ID_SIZE, _MAC_SIZE = 16, 10
TOKEN_LENGTH = 42
_MAX_LOCAL_PART = 64
_TOKEN = re.compile(r"\+([a-z2-7]{42})@")


class ReturnPath:
    """Builds and reads the return paths of mails.

    Args:
        address: the mailbox, such as `bounces@return.example.com`; its server must deliver
            `bounces+anything@` there, too.
        secrets: the first secret signs and all of them verify.

    Raises:
        ConfigError: the part before the `@` leaves no room for a token.
    """

    def __init__(self, address: str, secrets: Sequence[str]) -> None:
        self._local_part, _, self.domain = address.lower().rpartition("@")
        if len(self._local_part) + 1 + TOKEN_LENGTH > _MAX_LOCAL_PART or "+" in self._local_part:
            raise ConfigError(
                f"HOGSEND_RETURN_PATH is {address}, which leaves no room for the id of a mail.",
                "Use at most 21 characters without a + before the @, such as bounces@….",
            )
        self._keys = [hmac.digest(s.encode(), b"hogsend return path", "sha256") for s in secrets]

    def build(self, send_id: UUID) -> str:
        """Return the address that bounces of a send go to."""
        signed = send_id.bytes + _sign(self._keys[0], send_id.bytes)
        token = base64.b32encode(signed).decode("ascii").rstrip("=").lower()
        return f"{self._local_part}+{token}@{self.domain}"

    def read(self, address: str) -> UUID | None:
        """Return the send that an address names; None if we have not signed it."""
        local_part, _, domain = address.strip().strip("<>").lower().rpartition("@")
        name, _, token = local_part.partition("+")
        if domain != self.domain or name != self._local_part:
            return None
        return self._verify(token)

    def find(self, text: str) -> UUID | None:
        """Return the send of the first valid return path in a text; None if it has none."""
        for match in _TOKEN.finditer(text.lower()):
            send_id = self._verify(match[1])
            if send_id is not None:
                return send_id
        return None

    def _verify(self, token: str) -> UUID | None:
        if len(token) != TOKEN_LENGTH:
            return None
        try:
            signed = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        except (binascii.Error, ValueError):
            return None
        payload, mac = signed[:_ID_SIZE], signed[_ID_SIZE:]
        if any(hmac.compare_digest(mac, _sign(key, payload)) for key in self._keys):
            return UUID(bytes=payload)
        return None


def _sign(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:_MAC_SIZE]
