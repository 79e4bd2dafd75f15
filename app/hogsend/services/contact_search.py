"""Lists of contacts: searched, filtered and sorted, page by page.

A page is found within a few hundredths of a second however many contacts there are: a filter that
few contacts match stops after a while, and the page says where to go on
(docs/decisions/0023-bounded-filters.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args
from uuid import UUID

from ..domain.conditions import Condition
from ..domain.contact import Contact
from ..domain.property_filter import parse_filters
from ..errors import InvalidInput
from ..store import counters
from ..store.db import Database
from ..store.read_models import contact_search as read_model
from ..store.read_models.contact_search import ContactFilter, IdentityKind, Position, Sort
from ..store.read_models.contacts import find_ids_by_identity_prefix, load_in_order
from .actor import Actor, Permission
from .installation import Installation
from .stepwise import StepBudget

__all__ = [
    "ContactList",
    "ContactQuery",
    "IdentityKind",
    "Sort",
    "count_contacts",
    "is_cursor",
    "search_contacts",
]

# How many contacts a search by identity considers.
_MAX_MATCHES = 200
# How many contacts an offset looks at to leave out some of one kind.
_MAX_SKIPPED = 10_000
# The greatest instant that both databases store.
_MAX_INSTANT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class ContactQuery:
    """Which contacts to list.

    Args:
        text: the beginning of a user id, an address or an anonymous id, with or without spaces
            around it; empty for any.
        identity: the kinds of contacts.
        where: filters by property, such as `plan=pro` (`domain/property_filter.py`).
        sort: the order; `-` stands for the latest first, or for z to a.
        limit: how many contacts at most.
        cursor: the `next_cursor` of the page before; empty for the first page.
        offset: how many contacts to leave out, without filters and cursor.
        is_thorough: whether to look at all contacts, however long it takes.
    """

    text: str = ""
    identity: IdentityKind = "all"
    where: Sequence[str] = ()
    sort: Sort = "-lastSeen"
    limit: int = 50
    cursor: str = ""
    offset: int = 0
    is_thorough: bool = False


@dataclass(frozen=True, slots=True)
class ContactList:
    """A page of contacts.

    Args:
        contacts: in the order that was asked for.
        next_cursor: where to go on; empty at the end.
        looked_until: what the last contact that was looked at is sorted by: when it was seen or
            created, or its address; None when the page is full or there are no more contacts.
        is_cut: whether a search by identity has more matches than it considers.
    """

    contacts: Sequence[Contact]
    next_cursor: str = ""
    looked_until: datetime | str | None = None
    is_cut: bool = False


async def search_contacts(
    installation: Installation, actor: Actor, query: ContactQuery
) -> ContactList:
    """Return a page of contacts.

    Args:
        installation: whose contacts.
        actor: who reads them.
        query: which contacts.

    Raises:
        Forbidden: the actor may not read.
        InvalidInput: a filter, the order or the cursor is not valid.
    """
    actor.require(Permission.READ)
    try:
        conditions = parse_filters(query.where)
    except ValueError as error:
        raise InvalidInput(
            str(error), details=[{"path": ["where"], "message": str(error)}]
        ) from None
    if query.identity not in get_args(IdentityKind):
        raise InvalidInput(
            "identity is all, identified or anonymous.",
            details=[{"path": ["identity"], "message": "is not a kind of contacts"}],
        )
    if query.sort not in get_args(Sort):
        raise InvalidInput(
            "Contacts are sorted by lastSeen, firstSeen, created or email, with - for the reverse.",
            details=[{"path": ["sort"], "message": "is not an order of contacts"}],
        )
    contact_filter = ContactFilter(query.identity, tuple(conditions), query.sort)
    query = replace(query, text=query.text.strip())
    search = _Search(installation, contact_filter, query)
    return await (search.find_by_text() if query.text else search.find_in_order())


async def count_contacts(installation: Installation, actor: Actor) -> int:
    """Return how many contacts there are.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    gauges = await installation.database.read_one(counters.find_gauges([counters.CONTACTS]))
    return gauges.get(counters.CONTACTS, 0)


