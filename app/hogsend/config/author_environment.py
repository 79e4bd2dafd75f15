"""The variables of `.env` that are the author's: journeys find them in `os.environ`.

`.env` is where an installation has its secrets. Journeys read theirs in the usual way, and nothing
shows the values.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from json import dumps
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from ..errors import ConfigError
from .env_file import ENV_FILE, read_env_file
from .settings import PREFIX

# Hogsend's own settings, and those of Hatchet's client.
_OWN_PREFIXES: Final = (PREFIX, "HATCHET_CLIENT_")
_MASK: Final = "…"
# A name of which a part ends with one of these words has a secret: `API_KEY`, `DBPASSWORD_2`, but
# not `AUTHOR`.
_SECRET_WORDS: Final = (
    "KEY",
    "TOKEN",
    "SECRET",
    "PASS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PWD",
    "CREDENTIAL",
    "AUTH",
    "AUTHORIZATION",
    "DSN",
    "HOOK",
    "SALT",
    "PRIVATE",
)
_PLURAL_OR_NUMBER: Final = "S0123456789"
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
        ConfigError: the file cannot be read, a line is not `NAME=value`, or a value has a NUL
            character.
    """
    for name, value in read_env_file(folder / ENV_FILE).items():
        if not name or name.startswith(_OWN_PREFIXES):
            continue
        if "\0" in name + value:
            raise ConfigError(f"{name} in {folder / ENV_FILE} has a NUL character.", "Remove it.")
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
    return _is_secret_name(name) or ("://" in value and "@" in value) or _is_random(value)


def _is_secret_name(name: str) -> bool:
    parts = name.upper().replace("-", "_").replace(".", "_").split("_")
    forms = [form for part in parts for form in (part, part.rstrip(_PLURAL_OR_NUMBER))]
    return any(form.endswith(_SECRET_WORDS) for form in forms)


def _is_random(value: str) -> bool:
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return has_both and len(value) >= _MIN_RANDOM_LENGTH and " " not in value


def _mask(value: str) -> None:
    for part in (value, *_find_address_secrets(value), *_find_random_lines(value)):
        # An address in an error has the value escaped, and so has a value that is shown as Python
        # or JSON.
        for form in (part, quote(part, safe=""), quote(part), repr(part)[1:-1], dumps(part)[1:-1]):
            if form not in _masked:
                _masked.append(form)
    _masked.sort(key=len, reverse=True)


def _find_address_secrets(value: str) -> list[str]:
    """Return the parts of an address that an error may show without the rest.

    A path without random characters, such as the name of a database, is no secret by itself: to
    mask it would blank ordinary words in the log.
    """
    try:
        address = urlsplit(value) if "://" in value else None
    except ValueError:
        return []
    if address is None:
        return []
    password = address.password or ""
    others = (address.username or "", address.path.strip("/"), address.query)
    parts = [part for part in others if _is_random(part)]
    return [password, *parts] if len(password) >= _MIN_LENGTH else parts


def _find_random_lines(value: str) -> list[str]:
    """Return the lines of a value of several lines, such as a private key, that are secret."""
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if _is_random(line)] if len(lines) > 1 else []
