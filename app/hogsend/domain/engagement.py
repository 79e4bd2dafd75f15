"""Opens and clicks, and the verdict whether a person or a machine caused them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

Verdict = Literal["human", "machine", "unsure"]
EngagementKind = Literal["open", "click"]

# A click is judged after this time, when the other clicks of its mail are known: scanners follow
# every link.
HOLD = timedelta(seconds=10)
# No person opens a mail and clicks a link in less time than this after the hand-over.
TOO_SOON = timedelta(seconds=2)
MANY_LINKS = 3
# How many clicks on one link are held at a time; more are repeats.
MAX_HELD = 10

_PREFETCH = re.compile(r"GoogleImageProxy|YahooMailProxy|ggpht\.com", re.I)
_MACHINE = re.compile(
    r"bot\b|crawler|spider|scan|preview|proofpoint|mimecast|barracuda|safelinks|urldefense|"
    r"curl/|wget/|python-|go-http|java/|headless|facebookexternalhit|slackbot|monitor",
    re.I,
)
_PHONE = re.compile(r"iPhone|Android(?:(?!Android).)*Mobile|Mobile Safari", re.I)


@dataclass(frozen=True, slots=True)
class Engagement:
    """One open or click.

    Args:
        id: our id.
        send_id: the mail's send.
        kind: `open` or `click`.
        at: when it happened.
        position: the number of the link, from 0.
        url: the link's target, for a click.
        verdict: whether a person or a machine caused it; `unsure` while a click is held.
        agent: the class of the User-Agent (see `classify_agent`); the header itself is not stored.
        network: the truncated network of the IP address, such as `192.0.2.0/24`.
        held_until: when a held click is judged; None for a click that has been judged.
    """

    id: UUID
    send_id: UUID
    kind: EngagementKind
    at: datetime
    position: int
    url: str | None
    verdict: Verdict
    agent: str
    network: str
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EngagementKey:
    """What makes an open or a click a repeat of an earlier one.

    Args:
        send_id: the mail's send.
        kind: `open` or `click`.
        position: the number of the link.
        verdict: whether a person or a machine caused it, or a click is still held.
    """

    send_id: UUID
    kind: EngagementKind
    position: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LinkTotal:
    """The clicks on a link of a template.

    Args:
        url: the address without its query and fragment; empty for the links past the limit.
        human: the clicks by people.
        machine: the clicks by scanners and link previews.
    """

    url: str
    human: int
    machine: int


def simplify_link(url: str) -> str:
    """Return an address without what may be of its recipient: user, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else ""


def get_key(engagement: Engagement) -> EngagementKey:
    """Return what a repeat of an open or a click has in common with it."""
    return EngagementKey(
        engagement.send_id, engagement.kind, engagement.position, engagement.verdict
    )


def select_new(
    engagements: Iterable[Engagement], recorded: Iterable[EngagementKey]
) -> list[Engagement]:
    """Return the opens and clicks that are no repeats.

    A person who reloads a page, or anybody who sends a link again and again, counts once. A person
    counts although a machine was there before, because scanners follow every link. So of clicks
    that are not judged yet some are kept: each may turn out to be a machine's or a person's.

    Args:
        engagements: the opens and clicks that have just arrived, in order.
        recorded: those that are recorded.
    """
    counts = Counter(recorded)
    new: list[Engagement] = []
    for engagement in engagements:
        key = get_key(engagement)
        is_held = engagement.verdict == "unsure"
        is_repeat = counts[key] >= (MAX_HELD if is_held else 1)
        if not is_repeat and not (is_held and counts[replace(key, verdict="human")]):
            counts[key] += 1
            new.append(engagement)
    return new


def judge_request(kind: EngagementKind, method: str, agent: str) -> Verdict:
    """Judge an open or a click by its request alone.

    Args:
        kind: `open` or `click`.
        method: the HTTP method; browsers use GET.
        agent: the User-Agent header.

    Returns:
        `machine` when a machine certainly sent the request. Any other open counts as a person's;
        any other click is `unsure` until the other clicks of its mail are known.
    """
    if method == "HEAD" or not agent or _MACHINE.search(agent) or _PREFETCH.search(agent):
        return "machine"
    # Apple's privacy proxy fetches every image with this bare agent.
    if kind == "open" and agent.strip() == "Mozilla/5.0":
        return "machine"
    return "human" if kind == "open" else "unsure"


def judge_click(at: datetime, sent_at: datetime | None, positions: Collection[int]) -> Verdict:
    """Judge a click whose hold is over.

    Args:
        at: when the click happened.
        sent_at: when the mail was handed over.
        positions: the positions of the mail's links that were followed within seconds of the click.
    """
    if sent_at is not None and at - sent_at < TOO_SOON:
        return "machine"
    return "machine" if len(set(positions)) >= MANY_LINKS else "human"


def classify_agent(agent: str) -> str:
    """Return the class of a User-Agent header: `phone`, `desktop`, `proxy`, `machine` or `none`."""
    if not agent:
        return "none"
    if _PREFETCH.search(agent) or agent.strip() == "Mozilla/5.0":
        return "proxy"
    if _MACHINE.search(agent):
        return "machine"
    return "phone" if _PHONE.search(agent) else "desktop"


def truncate_network(address: str) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) network of an IP address; empty for any other text."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    bits = 24 if isinstance(parsed, IPv4Address) else 48
    return str(ip_network(f"{parsed}/{bits}", strict=False))
