"""Parses the address of a provider with an HTTP API in `HOGSEND_MAIL`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ...errors import ConfigError
from .smtp_server import is_loopback

ESCAPES = "In a key or password, write # as %23, ? as %3F, / as %2F, @ as %40 and % as %25."


@dataclass(frozen=True, slots=True)
class ProviderUrl:
    """The parts of such as `mailgun://KEY@example.com?region=eu`.

    Args:
        scheme: the provider.
        key: the API key, or what stands before the colon.
        secret: what stands after the colon; empty if there is none.
        host: what stands after `@`, such as a sending domain; empty if there is none.
        options: the parameters.
    """

    scheme: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    host: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether a server on this machine stands in for the provider."""
        return is_loopback(urlsplit(self.options.get("url", "")).hostname or "")

    def choose_base(self, default: str) -> str:
        """Return the address of the API without a final slash: the `url` option or the default.

        Raises:
            ConfigError: the option is not an `https:` address; the key would leave unencrypted.
        """
        base = self.options.get("url", default).rstrip("/")
        parts = urlsplit(base)
        if not parts.hostname or parts.scheme not in ("https", "http"):
            raise ConfigError(
                f"HOGSEND_MAIL has a url for {self.scheme} that is not an address.",
                "Write it as url=https://host.",
            )
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ConfigError(
                f"HOGSEND_MAIL has a url for {self.scheme} that does not encrypt.",
                "Begin it with https://.",
            )
        return base


def parse_provider_url(mail: str, form: str, options: frozenset[str]) -> ProviderUrl:
    """Parse the address of a provider.

    A plus in a parameter is a plus, because keys in base64 have them.

    Args:
        mail: the address.
        form: how it is written, for the error; a form with `@` needs a host, one with a colon
            before it a secret.
        options: the names of the parameters that the provider takes, besides `url`.

    Raises:
        ConfigError: the address is invalid; the message never contains the key.
    """
    scheme, _, rest = mail.partition("://")
    remedy = f"Write it as {form}. {ESCAPES}"
    authority, _, query = rest.partition("?")
    credentials, _, host = authority.rpartition("@") if "@" in form else (authority, "", "")
    key, _, secret = credentials.partition(":")
    if not key or "/" in authority.rstrip("/") or "#" in mail:
        raise ConfigError(f"HOGSEND_MAIL is not the address of {scheme}.", remedy)
    shape = form.partition("://")[2].partition("?")[0]
    needs_host, needs_secret = "@" in shape, ":" in shape.partition("@")[0]
    if (needs_host and not host) or bool(secret) != needs_secret:
        raise ConfigError(f"HOGSEND_MAIL is not the address of {scheme}.", remedy)
    values: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name not in options | {"url"}:
            known = ", ".join(sorted(options))
            raise ConfigError(
                f"HOGSEND_MAIL has an option that {scheme} does not have: {name[:40]}.",
                f"The options are {known}.",
            )
        values[name] = unquote(value)
    return ProviderUrl(scheme, unquote(key).rstrip("/"), unquote(secret), host.rstrip("/"), values)
