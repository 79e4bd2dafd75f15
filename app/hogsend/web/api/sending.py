"""`/v1/admin/sending`: how mail leaves, and stopping it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from ...domain.forms import Body
from ...services.sending import (
    Outcomes,
    SendingReport,
    SendingStop,
    get_sending_report,
    release_mail,
    stop_mail,
)
from .routes import Answer, ApiCall, RouteTable
from .schemas import InstantView, NoQuery, View

routes = RouteTable("Sending")


class ProviderView(View):
    """A mail provider."""

    name: str
    kind: str
    problem: str | None
    since: InstantView | None


class LimitView(View):
    """A limit that is in force."""

    scope: str
    name: str
    per_second: float
    planned_until: InstantView | None


class StopView(View):
    """A provider or a sender whose mail is, or was, stopped."""

    scope: str
    name: str
    reason: str
    since: InstantView
    ended_at: InstantView | None
    ended_by: str | None
    note: str | None


class ForecastView(View):
    """How many emails are due on a day; more than 5,000 count as 5,001."""

    day: str
    due: int


class OutcomesView(View):
    """The outcomes of the emails of the last 30 days that have something in common."""

    name: str
    sent: int
    delivered: int
    bounced: int
    complained: int
    failed: int


class SendingView(View):
    """How mail leaves."""

    providers: list[ProviderView]
    policy_problem: str | None
    limits: list[LimitView]
    stops: list[StopView]
    forecast: list[ForecastView]
    domains: dict[str, int]
    bounced: list[int]
    complained: list[int]
    by_domain: list[OutcomesView]
    by_template: list[OutcomesView]
    by_sender: list[OutcomesView]


class StopBody(Body):
    """A provider or a sender, and why."""

    scope: Literal["provider", "sender"]
    name: str = Field(min_length=1, max_length=253)
    note: str = Field("", max_length=500)


class DoneView(View):
    """The answer when it is done."""

    ok: bool


_OUTCOMES: dict[str, Any] = {
    "name": "gmail.com",
    "sent": 1200,
    "delivered": 1180,
    "bounced": 9,
    "complained": 1,
    "failed": 0,
}
_EXAMPLE: dict[str, Any] = {
    "providers": [{"name": "resend", "kind": "resend", "problem": None, "since": None}],
    "policyProblem": None,
    "limits": [
        {"scope": "provider", "name": "resend", "perSecond": 2.0, "plannedUntil": None},
    ],
    "stops": [
        {
            "scope": "sender",
            "name": "news.example.com",
            "reason": "41 of 600 mails bounced, 6.8%",
            "since": "2026-05-04T09:00:00.000Z",
            "endedAt": None,
            "endedBy": None,
            "note": None,
        }
    ],
    "forecast": [{"day": "2026-05-04", "due": 41}],
    "domains": {"gmail.com": 30, "example.org": 11},
    "bounced": [9],
    "complained": [1],
    "byDomain": [_OUTCOMES],
    "byTemplate": [{**_OUTCOMES, "name": "welcome"}],
    "bySender": [{**_OUTCOMES, "name": "news.example.com"}],
}
_STOP = {"scope": "sender", "name": "news.example.com", "note": "a wrong list"}
_DONE = {"ok": True}


@routes.route(
    "GET",
    "/v1/admin/sending",
    scope="read",
    answers={200: Answer(SendingView, "How mail leaves.", _EXAMPLE)},
)
async def show_sending(call: ApiCall[NoQuery, None]) -> SendingView:
    """Return providers, limits, stops, the queue and the outcomes of the last 30 days.

    Days are days of UTC. `problem` and `limits` are what the worker of this process knows.
    """
    now: datetime = call.context.clock.now()
    return _build_view(await get_sending_report(call.context, call.actor, now))


@routes.route(
    "POST",
    "/v1/admin/sending/stop",
    scope="journey-admin",
    body=StopBody,
    body_example=_STOP,
    answers={200: Answer(DoneView, "The mail waits.", _DONE)},
    errors=(409,),
)
async def stop(call: ApiCall[NoQuery, StopBody]) -> DoneView:
    """Let no mail of a provider or a sender leave; it waits."""
    body = call.body
    await stop_mail(call.context, call.actor, body.scope, body.name, body.note)
    return DoneView(ok=True)


@routes.route(
    "POST",
    "/v1/admin/sending/release",
    scope="journey-admin",
    body=StopBody,
    body_example=_STOP,
    answers={200: Answer(DoneView, "The mail leaves.", _DONE)},
    errors=(404,),
)
async def release(call: ApiCall[NoQuery, StopBody]) -> DoneView:
    """Let the mail of a provider or a sender leave again."""
    body = call.body
    await release_mail(call.context, call.actor, body.scope, body.name, body.note)
    return DoneView(ok=True)


def _build_view(report: SendingReport) -> SendingView:
    return SendingView(
        providers=[
            ProviderView(name=state.name, kind=state.kind, problem=state.problem, since=state.since)
            for state in report.providers
        ],
        policy_problem=report.policy_problem,
        limits=[
            LimitView(
                scope=limit.scope,
                name=limit.name,
                per_second=limit.per_second,
                planned_until=limit.planned_until,
            )
            for limit in report.limits
        ],
        stops=[_build_stop(stop) for stop in report.stops],
        forecast=[
            ForecastView(day=start.date().isoformat(), due=due.count)
            for start, due in report.forecast
        ],
        domains=dict(report.domains),
        bounced=list(report.bounced),
        complained=list(report.complained),
        by_domain=[_build_outcomes(row) for row in report.by_domain],
        by_template=[_build_outcomes(row) for row in report.by_template],
        by_sender=[_build_outcomes(row) for row in report.by_sender],
    )


def _build_stop(stop: SendingStop) -> StopView:
    return StopView(
        scope=stop.scope,
        name=stop.name,
        reason=stop.reason,
        since=stop.since,
        ended_at=stop.ended_at,
        ended_by=stop.ended_by,
        note=stop.note,
    )


def _build_outcomes(row: Outcomes) -> OutcomesView:
    return OutcomesView(
        name=row.name,
        sent=row.sent,
        delivered=row.delivered,
        bounced=row.bounced,
        complained=row.complained,
        failed=row.failed,
    )
