"""`/v1/admin/contacts`: contacts as operators list, change, merge and erase them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from pydantic import Field

from ...domain.forms import Body, Email, Properties, Text, UserId
from ...services.contact_changes import ContactChange, create_contact, edit_contact
from ...services.contact_search import (
    ContactQuery,
    IdentityKind,
    Sort,
    count_contacts,
    search_contacts,
)
from ...services.contacts import PaidTotal, find_contact, get_paid_totals
from ...services.merging import merge_contacts, unmerge_contact
from ...services.preferences import get_preferences, save_contact_preferences
from ...services.privacy import erase_contact
from .contact_views import (
    ADMIN_CONTACT_EXAMPLE,
    PREFERENCES_EXAMPLE,
    AdminContactView,
    PreferencesView,
    build_admin_contact,
    build_preferences,
)
from .contacts import DeletedView
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import InstantView, NoQuery, PageQuery, PageView, View, parse_path_id

routes = RouteTable("Contacts (admin)")


class ContactsQuery(PageQuery):
    """Which contacts to list."""

    offset: int = Field(0, ge=0, le=10_000, description="How many to leave out.")
    search: str = Field(
        "", max_length=320, description="The beginning of a user id, address or anonymous id."
    )
    identity: str = Field("all", description="`all`, `identified` or `anonymous`.")
    where: str = Field(
        "",
        max_length=2000,
        description="Filters by property, such as `plan=pro`; several are separated by `;`.",
    )
    sort: str = Field(
        "-lastSeen",
        description="`lastSeen`, `firstSeen`, `created` or `email`, with `-` for the reverse. "
        "Sorted by address, the list has no contacts without one.",
    )


class ContactsPage(PageView):
    """A page of contacts."""

    contacts: list[AdminContactView]
    looked_until: InstantView | str | None = Field(
        None,
        description="Set when a filter stopped before the page was full: what the last contact "
        "that was looked at is sorted by. `nextCursor` goes on.",
    )
    is_cut: bool | None = Field(
        None,
        description="True when more contacts match `search` than it considers: the list, with its "
        "further pages, has only some of them. A longer search finds the others.",
    )


class ContactAnswer(View):
    """One contact."""

    contact: AdminContactView


class EndedStateView(View):
    """An enrollment that a merge has ended, because both contacts were in the journey."""

    state_id: UUID
    journey_id: str
    contact_id: UUID


class SplitAnswer(ContactAnswer):
    """A contact that was split off, and what does not come back."""

    stay_ended: list[EndedStateView]


class RevenueTotal(View):
    """What a contact has paid in one currency."""

    currency: str
    total: float
    count: int


class RevenueView(View):
    """What a contact has paid: the amounts of its events, by currency, which may be empty."""

    totals: list[RevenueTotal]
    last_valued_at: InstantView | None


class ContactDetailAnswer(ContactAnswer):
    """One contact with its preferences."""

    preferences: PreferencesView | None
    revenue: RevenueView
    groups: list[dict[str, Any]]


class NewContactBody(Body):
    """A contact to create."""

    external_id: UserId = ""
    email: Email = ""
    anonymous_id: Text = ""
    properties: Properties = Field(default_factory=dict)


class ContactPatch(Body):
    """What changes of a contact."""

    email: Email = ""
    properties: Properties = Field(default_factory=dict)


class PreferencesPatch(Body):
    """What changes of a contact's preferences."""

    # A missing value becomes None, but an explicit null is invalid.
    unsubscribed_all: bool = None  # pyright: ignore[reportAssignmentType]
    suppressed: bool = None  # pyright: ignore[reportAssignmentType]
    categories: dict[Text, bool] = Field(default_factory=dict)


class PreferencesAnswer(View):
    """The preferences of a contact."""

    preferences: PreferencesView | None


class MergeBody(Body):
    """The other contact, and why."""

    other: Text
    force: bool = False
    note: str = Field("", max_length=200)


