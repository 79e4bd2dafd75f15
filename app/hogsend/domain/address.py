"""Validation and normalization of email addresses, without asking the DNS."""

from __future__ import annotations

import re
from functools import lru_cache

from .header_text import to_header_line

# Nearly every address has this form, for which email-validator would take fifty times as long: it
# accepts all of these and changes none of them. A label with `--` in the third place may be IDNA.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LOCAL_PART = rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*+@"
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"{_LOCAL_PART}(?:{_LABEL}\.)+{_LABEL}(?<=[a-z])")
_PLAIN_LOCAL_PART = re.compile(_LOCAL_PART)
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_SURROGATE = re.compile("[\ud800-\udfff]")
_EXPECTED = "must be an email address such as ada@example.com"
_PUBLIC_DOMAIN = ".example"
MAX_LENGTH = 254


def normalize_email(text: str) -> str:
    """Return the form of an email address by which a contact is known.

    That is without surrounding space, in lower case, the part before the `@` in Unicode's NFC, and
    the domain in the ASCII form of IDNA 2008.

    Args:
        text: the address as received.

    Raises:
        ValueError: the text is not an email address; the message completes "email …", and has no
            full stop at its end.
    """
    address = text.strip().lower()
    if is_plain_address(address):
        return address
    checked = check_address(address)
    # The normal form of a letter may have a lower case of its own.
    return checked if checked == checked.lower() else check_address(checked.lower())


def check_address(text: str, *, allow_dotless: bool = False) -> str:
    """Return an address without surrounding space, its domain in ASCII and in lower case.

    Args:
        text: the address.
        allow_dotless: whether to accept a domain without a dot, such as `localhost`.

    Raises:
        ValueError: the text is not an email address; the message completes "email …", and has no
            full stop at its end.
    """
    address = text.strip()
    if is_plain_address(address):
        return address
    if len(address.encode("utf-8", "replace")) > MAX_LENGTH:
        raise ValueError(f"{_EXPECTED}. It has at most {MAX_LENGTH} bytes")
    # Addresses of one domain often come together, and the check of the domain takes longest.
    match = _PLAIN_LOCAL_PART.match(address)
    local_part, domain = ("a@", address[match.end() :]) if match else ("", address)
    is_dotless = allow_dotless and "." not in domain.rpartition("@")[2]
    checked = _check(local_part + domain, is_dotless)
    if isinstance(checked, ValueError):
        raise ValueError(f"{_EXPECTED}. {str(checked).rstrip('.')}")
    normal = match[0] + checked.removeprefix(local_part) if match else checked
    if len(normal.encode()) > MAX_LENGTH:
        raise ValueError(f"{_EXPECTED}. It has at most {MAX_LENGTH} bytes in its ASCII form")
    return normal


def is_plain_address(text: str) -> bool:
    """Return whether a text is an address of ordinary ASCII letters, in its normal form."""
    return len(text) <= MAX_LENGTH and _PLAIN.fullmatch(text) is not None


def is_valid_address(address: str) -> bool:
    """Return whether mail can go to an address that is stored."""
    try:
        return bool(check_address(address))
    except ValueError:
        return False


def parse_mailbox(text: str) -> tuple[str, str]:
    """Return the name and the address of `Ada <ada@example.com>` or `ada@example.com`.

    Args:
        text: a mailbox, whose name may be in double quotes. A line break in the name becomes a
            space.

    Raises:
        ValueError: the text is not a mailbox; the message completes "the mailbox …".
    """
    match = _MAILBOX.fullmatch(text.strip())
    name, address = (match["name"].strip(), match["address"]) if match else ("", text)
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if _SURROGATE.search(name):
        raise ValueError("has a name that is not valid Unicode")
    return to_header_line(name), check_address(address, allow_dotless=True)


@lru_cache(maxsize=4096)
def _check(address: str, is_dotless: bool) -> str | ValueError:
    """Return the address in the library's form, or the error that the library raises."""
    # Loading the library takes as long as most commands do, and few addresses need it.
    import email_validator

    # The library refuses the domains of private networks and tests, such as `.local`, and those
    # without a dot. Such a domain is valid where it is valid as a part of another one.
    _, dot, top = address.rpartition("@")[2].rpartition(".")
    is_reserved = dot and top.lower() in email_validator.SPECIAL_USE_DOMAIN_NAMES
    suffix = _PUBLIC_DOMAIN if is_dotless or is_reserved else ""
    try:
        checked = email_validator.validate_email(
            address + suffix, check_deliverability=False, strict=True
        )
    except ValueError as error:
        return ValueError(str(error))
    return f"{checked.local_part}@{checked.ascii_domain.removesuffix(suffix)}"
