"""Keys that sign, and a verifier of signatures: dkimpy, which reads the keys from a mapping."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from types import SimpleNamespace

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hogsend.delivery.dkim.private_keys import KeyPair, generate_key_pair
from hogsend.delivery.dkim.signature import SigningKey
from hogsend.delivery.dkim.signer import build_sign_function


def to_signing_key(pair: KeyPair, *, domain: str = "example.org", selector: str = "") -> SigningKey:
    """Return a key, ready to sign; the selector is `s-` and the algorithm unless given."""
    sign = build_sign_function(pair.pem.encode())
    return SigningKey(domain, selector or f"s-{pair.algorithm}", pair.algorithm, sign)


@pytest.fixture(scope="session")
def key_pairs() -> tuple[KeyPair, KeyPair]:
    """A key of each algorithm, which take a while to create."""
    return generate_key_pair("rsa"), generate_key_pair("ed25519")


class _VerifyKey:
    """What dkimpy uses of PyNaCl, made of `cryptography`."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, text: bytes, signature: bytes) -> None:
        self._key.verify(signature, text)


@pytest.fixture
def ed25519_in_dkimpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let dkimpy verify Ed25519 without PyNaCl."""
    nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=_VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
    )
    monkeypatch.setattr(dkim, "nacl", nacl, raising=False)
    yield
