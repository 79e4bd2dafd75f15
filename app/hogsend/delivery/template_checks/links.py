"""Checks the links and images of a mail."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..links import normalize_web_address
from ..local_files import is_relative
from ..markup import Attribute, find_html_tokens, parse_attributes
from .finding import CheckedMail, Finding

_LINKS = ("a", "area")
_OTHER_SCHEMES = frozenset({"mailto", "tel", "sms", "cid"})
# Names that the internet keeps for examples and tests (RFC 2606), and names that people take.
_PLACEHOLDER_HOSTS = ("example.com", "example.org", "example.net", "yourdomain.com", "domain.com")
_PLACEHOLDER_ENDS = (".example", ".test", ".invalid", ".localhost")
_UNSUBSCRIBE_PATHS = ("/u/", "/p/")


def check_links(mail: CheckedMail) -> Iterator[Finding]:
    """Yield what is wrong with the links and images of a mail."""
    has_unsubscribe = False
    seen: set[tuple[str, str]] = set()
    for name, attributes in _find_tags(mail.html):
        href = attributes.get("href")
        if name in _LINKS and href is not None:
            has_unsubscribe = has_unsubscribe or _is_unsubscribe(href.value, mail.base_url)
            key = ("a", _shorten_placeholder(href.value))
            if key not in seen:
                seen.add(key)
                yield from _check_address(href.value.strip(), mail.base_url)
        elif name == "img":
            source = attributes["src"].value.strip() if "src" in attributes else ""
            if ("img", source) not in seen or not source:
                seen.add(("img", source))
                yield from _check_image(source, has_alternative="alt" in attributes)
    if not has_unsubscribe and not mail.is_transactional:
        yield Finding(
            "unsubscribe",
            "error",
            "The mail has no link to unsubscribe.",
            "Add a link to {{ unsubscribe_url }} or {{ preferences_url }}, or extend a layout "
            "that has it.",
        )


def list_web_links(mail: CheckedMail) -> list[str]:
    """Return the web addresses that a mail leads to, without placeholders and Hogsend's own."""
    links: dict[str, None] = {}
    for name, attributes in _find_tags(mail.html):
        href = attributes.get("href")
        if name in _LINKS and href is not None:
            url = normalize_web_address(href.value)
            is_own = href.value.strip().startswith(mail.base_url + "/")
            if url is not None and not is_own and not is_placeholder(url):
                links.setdefault(url)
    return list(links)


def _shorten_placeholder(href: str) -> str:
    """Return the host of a placeholder, so that each host is reported once, or the address."""
    try:
        return urlsplit(href).netloc if is_placeholder(href) else href
    except ValueError:
        return href


def is_placeholder(url: str) -> bool:
    """Return whether a web address leads to a host that is only an example."""
    host = (urlsplit(url).hostname or "").lower()
    return (
        host == "localhost"
        or host.startswith("127.")
        or host.endswith(_PLACEHOLDER_ENDS)
        or any(host == name or host.endswith(f".{name}") for name in _PLACEHOLDER_HOSTS)
    )


def _find_tags(html: str) -> Iterator[tuple[str, dict[str, Attribute]]]:
    for tag in find_html_tokens(html):
        if tag.name in _LINKS or tag.name == "img":
            yield tag.name, parse_attributes(html, tag)


def _is_unsubscribe(href: str, base_url: str) -> bool:
    own = href.strip()
    return own.startswith(base_url) and own[len(base_url) :].startswith(_UNSUBSCRIBE_PATHS)


def _check_address(href: str, base_url: str) -> Iterator[Finding]:
    if href in ("", "#"):
        yield Finding(
            "link", "error", "A link leads nowhere.", "Write an address in its href.", href
        )
        return
    if href.startswith("#") or href.startswith(f"{base_url}/"):
        return
    if href.startswith("//") or is_relative(href) or href.startswith(("/", "?", "\\")):
        yield Finding(
            "link",
            "error",
            "A link is relative, so it leads nowhere in a mail program.",
            "Write the whole address, with https://.",
            href,
        )
        return
    scheme = href.partition(":")[0].lower()
    if scheme in _OTHER_SCHEMES:
        if scheme == "mailto" and "@" not in href:
            yield Finding(
                "link", "error", "A mail link has no address.", "Write mailto:name@host.", href
            )
        return
    yield from _check_web_address(href)


def _check_web_address(href: str) -> Iterator[Finding]:
    try:
        url = None if "{{" in href or " " in href else normalize_web_address(href)
        is_example = url is not None and is_placeholder(url)
    except ValueError:
        url, is_example = None, False
    if url is None:
        yield Finding(
            "link",
            "error",
            "A link has no valid address.",
            "Write an address that begins with https:// and has no spaces.",
            href,
        )
    elif is_example:
        yield Finding(
            "link",
            "warning",
            "A link leads to a placeholder.",
            "Write the address of your own site.",
            href,
        )


def _check_image(source: str, *, has_alternative: bool) -> Iterator[Finding]:
    if not source or is_relative(source):
        yield Finding(
            "image",
            "error",
            "An image has no address." if not source else "An image is not in emails/.",
            "Write the path of a file in emails/, or an address with https://.",
            source,
        )
    if not has_alternative:
        yield Finding(
            "image",
            "warning",
            "An image has no alternative text for people who do not see it.",
            'Add alt="…", or alt="" if it says nothing.',
            source,
        )
