"""`/v1/admin/operators` and `/v1/admin/audit`: who operates the installation, and what they did."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from ...domain.forms import Body, Email
from ...services.audit import list_entries
from ...services.operators import add_operator, list_operators, reset_operator
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import (
    InstantView,
    NoQuery,
    PageQuery,
    PageView,
    View,
    cut_page,
    parse_cursor,
    slice_page,
)

routes = RouteTable("Operators")


class OperatorView(View):
    """Someone who may sign in to the dashboard."""

    id: UUID
    email: str
    role: str
    has_password: bool


class OperatorsPage(PageView):
    """A page of operators."""

    operators: list[OperatorView]


class OperatorBody(Body):
    """An operator to add."""

    email: Email
    role: Literal["viewer", "operator", "owner"]


class LinkView(View):
    """A one-time link, by which an operator chooses a password."""

    email: str
    link: str


class AuditEntryView(View):
    """One change, and who made it."""

    id: UUID
    at: InstantView
    who: str
    action: str
    subject: str
    before: Any
    after: Any


class AuditPage(PageView):
    """A page of the audit log."""

    entries: list[AuditEntryView]


_OPERATOR = {
    "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "email": "olga@example.com",
    "role": "owner",
    "hasPassword": True,
}
_LINK = {"email": "olga@example.com", "link": "https://mail.example.com/sign-in/…"}
_ENTRY = {
    "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "at": "2026-01-02T03:04:05.678Z",
    "who": "olga@example.com",
    "action": "disable",
    "subject": "/journeys/trial-conversion",
    "before": {"enabled": True},
    "after": {"enabled": False},
}


@routes.route(
    "GET",
    "/v1/admin/operators",
    scope="read",
    query=PageQuery,
    answers={
        200: Answer(
            OperatorsPage,
            "The operators.",
            {"operators": [_OPERATOR], "total": 1, "limit": 50, "offset": 0},
        )
    },
)
async def list_all(call: ApiCall[PageQuery, None]) -> OperatorsPage:
    """Return the operators, ordered by address."""
    page = slice_page(call.query, await list_operators(call.context, call.actor))
    views = [
        OperatorView(
            id=operator.id,
            email=operator.email,
            role=operator.role,
            has_password=operator.has_password,
        )
        for operator in page.items
    ]
    return OperatorsPage(operators=views, **page.fields)


@routes.route(
    "POST",
    "/v1/admin/operators",
    scope="full-admin",
    body=OperatorBody,
    body_example={"email": "olga@example.com", "role": "operator"},
    answers={201: Answer(LinkView, "The operator is added.", _LINK)},
    errors=(409,),
)
async def add(call: ApiCall[NoQuery, OperatorBody]) -> Reply:
    """Add an operator; the answer has the link by which they choose a password."""
    operator, link = await add_operator(call.context, call.actor, call.body.email, call.body.role)
    return Reply(LinkView(email=operator.email, link=link), 201)


@routes.route(
    "POST",
    "/v1/admin/operators/<email>/reset",
    scope="full-admin",
    answers={200: Answer(LinkView, "The password is removed.", _LINK)},
    errors=(404,),
)
async def reset(call: ApiCall[NoQuery, None]) -> LinkView:
    """Remove an operator's password and end their sessions; the answer has a new link."""
    email = call.values["email"]
    return LinkView(email=email, link=await reset_operator(call.context, call.actor, email))


@routes.route(
    "GET",
    "/v1/admin/audit",
    scope="read",
    query=PageQuery,
    answers={
        200: Answer(AuditPage, "The entries.", {"entries": [_ENTRY], "limit": 50, "offset": 0})
    },
)
async def show_audit(call: ApiCall[PageQuery, None]) -> AuditPage:
    """Return the changes that operators, keys and commands made, newest first."""
    query = call.query
    entries = await list_entries(
        call.context,
        call.actor,
        query.limit + 1,
        before=parse_cursor(query.cursor),
        offset=query.skipped,
    )
    page = cut_page(query, entries, lambda entry: entry.id)
    views = [
        AuditEntryView(
            id=entry.id,
            at=entry.at,
            who=entry.who,
            action=entry.action,
            subject=entry.subject,
            before=entry.before,
            after=entry.after,
        )
        for entry in page.items
    ]
    return AuditPage(entries=views, **page.fields)
