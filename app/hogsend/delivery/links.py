"""The links of a mail: found by the rules of HTML, rewritten in place."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import quote

import idna

from .markup import Attribute, Tag, attributes
from .tokens import LONGEST_URL, is_web_url

_ELEMENTS = ("a", "area")
_NO_TRACK = "data-no-track"
# Consent links, the mail in a browser, and what is tracked already.
_OWN_PATHS = ("/u/", "/p/", "/m/", "/c/", "/o/", "/v1/email/unsubscribe", "/v1/email/preferences")
_DROPPED = {ord(character): None for character in "\t\r\n"}
_URL_SAFE = "!#$%&'()*+,-./:;=?@[]_~\\|^`{}"
# An address that needs no mending; web addresses in mails are hardly ever different.
_ORDINARY = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9!#$%&'()*+,\-./:;=?@\[\]_~\\|^`{}]*+")
_HOST = re.compile(r"(?i)(https?://(?:[^/?#@]*@)?)([^/?#:]+)")


def rewritten(
    markup: str, tags: Sequence[Tag], base_url: str, target: Callable[[int, str], str]
) -> tuple[str, list[str]]:
    """Return the mail with its web links replaced, and what they led to, in order.

    Only the values of `href` change; every other byte stays. Left alone are other schemes
    (`mailto:`, `tel:`, `sms:`), places in the mail itself, our own consent and view links, and
    elements with `data-no-track`.

    Args:
        markup: the HTML.
        tags: its tags, as `markup.tags` gives them.
        base_url: our own address, without a slash at its end.
        target: makes the new address out of the link's position, from 0, and its old address.
    """
    pieces: list[str] = []
    found: list[str] = []
    position = 0
    for href in links_of(markup, tags):
        url = destination(href.value, base_url)
        if url is None:
            continue
        value = html.escape(target(len(found), url))
        pieces.append(markup[position : href.start])
        pieces.append(value if href.quote else f'"{value}"')
        position = href.end
        found.append(url)
    pieces.append(markup[position:])
    return "".join(pieces), found


def links_of(markup: str, tags: Sequence[Tag]) -> Iterator[Attribute]:
    """Yield the `href` of each element that may be tracked.

    Args:
        markup: the HTML.
        tags: its tags, as `markup.tags` gives them.
    """
    for tag in tags:
        if tag.name in _ELEMENTS:
            of_tag = attributes(markup, tag)
            if "href" in of_tag and _NO_TRACK not in of_tag:
                yield of_tag["href"]


def destination(href: str, base_url: str) -> str | None:
    """Return where a link leads, or None when it is not one to track.

    Args:
        href: the attribute's value, its character references decoded.
        base_url: our own address, without a slash at its end.
    """
    url = web_address(href)
    if url is None or (url.startswith(base_url) and url[len(base_url) :].startswith(_OWN_PATHS)):
        return None
    return url


def web_address(href: str) -> str | None:
    """Return where a browser would go for an `href`, or None when that is not a web page.

    Args:
        href: the attribute's value, its character references decoded.
    """
    if len(href) <= LONGEST_URL and _ORDINARY.fullmatch(href):
        return href
    return _mended(href)


@lru_cache(maxsize=256)
def _mended(href: str) -> str | None:
    url = href.strip(" \t\r\n\f\0").translate(_DROPPED)
    if not url.isascii():
        url = _with_ascii_host(url)
    url = quote(url, safe=_URL_SAFE)
    return url if is_web_url(url) and len(url) <= LONGEST_URL else None


def _with_ascii_host(url: str) -> str:
    match = _HOST.match(url)
    if match is None or match[2].isascii():
        return url
    try:
        host = idna.encode(match[2], uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return url
    return match[1] + host + url[match.end() :]
