"""The clicks on each link of a template, by people and by machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from ..domain.engagement import LinkTotal
from .db import Query, Row, Write
from .rows import read_pairs

# Further links of a template are counted together, under an empty URL.
MAX_LINKS: Final = 200


class _Key(NamedTuple):
    template: str
    digest: bytes
    url: str


def find_templates(send_ids: Sequence[UUID]) -> Query[dict[UUID, str]]:
    """Query the templates of sends; those without one are left out."""
    return Query(
        "SELECT id, template FROM sends WHERE id IN ? AND template <> ''",
        [list(send_ids)],
        read_pairs(UUID, str),
    )


def find_counted(templates: Sequence[str]) -> Query[dict[str, set[bytes]]]:
    """Query the digests of the links that are counted, by template."""

    def read(rows: Sequence[Row]) -> dict[str, set[bytes]]:
        counted: dict[str, set[bytes]] = defaultdict(set)
        for template, digest in rows:
            counted[template].add(bytes(digest))
        return counted

    return Query(
        "SELECT template, url_digest FROM link_totals WHERE template IN ?", [list(templates)], read
    )


def add(clicks: Sequence[tuple[str, str, bool]], counted: Mapping[str, set[bytes]]) -> Write:
    """Count clicks.

    Args:
        clicks: the template of each, the URL, and whether a person clicked.
        counted: the links that are counted already, from `find_counted`.
    """
    known = {template: set(digests) for template, digests in counted.items()}
    sums: dict[_Key, list[int]] = {}
    for template, url, is_human in clicks:
        digests = known.setdefault(template, set())
        key = _Key(template, _digest(url), url)
        if key.digest not in digests and len(digests) >= MAX_LINKS:
            key = _Key(template, _digest(""), "")
        digests.add(key.digest)
        sums.setdefault(key, [0, 0])[not is_human] += 1
    return Write(
        "INSERT INTO link_totals (template, url_digest, url, human, machine) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (template, url_digest) DO UPDATE SET "
        "human = link_totals.human + excluded.human, "
        "machine = link_totals.machine + excluded.machine",
        # In order, so that two workers lock the rows in the same order.
        [(*key, *figures) for key, figures in sorted(sums.items())],
    )


def find_by_template(template: str) -> Query[list[LinkTotal]]:
    """Query the links of a template, those with most clicks of people first."""
    return Query(
        "SELECT url, human, machine FROM link_totals WHERE template = ? "
        "ORDER BY human DESC, machine DESC, url",
        [template],
        lambda rows: [
            LinkTotal(str(url), int(human), int(machine)) for url, human, machine in rows
        ],
    )


def _digest(url: str) -> bytes:
    return sha256(url.encode("utf-8", "surrogatepass")).digest()
