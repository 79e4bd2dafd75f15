"""`/v1/admin/metrics`: figures of the installation, and figures by day."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Literal

from pydantic import Field
from quart import Response

from ...services.metrics import MAX_DAYS, get_metrics, get_series
from .routes import Answer, ApiCall, RouteTable
from .schemas import NoQuery, QueryForm, View

routes = RouteTable("Metrics")


class OverviewView(View):
    """The figures of the installation; rates are between 0 and 1."""

    total_contacts: int
    active_journeys: int
    active_buckets: int
    bucket_members: int
    # The names of the original have no place for an underscore before their digits.
    emails_sent_24h: int = Field(alias="emailsSent24h", description="Today, UTC.")
    emails_sent_7d: int = Field(alias="emailsSent7d")
    emails_sent_30d: int = Field(alias="emailsSent30d")
    bounce_rate_30d: float = Field(alias="bounceRate30d")
    unsubscribe_rate: float


class SeriesQuery(QueryForm):
    """Which figure of how many days."""

    figure: str = Field(
        max_length=40,
        description="`events`, `emails.sent`, …; with `journeyId` `entered`, `goal`, …",
    )
    journey_id: str = Field("", max_length=100)
    days: int = Field(30, ge=1, le=MAX_DAYS)
    format: Literal["json", "csv"] = "json"


class DayView(View):
    """A day, UTC, and its value."""

    day: date
    value: int


class SeriesView(View):
    """A figure by day, oldest first."""

    figure: str
    journey_id: str | None
    days: list[DayView]


_OVERVIEW = {
    "totalContacts": 1840,
    "activeJourneys": 6,
    "activeBuckets": 0,
    "bucketMembers": 0,
    "emailsSent24h": 120,
    "emailsSent7d": 912,
    "emailsSent30d": 4210,
    "bounceRate30d": 0.0021,
    "unsubscribeRate": 0.0043,
}
_SERIES = {
    "figure": "emails.sent",
    "journeyId": None,
    "days": [{"day": "2026-01-02", "value": 120}],
}


@routes.route(
    "GET",
    "/v1/admin/metrics/overview",
    scope="read",
    answers={200: Answer(OverviewView, "The figures.", _OVERVIEW)},
)
async def show_overview(call: ApiCall[NoQuery, None]) -> OverviewView:
    """Return the figures of the installation as a whole."""
    metrics = await get_metrics(call.context, call.actor)
    return OverviewView(
        total_contacts=metrics.total_contacts,
        active_journeys=metrics.active_journeys,
        active_buckets=0,
        bucket_members=0,
        emailsSent24h=metrics.sent_today,
        emailsSent7d=metrics.sent_in_week,
        emailsSent30d=metrics.sent_in_month,
        bounceRate30d=metrics.bounce_rate,
        unsubscribe_rate=metrics.unsubscribe_rate,
    )


@routes.route(
    "GET",
    "/v1/admin/metrics/series",
    scope="read",
    query=SeriesQuery,
    answers={200: Answer(SeriesView, "The figure, or a CSV file of it.", _SERIES)},
    errors=(404,),
)
async def show_series(call: ApiCall[SeriesQuery, None]) -> SeriesView | Response:
    """Return a figure by day, as JSON or CSV."""
    query = call.query
    series = await get_series(
        call.context,
        call.actor,
        query.figure,
        journey_id=query.journey_id or None,
        days=query.days,
    )
    if query.format == "csv":
        file = io.StringIO()
        csv.writer(file).writerows([("day", query.figure), *series.values])
        return Response(file.getvalue(), content_type="text/csv; charset=utf-8")
    days = [DayView(day=day, value=value) for day, value in series.values]
    return SeriesView(figure=series.figure, journey_id=series.journey_id, days=days)
