"""The keys that sign mails (DKIM, RFC 6376), and the DNS records that publish them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from .hosts import encode_host

DkimAlgorithm = Literal["rsa", "ed25519"]
DkimStatus = Literal["new", "active", "retired"]

# A character-string of a TXT record has at most 255 bytes (RFC 1035 §3.3).
_MAX_STRING = 255
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
MAX_SELECTOR_LENGTH = 63
_MAX_DOMAIN_LENGTH = 253


@dataclass(frozen=True, slots=True)
class DkimRecord:
    """The DNS record of a key.

    Args:
        name: where it is published, such as `s1._domainkey.example.com`.
        value: its text.
    """

    name: str
    value: str

    @property
    def strings(self) -> tuple[str, ...]:
        """The text in pieces of at most 255 bytes, which DNS joins again."""
        return tuple(
            self.value[start : start + _MAX_STRING]
            for start in range(0, len(self.value), _MAX_STRING)
        )

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file, as BIND reads it."""
        quoted = " ".join(f'"{text}"' for text in self.strings)
        return f"{self.name}. 3600 IN TXT ( {quoted} )"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key that signs the mails of a domain.

    Args:
        id: our id.
        domain: the domain, in lower case and ASCII; it also signs for its subdomains that have no
            keys of their own.
        selector: the name of the key below `_domainkey` of the domain.
        algorithm: `rsa` or `ed25519`.
        private_key: the private key, encrypted.
        public_key: the public key, as its DNS record has it.
        created_at: when it was created or imported.
        activated_at: since when it signs; None before.
        retired_at: since when it does not sign any more; None before.
    """

    id: UUID
    domain: str
    selector: str
    algorithm: DkimAlgorithm
    private_key: str = field(repr=False)
    public_key: str
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None

    @property
    def status(self) -> DkimStatus:
        """Whether the key signs (`active`), did so (`retired`), or not yet (`new`)."""
        if self.retired_at is not None:
            return "retired"
        return "new" if self.activated_at is None else "active"

    @property
    def record(self) -> DkimRecord:
        """The DNS record that publishes the key."""
        return DkimRecord(
            f"{self.selector}._domainkey.{self.domain}",
            f"v=DKIM1; k={self.algorithm}; p={self.public_key}",
        )


def is_published(key: DkimKey, texts: Sequence[str]) -> bool:
    """Return whether the TXT records of a key's name publish the key.

    Args:
        key: the key.
        texts: the texts of all TXT records at `key.record.name`.
    """
    return len(texts) == 1 and _parse_tags(texts[0]).get("p") == key.public_key


def _parse_tags(text: str) -> dict[str, str]:
    pairs = (tag.partition("=") for tag in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}


def normalize_domain(text: str) -> str:
    """Return a domain in lower case and in its ASCII form.

    Raises:
        ValueError: the text is not a domain.
    """
    domain = encode_host(text.strip().rstrip("."))
    if len(domain) > _MAX_DOMAIN_LENGTH or "." not in domain or not _NAME.fullmatch(domain):
        raise ValueError(f"{text!r} is not a domain")
    return domain


def normalize_selector(text: str) -> str:
    """Return a selector in lower case.

    Raises:
        ValueError: the text is not a DNS name of at most 63 characters.
    """
    selector = text.strip().lower()
    if len(selector) > MAX_SELECTOR_LENGTH or not _NAME.fullmatch(selector):
        raise ValueError(f"{text!r} is not a selector")
    return selector


def choose_selector(algorithm: DkimAlgorithm, now: datetime, taken: Collection[str]) -> str:
    """Return a selector that names the month and the algorithm, such as `hs202612-rsa`.

    Args:
        algorithm: the algorithm of the key.
        now: the current time.
        taken: the selectors that the domain has.
    """
    base = f"hs{now:%Y%m}-{algorithm}"
    number = 1
    while (selector := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return selector


def select_signing_domain(domain: str, domains: Collection[str]) -> str | None:
    """Return the domain whose keys sign mails from a domain: its own, or the nearest above it.

    The signature of a parent domain is aligned with the sender, too (RFC 7489 §3.1.1).

    Args:
        domain: the domain of the `From` header.
        domains: the domains that have keys.
    """
    name = domain.lower()
    while name:
        if name in domains:
            return name
        name = name.partition(".")[2]
    return None
