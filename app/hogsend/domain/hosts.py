"""The form of host names in URLs, and of web origins."""

from __future__ import annotations

from urllib.parse import urlsplit

# Browsers leave these ports out of an origin.
_DEFAULT_PORTS = {"http": 80, "https": 443}


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


def to_web_origin(text: str) -> str:
    """Return a web origin in the form in which browsers send it.

    Args:
        text: such as `https://shop.example`, or `http://localhost:3000`.

    Raises:
        ValueError: it is not the address of a site without a path, or has a wildcard.
    """
    parts = urlsplit(text.strip())
    host, port = encode_host(parts.hostname or ""), parts.port
    is_whole = parts.path in ("", "/") and not (
        parts.query or parts.fragment or "@" in parts.netloc
    )
    is_name = host.isprintable() and not set(host) & {"*", " "}
    if not parts.scheme or not host or not is_whole or not is_name:
        raise ValueError(f"{text!r} is not a web origin")
    host = f"[{host}]" if ":" in host else host
    is_default = port is None or port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{port}"
