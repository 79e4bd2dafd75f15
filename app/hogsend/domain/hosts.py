"""The form of host names in URLs."""

from __future__ import annotations


def encode_host(host: str) -> str:
    """Return a host name in lower case and in the ASCII form of IDNA 2008 (RFC 5891, UTS 46).

    Args:
        host: a name or an IP address, without brackets.

    Raises:
        ValueError: the name has no ASCII form; the message says which part is wrong.
    """
    if host.isascii():
        return host.lower()
    # Few names need it, and every start would wait for its tables.
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"{host!r} has no ASCII form: {error}") from None
