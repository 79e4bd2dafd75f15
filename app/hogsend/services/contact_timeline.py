"""A contact's timeline: everything that happened to it, on pages, newest first.

What happened to the contacts that were merged into it is part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from ..domain.contact import Contact
from ..domain.merge_record import MergeRecord
from ..domain.send_policy import Send
from ..domain.timeline import KINDS, EntryKind, TimelineItem, TimelinePlace
from ..errors import InvalidInput
from ..store import contacts, sends
from ..store.fields import to_micros
from ..store.read_models import contact_timeline as read_model
from ..store.read_models.contact_timeline import RefusalEntry, TurnSteps
from ..store.read_models.contacts import EngagementRecord
from ..store.read_models.events import EventLine
from .actor import Actor, Permission
from .contacts import get_contact
from .installation import Installation
from .masked_mail import mask_event, mask_links

__all__ = [
    "KINDS",
    "EntryKind",
    "RefusalEntry",
    "TimelineItem",
    "TimelinePage",
    "TurnSteps",
    "is_timeline_cursor",
    "list_timeline",
]

# More contacts than were ever merged into one; each has its events read apart.
_MAX_MERGED = 50


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """A page of a timeline.

    Args:
        contact_id: the contact; of one that was merged, the surviving one.
        items: newest first.
        next_cursor: where the next page begins; empty at the end.
        sends: the emails that its opens and clicks belong to, by id.
        others: the other people who have a part in its emails, and those merged, by id.
    """

    contact_id: UUID
    items: Sequence[TimelineItem]
    next_cursor: str = ""
    sends: Mapping[UUID, Send] = field(default_factory=dict[UUID, Send])
    others: Mapping[UUID, Contact] = field(default_factory=dict[UUID, Contact])


async def list_timeline(
    installation: Installation,
    actor: Actor,
    contact_id: UUID,
    *,
    kinds: Collection[EntryKind] = KINDS,
    limit: int,
    cursor: str = "",
) -> TimelinePage:
    """Return a page of a contact's timeline.

    Links are masked for an actor who may only read.

    Args:
        installation: whose contact.
        actor: who reads it.
        contact_id: which contact.
        kinds: which kinds of entries.
        limit: how many entries at most.
        cursor: the `next_cursor` of the page before; empty for the first page.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such contact.
        InvalidInput: the cursor belongs to another list.
    """
    contact = await get_contact(installation, actor, contact_id)
    before = _parse_cursor(cursor) if cursor else None
    database = installation.database
    merged, addresses = await database.read(
        contacts.find_merged([contact.id]), read_model.find_addresses(contact.id)
    )
    family = [contact.id, *sorted(merged)]
    queries = [
        read_model.find(kind, group, before, limit + 1)
        for kind in kinds
        for group in _group_owners(kind, family, addresses)
    ]
    results: list[list[TimelineItem]] = await database.read(*queries) if queries else []
    items = [item for result in results for item in result]
    items.sort(key=read_model.get_order, reverse=True)
    page = items[:limit]
    next_cursor = str(_find_place(page[-1])) if items[limit:] and page else ""
    if Permission.OPERATE not in actor.permissions:
        page = [_mask(item) for item in page]
    send_ids = {i.value.send_id for i in page if isinstance(i.value, EngagementRecord)}
    sends_by_id, others = await database.read(
        sends.find_by_ids(list(send_ids)), contacts.find_by_ids(_list_others(page))
    )
    return TimelinePage(contact.id, page, next_cursor, sends_by_id, others)


def _group_owners(
    kind: EntryKind, family: Sequence[UUID], addresses: Sequence[str]
) -> Sequence[Sequence[UUID | str]]:
    """Return what the queries of a kind are about, a group for each query."""
    if kind == "event":
        return [[owner] for owner in family[: _MAX_MERGED + 1]]
    if kind == "suppression":
        return [addresses] if addresses else []
    return [family]


def _list_others(items: Sequence[TimelineItem]) -> list[UUID]:
    """Return the contacts that the descriptions of entries name."""
    ids: set[UUID] = set()
    for item in items:
        if isinstance(item.value, Send) and item.value.on_behalf_of is not None:
            ids |= {item.value.contact_id, item.value.on_behalf_of}
        elif isinstance(item.value, MergeRecord):
            ids.add(item.value.merged_id)
    return list(ids)


def _find_place(item: TimelineItem) -> TimelinePlace:
    return TimelinePlace(to_micros(item.at), item.kind, item.key)


def is_timeline_cursor(text: str) -> bool:
    """Return whether a text is the cursor of a timeline."""
    try:
        _parse_cursor(text)
    except InvalidInput:
        return False
    return True


def _parse_cursor(text: str) -> TimelinePlace:
    try:
        place = TimelinePlace.parse(text)
        read_model.check_key(place)
    except ValueError:
        raise InvalidInput(
            "This cursor belongs to another list.", "Begin at the first page, without a cursor."
        ) from None
    return place


def _mask(item: TimelineItem) -> TimelineItem:
    value = item.value
    if isinstance(value, EventLine):
        return replace(item, value=mask_event(value))
    if isinstance(value, EngagementRecord):
        return replace(item, value=replace(value, url=mask_links(value.url or "")))
    if isinstance(value, Send):
        return replace(item, value=replace(value, props={}))
    return item
