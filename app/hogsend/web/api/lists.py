"""`/v1/lists`: the lists, who gets them, and preferences."""

from __future__ import annotations

from typing import Any

from ...domain.forms import Body, Email, Text, UserId
from ...domain.journey import MailList
from ...services.contact_changes import ContactChange
from ...services.identity_claims import authorize_claim
from ...services.preferences import (
    change_subscription,
    list_subscriptions,
    read_visitor_preferences,
    stop_everything,
)
from .contacts import Token, VisitorQuery
from .routes import Answer, ApiCall, RouteTable
from .schemas import NoQuery, View

routes = RouteTable("Lists")


class ListView(View):
    """A list, and whether the contact gets it."""

    id: str
    name: str
    description: str | None = None
    default_opt_in: bool
    kind: str
    subscribed: bool


class ListsView(View):
    """All lists."""

    lists: list[ListView]


class WhoBody(Body):
    """Whose subscription changes."""

    email: Email = ""
    user_id: UserId = ""
    anonymous_id: Text = ""
    user_token: Token = ""

    def to_change(self) -> ContactChange:
        """Return the contact."""
        return ContactChange(self.user_id or None, self.email or None, self.anonymous_id or None)


class PreferencesBody(WhoBody):
    """Whether the contact gets transactional email only."""

    unsubscribed_all: bool


class SubscriptionView(View):
    """The list, and whether the contact gets it from now on."""

    list: str
    subscribed: bool


class OwnPreferencesView(View):
    """The choices of a contact."""

    categories: dict[str, bool]
    unsubscribed_all: bool


class UnsubscribedView(View):
    """Whether the contact gets transactional email only."""

    unsubscribed_all: bool


LIST_EXAMPLE: dict[str, Any] = {
    "id": "product-updates",
    "name": "Product updates",
    "description": "What is new, once a month.",
    "defaultOptIn": True,
    "kind": "topic",
    "subscribed": True,
}


@routes.route(
    "GET",
    "/v1/lists",
    scope="ingest-public",
    query=VisitorQuery,
    answers={200: Answer(ListsView, "The lists.", {"lists": [LIST_EXAMPLE]})},
)
async def list_all(call: ApiCall[VisitorQuery, None]) -> ListsView:
    """Return every list, with whether a contact gets it; the default if nobody is named."""
    subscriptions = await list_subscriptions(call.context, call.actor, call.query.to_visitor())
    return ListsView(
        lists=[
            _build_list(subscription.list, subscribed=subscription.is_subscribed)
            for subscription in subscriptions
        ]
    )


def _build_list(mail_list: MailList, *, subscribed: bool) -> ListView:
    optional = {"description": mail_list.description} if mail_list.description else {}
    return ListView(
        id=mail_list.id,
        name=mail_list.name,
        default_opt_in=mail_list.default_opt_in,
        kind="topic",
        subscribed=subscribed,
        **optional,
    )


@routes.route(
    "POST",
    "/v1/lists/<list_id>/subscribe",
    scope="ingest-public",
    body=WhoBody,
    body_example={"userId": "ada"},
    answers={
        200: Answer(
            SubscriptionView, "It is subscribed.", {"list": "product-updates", "subscribed": True}
        )
    },
    errors=(404,),
)
async def subscribe(call: ApiCall[NoQuery, WhoBody]) -> SubscriptionView:
    """Subscribe a contact to a list; makes the contact if needed."""
    return await _change(call, subscribed=True)


@routes.route(
    "POST",
    "/v1/lists/<list_id>/unsubscribe",
    scope="ingest-public",
    body=WhoBody,
    body_example={"userId": "ada"},
    answers={
        200: Answer(
            SubscriptionView,
            "It is unsubscribed.",
            {"list": "product-updates", "subscribed": False},
        )
    },
    errors=(404,),
)
async def unsubscribe(call: ApiCall[NoQuery, WhoBody]) -> SubscriptionView:
    """Unsubscribe a contact from a list; makes the contact if needed."""
    return await _change(call, subscribed=False)


async def _change(call: ApiCall[NoQuery, WhoBody], *, subscribed: bool) -> SubscriptionView:
    _authorize(call)
    list_id = call.values["list_id"]
    change = call.body.to_change()
    await change_subscription(call.context, call.actor, list_id, change, subscribed=subscribed)
    return SubscriptionView(list=list_id, subscribed=subscribed)


def _authorize(call: ApiCall[NoQuery, Any]) -> None:
    body = call.body
    authorize_claim(
        call.context,
        call.actor,
        user_id=body.user_id,
        email=body.email,
        user_token=body.user_token,
    )


@routes.route(
    "GET",
    "/v1/lists/preferences",
    scope="ingest-public",
    query=VisitorQuery,
    answers={
        200: Answer(
            OwnPreferencesView,
            "The choices; empty when nobody is known.",
            {"categories": {"product-updates": False}, "unsubscribedAll": False},
        )
    },
)
async def show_preferences(call: ApiCall[VisitorQuery, None]) -> OwnPreferencesView:
    """Return the choices of a contact."""
    preferences = await read_visitor_preferences(call.context, call.actor, call.query.to_visitor())
    return OwnPreferencesView(
        categories=dict(preferences.categories),
        unsubscribed_all=preferences.is_unsubscribed_from_all,
    )


@routes.route(
    "POST",
    "/v1/lists/preferences",
    scope="ingest-public",
    body=PreferencesBody,
    body_example={"userId": "ada", "unsubscribedAll": True},
    answers={200: Answer(UnsubscribedView, "It is saved.", {"unsubscribedAll": True})},
)
async def save_preferences(call: ApiCall[NoQuery, PreferencesBody]) -> UnsubscribedView:
    """Let a contact get transactional email only, or everything again."""
    _authorize(call)
    unsubscribed = call.body.unsubscribed_all
    change = call.body.to_change()
    await stop_everything(call.context, call.actor, change, unsubscribed=unsubscribed)
    return UnsubscribedView(unsubscribed_all=unsubscribed)
