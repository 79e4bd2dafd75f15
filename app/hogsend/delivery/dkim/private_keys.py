"""Creates private keys for DKIM, and reads them from PEM files."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...domain.dkim_key import DkimAlgorithm
from ...errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = RSAPrivateKey | Ed25519PrivateKey

# RFC 8301 §3.2: verifiers accept no shorter key. Longer ones than 4096 bits are slow to sign with,
# and some verifiers do not support them.
MIN_RSA_BITS, RSA_BITS, MAX_RSA_BITS = 1024, 2048, 4096
_PUBLIC_EXPONENT = 65537
_REMEDY = "Use a PEM file with an RSA or Ed25519 key without a passphrase."


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key, and what its DNS record says.

    Args:
        algorithm: `rsa` or `ed25519`.
        pem: the private key as PEM (PKCS #8).
        public_key: the public key in base64, as the DNS record has it (RFC 6376 §3.6.1, RFC 8463
            §4.2).
    """

    algorithm: DkimAlgorithm
    pem: str = field(repr=False)
    public_key: str


def generate_key_pair(algorithm: DkimAlgorithm) -> KeyPair:
    """Create a key; an RSA key has 2048 bits, and takes up to a second."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    if algorithm == "ed25519":
        return _to_pair(ed25519.Ed25519PrivateKey.generate())
    return _to_pair(rsa.generate_private_key(_PUBLIC_EXPONENT, RSA_BITS))


def import_key_pair(pem: bytes) -> KeyPair:
    """Read a key from the content of a PEM file.

    Raises:
        InvalidInput: it has no key that can sign mails, or one with a passphrase.
    """
    try:
        key = load_private_key(pem)
    except TypeError:
        raise InvalidInput("The private key has a passphrase.", _REMEDY) from None
    except ValueError as error:
        raise InvalidInput(f"The private key cannot be used: {error}.", _REMEDY) from None
    return _to_pair(key)


def load_private_key(pem: bytes) -> PrivateKey:
    """Parse a private key.

    Raises:
        TypeError: the key has a passphrase.
        ValueError: it is no RSA or Ed25519 key, or an RSA key of an unusual length.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except UnsupportedAlgorithm:
        raise ValueError("its algorithm is not known") from None
    except ValueError:
        raise ValueError("it is not a private key in PEM") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("it is neither RSA nor Ed25519")
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise ValueError(f"it has {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    return key


def _to_pair(key: PrivateKey) -> KeyPair:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    if isinstance(key, RSAPrivateKey):
        algorithm: DkimAlgorithm = "rsa"
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        algorithm = "ed25519"
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return KeyPair(algorithm, pem, base64.b64encode(public).decode("ascii"))
