"""The TLS context that checks the certificates of servers."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

# Where systems keep their certificate authorities, for an OpenSSL that was built elsewhere.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@cache
def create_verifying_context() -> ssl.SSLContext:
    """Return a context with the system's authorities; the first call takes about 20 ms."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        for file in filter(Path.is_file, map(Path, _AUTHORITIES)):
            context.load_verify_locations(file)
            break
    return context