CONTACT_ANSWER: dict[str, Any] = {"contact": ADMIN_CONTACT_EXAMPLE}
DETAIL_EXAMPLE: dict[str, Any] = {
    **CONTACT_ANSWER,
    "preferences": PREFERENCES_EXAMPLE,
    "revenue": {"totals": [], "lastValuedAt": None},
    "groups": [],
}


@routes.route(
    "GET",
    "/v1/admin/contacts",
    scope="read",
    query=ContactsQuery,
    answers={
        200: Answer(
            ContactsPage,
            "The contacts.",
            {"contacts": [ADMIN_CONTACT_EXAMPLE], "total": 1, "limit": 50, "offset": 0},
        )
    },
)
async def list_all(call: ApiCall[ContactsQuery, None]) -> ContactsPage:
    """Return contacts that a search and filters select, in an order.

    `total` is there without search and filters. A filter that few contacts match may stop before
    the page is full: then `lookedUntil` says how far it has looked, and `nextCursor` goes on.
    """
    query, context, actor = call.query, call.context, call.actor
    where = [text for text in query.where.split(";") if text.strip()]
    page = await search_contacts(
        context,
        actor,
        ContactQuery(
            query.search,
            cast("IdentityKind", query.identity),
            where,
            cast("Sort", query.sort),
            query.limit,
            query.cursor,
            query.offset,
        ),
    )
    fields: dict[str, Any] = {"limit": query.limit, "offset": query.offset}
    if not query.search.strip() and not where and query.identity == "all":
        fields["total"] = await count_contacts(context, actor)
    if page.next_cursor:
        fields["next_cursor"] = page.next_cursor
    if page.looked_until:
        fields["looked_until"] = page.looked_until
    if page.is_cut:
        fields["is_cut"] = True
    return ContactsPage(contacts=[build_admin_contact(c) for c in page.contacts], **fields)


@routes.route(
    "POST",
    "/v1/admin/contacts",
    scope="full-admin",
    body=NewContactBody,
    body_example={"externalId": "ada", "properties": {"plan": "pro"}},
    answers={201: Answer(ContactAnswer, "The contact.", CONTACT_ANSWER)},
    errors=(409, 413),
)
async def create(call: ApiCall[NoQuery, NewContactBody]) -> Reply:
    """Create a contact."""
    body = call.body
    change = ContactChange(
        body.external_id or None, body.email or None, body.anonymous_id or None, body.properties
    )
    contact = await create_contact(call.context, call.actor, change)
    return Reply(ContactAnswer(contact=build_admin_contact(contact)), 201)


@routes.route(
    "GET",
    "/v1/admin/contacts/<contact_id>",
    scope="read",
    answers={200: Answer(ContactDetailAnswer, "The contact.", DETAIL_EXAMPLE)},
    errors=(404,),
)
async def show(call: ApiCall[NoQuery, None]) -> ContactDetailAnswer:
    """Return a contact, by its id or your product's, with its preferences."""
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    preferences = await get_preferences(call.context, call.actor, contact.id)
    return ContactDetailAnswer(
        contact=build_admin_contact(contact),
        preferences=build_preferences(preferences),
        revenue=_build_revenue(await get_paid_totals(call.context, call.actor, contact.id)),
        groups=[],
    )


def _build_revenue(totals: Sequence[PaidTotal]) -> RevenueView:
    return RevenueView(
        totals=[
            RevenueTotal(currency=paid.currency, total=paid.total, count=paid.count)
            for paid in totals
        ],
        last_valued_at=max((paid.last_at for paid in totals), default=None),
    )


@routes.route(
    "PATCH",
    "/v1/admin/contacts/<contact_id>",
    scope="full-admin",
    body=ContactPatch,
    body_example={"email": "ada@example.com", "properties": {"plan": "team", "trial": None}},
    answers={200: Answer(ContactAnswer, "The contact.", CONTACT_ANSWER)},
    errors=(404, 409, 413),
)
async def edit(call: ApiCall[NoQuery, ContactPatch]) -> ContactAnswer:
    """Change a contact's address and properties; null deletes a property."""
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    edited = await edit_contact(
        call.context,
        call.actor,
        contact.id,
        email=call.body.email or None,
        properties=call.body.properties,
    )
    return ContactAnswer(contact=build_admin_contact(edited))


