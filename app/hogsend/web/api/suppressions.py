"""`/v1/admin/suppressions`: the addresses that get no email."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from ...domain.forms import Body, Email
from ...services.suppressions import (
    SuppressionReason,
    SuppressionRecord,
    add_suppression,
    find_suppression,
    lift_suppression,
    list_suppressions,
)
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import InstantView, NoQuery, QueryForm, View

routes = RouteTable("Suppressions")


class SuppressionView(View):
    """An address that gets no email."""

    email: str
    reason: str
    suppressed_at: InstantView
    email_send_id: UUID | None


class SuppressionsQuery(QueryForm):
    """Which suppressions to list."""

    email: str = Field("", max_length=320, description="The one of an address.")
    limit: int = Field(50, ge=1, le=100, description="How many items at most.")
    cursor: str = Field("", max_length=500, description="The `nextCursor` of the page before.")


class SuppressionsPage(View):
    """A page of suppressions."""

    suppressions: list[SuppressionView]
    limit: int
    next_cursor: str | None = None


class SuppressionBody(Body):
    """An address to suppress."""

    email: Email
    reason: SuppressionReason = "manual"


class LiftedView(View):
    """The answer when a suppression was lifted."""

    deleted: bool


EXAMPLE: dict[str, Any] = {
    "email": "gone@example.com",
    "reason": "hard_bounce",
    "suppressedAt": "2026-05-04T09:00:01.200Z",
    "emailSendId": "01a20364-0bb6-73eb-9330-0f5a70953204",
}


@routes.route(
    "GET",
    "/v1/admin/suppressions",
    scope="read",
    query=SuppressionsQuery,
    answers={
        200: Answer(SuppressionsPage, "The addresses.", {"suppressions": [EXAMPLE], "limit": 50})
    },
)
async def list_all(call: ApiCall[SuppressionsQuery, None]) -> SuppressionsPage:
    """Return the addresses that get no email, in alphabetical order."""
    query = call.query
    if query.email:
        known = await find_suppression(call.context, call.actor, query.email)
        views = [_build_view(known)] if known else []
        return SuppressionsPage(suppressions=views, limit=query.limit)
    page = await list_suppressions(call.context, call.actor, after=query.cursor, limit=query.limit)
    fields = {"next_cursor": page.next_after} if page.next_after else {}
    views = [_build_view(record) for record in page.suppressions]
    return SuppressionsPage(suppressions=views, limit=query.limit, **fields)


@routes.route(
    "POST",
    "/v1/admin/suppressions",
    scope="journey-admin",
    body=SuppressionBody,
    body_example={"email": "gone@example.com", "reason": "complaint"},
    answers={201: Answer(SuppressionView, "The address gets no email from now on.", EXAMPLE)},
    errors=(409,),
)
async def add(call: ApiCall[NoQuery, SuppressionBody]) -> Reply:
    """Stop all email to an address."""
    body = call.body
    record = await add_suppression(call.context, call.actor, body.email, body.reason)
    return Reply(_build_view(record), 201)


@routes.route(
    "DELETE",
    "/v1/admin/suppressions/<email>",
    scope="journey-admin",
    answers={200: Answer(LiftedView, "The address gets email again.", {"deleted": True})},
    errors=(400, 404),
)
async def lift(call: ApiCall[NoQuery, None]) -> LiftedView:
    """Allow email to an address again."""
    await lift_suppression(call.context, call.actor, call.values["email"])
    return LiftedView(deleted=True)


def _build_view(record: SuppressionRecord) -> SuppressionView:
    return SuppressionView(
        email=record.address,
        reason=record.reason,
        suppressed_at=record.at,
        email_send_id=record.send_id,
    )
