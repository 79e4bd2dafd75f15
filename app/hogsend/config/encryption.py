"""Encrypts what is stored and must stay secret, such as private keys, with `HOGSEND_SECRET`."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ..errors import StartError

# The derived key is for stored secrets only: links and sessions have keys of their own.
_PURPOSE = b"hogsend stored secrets"
_KEY_BYTES = 32


class Encryption:
    """Encrypts and decrypts texts (Fernet: AES-128-CBC with HMAC-SHA256).

    Args:
        secrets: the first secret encrypts and all of them decrypt, so that a secret can be
            replaced.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        # Most commands and servers have nothing to decrypt, and the library takes a while to load.
        from cryptography.fernet import Fernet, MultiFernet

        self._fernet = MultiFernet([Fernet(_derive_key(secret)) for secret in secrets])

    def encrypt(self, text: str) -> str:
        """Return a text in encrypted form, in ASCII."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted: str) -> str:
        """Return the text that `encrypt` got.

        Raises:
            StartError: it was encrypted with a secret that is not in the settings any more.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except (InvalidToken, ValueError):
            raise StartError(
                "A stored secret cannot be decrypted: it was stored with another HOGSEND_SECRET.",
                "Add the former secret at the end of HOGSEND_SECRET, after a comma.",
            ) from None


def _derive_key(secret: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
