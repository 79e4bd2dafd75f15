"""What stays of an erased person: hashes of the addresses that must not be mailed again."""

from __future__ import annotations

import hashlib

# The reason of the suppressions, the exits and the cancellations that an erasure causes.
ERASED = "erased"
_DIGEST_BYTES = 32


def compute_address_hash(salt: str, address: str) -> bytes:
    """Return the hash by which an erased address is recognized.

    Args:
        salt: the installation's salt, which keeps hashes of two installations from being compared.
        address: the address, in its normal form.
    """
    return hashlib.blake2b(
        address.encode(), key=bytes.fromhex(salt), digest_size=_DIGEST_BYTES
    ).digest()
