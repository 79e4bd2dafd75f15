"""The parts of `HOGSEND_MAIL`, which names one provider or several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

INBOX = "inbox"
_PART = re.compile(
    r"inbox|smtps?://[^\s/]\S*|[a-z][a-z0-9]{2,15}://\S+|[A-Za-z_][\w.]*:[A-Za-z_]\w*"
)
_NAMED = re.compile(r"([a-z][a-z0-9_-]{0,39})=")


class NamedAddress(NamedTuple):
    """One provider of the setting.

    Args:
        name: the name that the setting gives it; empty for the provider's own name.
        address: its address, such as `smtp://user:password@host`, or `inbox`, or `module:Class`.
    """

    name: str
    address: str

    @property
    def label(self) -> str:
        """The name, or the scheme of the address."""
        return self.name or self.address.partition(":")[0].replace("smtps", "smtp")


def parse_mail(text: str) -> str:
    """Check the setting.

    Raises:
        ValueError: it has a part that names no provider.
    """
    for part in split_mail(text):
        if not _PART.fullmatch(part.address):
            raise ValueError(
                "Use inbox, smtp://user:password@host:port, smtps://user:password@host:port, "
                "resend://KEY, another provider of docs/sending-mail.md, or module:Class; several "
                "have spaces between them, such as first=smtp://one.example.com "
                "second=smtp://two.example.com."
            )
    return text


def split_mail(mail: str) -> Sequence[NamedAddress]:
    """Return the providers of the setting, the default one first."""
    parts: list[NamedAddress] = []
    for part in mail.split():
        match = _NAMED.match(part)
        parts.append(
            NamedAddress(match[1], part[match.end() :]) if match else NamedAddress("", part)
        )
    return parts


def describe_mail(mail: str) -> str:
    """Return the names of the providers for people to read, without their secrets."""
    return ", ".join(part.label for part in split_mail(mail))
