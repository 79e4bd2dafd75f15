"""`/v1/contacts`: contacts as a product and its web pages create, find and delete them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from ...domain.forms import Body, Email, Properties, Text, UserId
from ...errors import InvalidInput
from ...services.contact_changes import (
    ContactChange,
    Visitor,
    delete_contact,
    find_contacts,
    read_visitor,
    upsert_contact,
)
from ...services.identity_claims import authorize_claim
from .contact_views import CONTACT_EXAMPLE, ContactView, build_contact
from .routes import Answer, ApiCall, RouteTable
from .schemas import NoQuery, QueryForm, View

routes = RouteTable("Contacts")
Token = Annotated[str, StringConstraints(max_length=4096)]


class ContactBody(Body):
    """A contact, and what changes."""

    email: Email = ""
    user_id: UserId = ""
    anonymous_id: Text = ""
    properties: Properties = Field(default_factory=dict)
    lists: dict[Text, bool] = Field(default_factory=dict)
    user_token: Token = ""


class UpsertView(View):
    """The contact, and whether the call created it."""

    id: UUID
    created: bool
    linked: bool


class FindQuery(QueryForm):
    """Whom to find."""

    email: str = Field("", max_length=320, description="An address.")
    user_id: str = Field("", max_length=200, description="Your product's id.")


class ContactsView(View):
    """The contacts that were found."""

    contacts: list[ContactView]


class DeleteBody(Body):
    """Whom to delete."""

    email: Annotated[str, StringConstraints(max_length=320)] = ""
    user_id: Annotated[str, StringConstraints(max_length=200)] = ""


class DeletedView(View):
    """The contact is deleted."""

    deleted: bool


class VisitorQuery(QueryForm):
    """Who the visitor is."""

    user_token: str = Field("", max_length=4096, description="Signed by your server.")
    user_id: str = Field("", max_length=200, description="With a secret key only.")
    email: str = Field("", max_length=320, description="With a secret key only.")
    anonymous_id: str = Field("", max_length=200, description="The browser's id.")

    def to_visitor(self) -> Visitor:
        """Return the visitor."""
        return Visitor(self.user_token, self.user_id.strip(), self.email, self.anonymous_id)


class MeView(View):
    """What a web page may know of its visitor."""

    identified: bool
    traits: dict[str, Any]
    email: str | None = None


@routes.route(
    "PUT",
    "/v1/contacts",
    scope="ingest-public",
    body=ContactBody,
    body_example={"userId": "ada", "email": "ada@example.com", "properties": {"plan": "pro"}},
    answers={
        200: Answer(
            UpsertView,
            "The contact is stored.",
            {"id": CONTACT_EXAMPLE["id"], "created": False, "linked": True},
        )
    },
    errors=(413,),
)
async def upsert(call: ApiCall[NoQuery, ContactBody]) -> UpsertView:
    """Create a contact, or change it.

    Contacts that the identities show to be one person are merged. `linked` says whether a contact
    was found. Properties merge at the top level; null deletes one.
    """
    body, context = call.body, call.context
    authorize_claim(
        context, call.actor, user_id=body.user_id, email=body.email, user_token=body.user_token
    )
    change = ContactChange(
        body.user_id or None,
        body.email or None,
        body.anonymous_id or None,
        body.properties,
        body.lists,
    )
    result = await upsert_contact(context, call.actor, change)
    if result.lists_error:
        raise InvalidInput(result.lists_error, "The contact is stored, its lists are not.")
    return UpsertView(id=result.contact_id, created=result.created, linked=result.linked)


@routes.route(
    "GET",
    "/v1/contacts/find",
    scope="ingest",
    query=FindQuery,
    answers={200: Answer(ContactsView, "The contacts.", {"contacts": [CONTACT_EXAMPLE]})},
)
async def find(call: ApiCall[FindQuery, None]) -> ContactsView:
    """Return the contacts that an address or a user id names; there may be none."""
    owners = await find_contacts(
        call.context, call.actor, user_id=call.query.user_id, email=call.query.email
    )
    return ContactsView(contacts=[build_contact(owner) for owner in owners])


@routes.route(
    "DELETE",
    "/v1/contacts",
    scope="ingest",
    body=DeleteBody,
    body_example={"userId": "ada"},
    answers={200: Answer(DeletedView, "Nothing personal is left.", {"deleted": True})},
    errors=(404,),
)
async def delete(call: ApiCall[NoQuery, DeleteBody]) -> DeletedView:
    """Erase a contact: everything personal is removed, and its addresses stay suppressed."""
    body = call.body
    await delete_contact(call.context, call.actor, user_id=body.user_id, email=body.email)
    return DeletedView(deleted=True)


@routes.route(
    "GET",
    "/v1/contacts/me",
    scope="ingest-public",
    query=VisitorQuery,
    answers={
        200: Answer(
            MeView, "What the page may know.", {"identified": True, "traits": {"plan": "pro"}}
        )
    },
)
async def show_me(call: ApiCall[VisitorQuery, None]) -> MeView:
    """Return what a web page may know of its visitor: the properties that a setting names."""
    contact = await read_visitor(call.context, call.actor, call.query.to_visitor())
    if contact is None:
        return MeView(identified=False, traits={})
    names = call.context.settings.public_properties
    traits = {name: contact.properties[name] for name in names if name in contact.properties}
    is_identified = bool(contact.user_id or contact.email)
    if "email" in names:
        traits.pop("email", None)
        return MeView(identified=is_identified, traits=traits, email=contact.email)
    return MeView(identified=is_identified, traits=traits)
