"""Finds the links of a mail by the rules of HTML and rewrites them in place."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import quote

from ..domain.hosts import encode_host
from .markup import Attribute, HtmlToken, parse_attributes
from .tokens import MAX_URL_LENGTH, is_web_url

_ELEMENTS = ("a", "area")
_NO_TRACK = "data-no-track"
# The paths of consent links, of the mail in a browser, and of links that are tracked already.
_UNTRACKED_PATHS = (
    "/u/",
    "/p/",
    "/m/",
    "/c/",
    "/o/",
    "/v1/email/unsubscribe",
    "/v1/email/preferences",
)
_DROPPED = {ord(character): None for character in "\t\r\n"}
_URL_SAFE = "!#$%&'()*+,-./:;=?@[]_~\\|^`{}"
# Matches an address that needs no normalization, as nearly all web addresses in mails.
_NORMAL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9!#$%&'()*+,\-./:;=?@\[\]_~\\|^`{}]*+")
_HOST = re.compile(r"(?i)(https?://(?:[^/?#@]*@)?)([^/?#:]+)")


def rewrite_links(
    markup: str, html_tokens: Sequence[HtmlToken], base_url: str, target: Callable[[int, str], str]
) -> tuple[str, list[str]]:
    """Return the mail with tracked links, and the destinations of these links, in order.

    Only the values of `href` change. The function does not rewrite other schemes (`mailto:`,
    `tel:`, `sms:`), anchors in the mail itself, Hogsend's own consent and view links, and elements
    with `data-no-track`.

    Args:
        markup: the HTML.
        html_tokens: the tokens of the HTML, from `find_html_tokens`.
        base_url: the public address of Hogsend, without a trailing slash.
        target: makes the tracked address from the link's position, from 0, and its destination.
    """
    pieces: list[str] = []
    urls: list[str] = []
    position = 0
    for href in find_links(markup, html_tokens):
        url = resolve_destination(href.value, base_url)
        if url is None:
            continue
        value = html.escape(target(len(urls), url))
        pieces.append(markup[position : href.start])
        pieces.append(value if href.quote else f'"{value}"')
        position = href.end
        urls.append(url)
    pieces.append(markup[position:])
    return "".join(pieces), urls


def find_links(markup: str, html_tokens: Sequence[HtmlToken]) -> Iterator[Attribute]:
    """Yield the `href` of each link without `data-no-track`.

    Args:
        markup: the HTML.
        html_tokens: the tokens of the HTML, from `find_html_tokens`.
    """
    for html_token in html_tokens:
        if html_token.name in _ELEMENTS:
            by_name = parse_attributes(markup, html_token)
            if "href" in by_name and _NO_TRACK not in by_name:
                yield by_name["href"]


def resolve_destination(href: str, base_url: str) -> str | None:
    """Return the destination of a link, or None when the link must not be tracked.

    Args:
        href: the attribute's value with decoded character references.
        base_url: the public address of Hogsend, without a trailing slash.
    """
    url = normalize_web_address(href)
    if url is None or (
        url.startswith(base_url) and url[len(base_url) :].startswith(_UNTRACKED_PATHS)
    ):
        return None
    return url


def normalize_web_address(href: str) -> str | None:
    """Return the URL that a browser opens for an `href`, or None when it is not a web address.

    Args:
        href: the attribute's value with decoded character references.
    """
    if len(href) <= MAX_URL_LENGTH and _NORMAL.fullmatch(href):
        return href
    return _normalize(href)


@lru_cache(maxsize=256)
def _normalize(href: str) -> str | None:
    url = href.strip(" \t\r\n\f\0").translate(_DROPPED)
    if not url.isascii():
        url = _encode_host(url)
    url = quote(url, safe=_URL_SAFE)
    return url if is_web_url(url) and len(url) <= MAX_URL_LENGTH else None


def _encode_host(url: str) -> str:
    match = _HOST.match(url)
    if match is None or match[2].isascii():
        return url
    try:
        return match[1] + encode_host(match[2]) + url[match.end() :]
    except ValueError:
        return url