class _Search:
    """One page that is looked for."""

    def __init__(
        self, installation: Installation, contact_filter: ContactFilter, query: ContactQuery
    ) -> None:
        self._database: Database = installation.database
        self._now = installation.clock.now()
        self._filter = contact_filter
        self._query = query

    async def find_by_text(self) -> ContactList:
        """Return the contacts with an identity that begins with the text."""
        database, query = self._database, self._query
        ids = await database.read_one(
            find_ids_by_identity_prefix(query.text, _MAX_MATCHES + 1, is_sqlite=database.is_sqlite)
        )
        is_cut, ids = len(ids) > _MAX_MATCHES, ids[:_MAX_MATCHES]
        matches = [c for c in await load_in_order(database, ids) if self._matches(c)]
        is_reversed = query.sort.startswith("-")
        matches.sort(key=lambda c: read_model.find_place(self._filter, c), reverse=is_reversed)
        after = self._parse_cursor()
        if after is not None:
            places = [read_model.find_place(self._filter, c) for c in matches]
            matches = [
                contact
                for contact, place in zip(matches, places, strict=True)
                if (place < after if is_reversed else place > after)
            ]
        if len(matches) <= query.limit:
            return ContactList(matches, is_cut=is_cut)
        page = matches[: query.limit]
        last = read_model.find_place(self._filter, page[-1])
        return ContactList(page, self._format_cursor(last), is_cut=is_cut)

    async def find_in_order(self) -> ContactList:
        """Return the next contacts of the order that match."""
        after, limit = self._parse_cursor(), self._query.limit
        if after is None and self._query.offset:
            after = await self._find_offset()
            if after is None:
                return ContactList([])
        budget = StepBudget()
        matches: list[Contact] = []
        while True:
            wanted = limit + 1 - len(matches)
            query = read_model.find_bound(self._filter, after, budget.rows - 1)
            bound = await self._database.read_one(query)
            candidates = await self._read(after, bound, wanted)
            matches += [contact for contact in candidates if self._matches(contact)]
            if len(matches) > limit:
                last = read_model.find_place(self._filter, matches[limit - 1])
                return ContactList(matches[:limit], self._format_cursor(last))
            if len(candidates) == wanted:
                after = read_model.find_place(self._filter, candidates[-1])
            elif bound is None:
                return ContactList(matches)
            else:
                after = bound
            if not budget.end_step() and not self._query.is_thorough:
                looked_until = read_model.describe_place(after)
                return ContactList(matches, self._format_cursor(after), looked_until)

    async def _read(
        self, after: Position | None, bound: Position | None, limit: int
    ) -> list[Contact]:
        is_sqlite = self._database.is_sqlite
        return await self._database.read_one(
            read_model.find(self._filter, after, bound, limit=limit, is_sqlite=is_sqlite)
        )

    async def _find_offset(self) -> Position | None:
        """Return the place of the last contact that the offset leaves out."""
        if self._filter.conditions:
            raise InvalidInput(
                "An offset cannot be combined with filters.", "Use the cursor of the page before."
            )
        database, bound = self._database, None
        if self._query.identity != "all":
            query = read_model.find_bound(self._filter, None, _MAX_SKIPPED - 1)
            bound = await database.read_one(query)
        contact = await database.read_one(
            read_model.find_by_offset(self._filter, bound, self._query.offset - 1)
        )
        if contact is None and bound is not None:
            raise InvalidInput(
                f"The offset leads beyond the first {_MAX_SKIPPED:,} contacts of all kinds.",
                "Use the cursor of the page before.",
            )
        return read_model.find_place(self._filter, contact) if contact else None

    def _matches(self, contact: Contact) -> bool:
        if self._query.sort.endswith("email") and not contact.email:
            return False
        if self._query.identity != "all":
            is_identified = bool(contact.user_id or contact.email)
            if is_identified is not (self._query.identity == "identified"):
                return False
        conditions: Sequence[Condition] = self._filter.conditions
        return all(c.matches(contact.properties, self._now) for c in conditions)

    # -- cursors ------------------------------------------------------------------------------

    def _format_cursor(self, place: Position) -> str:
        return f"{self._query.sort}.{place.id}.{place.key}"

    def _parse_cursor(self) -> Position | None:
        return _parse_cursor(self._query.cursor, self._query.sort) if self._query.cursor else None


def is_cursor(text: str, sort: str) -> bool:
    """Return whether a text is the cursor of a list in an order."""
    try:
        _parse_cursor(text, sort)
    except InvalidInput:
        return False
    return True


def _parse_cursor(text: str, sort: str) -> Position:
    cursor_sort, _, rest = text.partition(".")
    contact_id, _, key = rest.partition(".")
    place = None
    with suppress(ValueError):
        place = Position(key if sort.endswith("email") else int(key), UUID(contact_id))
    is_in_range = place is not None and (
        "\0" not in place.key if isinstance(place.key, str) else abs(place.key) <= _MAX_INSTANT
    )
    if place is None or cursor_sort != sort or not is_in_range:
        raise InvalidInput(
            "This cursor belongs to another list.", "Begin at the first page, without a cursor."
        )
    return place
