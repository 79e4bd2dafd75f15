"""Large answers of journals, stored compressed and once for each enrollment and digest."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from .db import Write
from .json_text import from_json, to_json

# In bytes of JSON; an answer of up to this size is stored in the journal itself.
MAX_INLINE_BYTES = 2048
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class LargeAnswer:
    """A large answer.

    Args:
        digest: the first 16 bytes of the SHA-256 of the answer's JSON.
        body: the answer's JSON, compressed.
    """

    digest: bytes
    body: bytes


def to_large(answer: Any) -> LargeAnswer | None:
    """Return an answer in the form to store outside the journal; None when it is not large.

    Args:
        answer: the answer in JSON form.
    """
    if not isinstance(answer, str | list | dict):
        return None
    text = to_json(answer).encode()
    if len(text) <= MAX_INLINE_BYTES:
        return None
    return LargeAnswer(hashlib.sha256(text).digest()[:_DIGEST_BYTES], zlib.compress(text, 1))


def decompress(body: bytes) -> Any:
    """Return the answer, in JSON form, that a stored body contains."""
    return from_json(zlib.decompress(body).decode())


def insert(answers: Iterable[tuple[UUID, LargeAnswer]]) -> Write:
    """Store answers of enrollments; an answer that is already stored is left unchanged."""
    return Write(
        "INSERT INTO answers (enrollment_id, digest, body) VALUES (?,?,?) "
        "ON CONFLICT (enrollment_id, digest) DO NOTHING",
        [(enrollment_id, large.digest, large.body) for enrollment_id, large in answers],
    )
