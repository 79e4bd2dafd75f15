"""The variables of `.env` that are the author's: journeys find them in `os.environ`.

`.env` is where an installation has its secrets. Journeys read theirs in the usual way, and nothing
shows the values.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from .settings import ENV_FILE, PREFIX, read_env_file

# Hogsend's own settings, and those of Hatchet's client.
_OWN_PREFIXES: Final = (PREFIX, "HATCHET_CLIENT_")
_MASK: Final = "…"
# A name with one of these words has a secret.
_SECRET_WORDS: Final = tuple(
    [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASS",
        "PWD",
        "CREDENTIAL",
        "AUTH",
        "DSN",
        "HOOK",
        "SALT",
        "PRIVATE",
    ]
)
# Shorter values are in too many texts by chance.
_MIN_LENGTH: Final = 6
# A longer value with letters and digits, such as the path of a webhook, is taken for a secret.
_MIN_RANDOM_LENGTH: Final = 16

# The texts to mask, the longest first.
_masked: list[str] = []


def export_author_variables(folder: Path, environ: MutableMapping[str, str]) -> None:
    """Set the author's variables of `.env`, except those that the environment has already.

    Args:
        folder: the folder with the `.env` file.
        environ: the environment of the process.

    Raises:
        ConfigError: the file cannot be read, or a line is not `NAME=value`.
    """
    for name, value in read_env_file(folder / ENV_FILE).items():
        if not name or name.startswith(_OWN_PREFIXES):
            continue
        environ.setdefault(name, value)
        if _is_secret(name, environ[name]):
            _mask(environ[name])


def mask_author_secrets(text: str) -> str:
    """Return a text in which the secrets of the author are masked."""
    for secret in _masked:
        if secret in text:
            text = text.replace(secret, _MASK)
    return text


def _is_secret(name: str, value: str) -> bool:
    if len(value) < _MIN_LENGTH:
        return False
    if any(word in name.upper() for word in _SECRET_WORDS) or ("://" in value and "@" in value):
        return True
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return has_both and len(value) >= _MIN_RANDOM_LENGTH and " " not in value


def _mask(value: str) -> None:
    for part in (value, *_find_secret_parts(value)):
        # An address in an error has the value escaped.
        for form in (part, quote(part, safe=""), quote(part)):
            if form not in _masked:
                _masked.append(form)
    _masked.sort(key=len, reverse=True)


def _find_secret_parts(value: str) -> list[str]:
    """Return the parts of an address that an error may show without the rest."""
    try:
        address = urlsplit(value) if "://" in value else None
    except ValueError:
        return []
    if address is None:
        return []
    parts = (address.password or "", address.path.strip("/"), address.query)
    return [part for part in parts if len(part) >= _MIN_LENGTH]