@routes.route(
    "DELETE",
    "/v1/admin/contacts/<contact_id>",
    scope="full-admin",
    answers={200: Answer(DeletedView, "Nothing personal is left.", {"deleted": True})},
    errors=(404,),
)
async def erase(call: ApiCall[NoQuery, None]) -> DeletedView:
    """Erase a contact: everything personal is removed, and its addresses stay suppressed."""
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    await erase_contact(call.context, call.actor, contact.id)
    return DeletedView(deleted=True)


@routes.route(
    "GET",
    "/v1/admin/contacts/<contact_id>/preferences",
    scope="read",
    answers={
        200: Answer(PreferencesAnswer, "The preferences.", {"preferences": PREFERENCES_EXAMPLE})
    },
    errors=(404,),
)
async def show_preferences(call: ApiCall[NoQuery, None]) -> PreferencesAnswer:
    """Return which email a contact gets."""
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    preferences = await get_preferences(call.context, call.actor, contact.id)
    return PreferencesAnswer(preferences=build_preferences(preferences))


@routes.route(
    "PUT",
    "/v1/admin/contacts/<contact_id>/preferences",
    scope="full-admin",
    body=PreferencesPatch,
    body_example={"unsubscribedAll": False, "categories": {"product-updates": True}},
    answers={
        200: Answer(PreferencesAnswer, "The preferences.", {"preferences": PREFERENCES_EXAMPLE})
    },
    errors=(404, 409),
)
async def save_preferences(call: ApiCall[NoQuery, PreferencesPatch]) -> PreferencesAnswer:
    """Change which email a contact gets; what is missing stays as it is."""
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    preferences = await save_contact_preferences(
        call.context,
        call.actor,
        contact.id,
        unsubscribed_all=call.body.unsubscribed_all,
        suppressed=call.body.suppressed,
        categories=call.body.categories,
    )
    return PreferencesAnswer(preferences=build_preferences(preferences))


@routes.route(
    "POST",
    "/v1/admin/contacts/<contact_id>/merge",
    scope="full-admin",
    body=MergeBody,
    body_example={"other": "visitor@example.com", "note": "the same phone number"},
    answers={200: Answer(ContactAnswer, "The contact that remains.", CONTACT_ANSWER)},
    errors=(404, 409),
)
async def merge(call: ApiCall[NoQuery, MergeBody]) -> ContactAnswer:
    """Merge another contact with this one.

    `other` is an id, a user id or an address. Contacts with different user ids need `force` and a
    `note`; then the one in the path remains.
    """
    context, actor, body = call.context, call.actor, call.body
    kept = await find_contact(context, actor, call.values["contact_id"])
    other = await find_contact(context, actor, body.other)
    survivor = await merge_contacts(
        context, actor, kept.id, other.id, force=body.force, note=body.note
    )
    return ContactAnswer(contact=build_admin_contact(survivor))


@routes.route(
    "POST",
    "/v1/admin/contacts/<contact_id>/unmerge",
    scope="full-admin",
    answers={
        200: Answer(
            SplitAnswer, "The contact, of its own again.", {**CONTACT_ANSWER, "stayEnded": []}
        )
    },
    errors=(404, 409),
)
async def unmerge(call: ApiCall[NoQuery, None]) -> SplitAnswer:
    """Undo the merge of a contact into another; the path has the id of the one merged away.

    `stayEnded` has the enrollments of both contacts that the merge has ended, and that do not go
    on.
    """
    contact_id = parse_path_id(call.values["contact_id"], "Contact")
    split = await unmerge_contact(call.context, call.actor, contact_id)
    stay_ended = [
        EndedStateView(state_id=ended.id, journey_id=ended.journey_id, contact_id=ended.contact_id)
        for ended in split.stay_ended
    ]
    return SplitAnswer(contact=build_admin_contact(split.contact), stay_ended=stay_ended)
