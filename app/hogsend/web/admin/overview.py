"""The first page: what needs attention, then how the last days went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...config.mail_setting import describe_mail
from ...services.journeys import JourneySummary
from ...services.overview import FORTNIGHT, Attention, MailTotals, Overview, get_overview
from .. import formatting
from ..pages import get_context, get_now, render_page
from ..session import WebResponse
from .base import blueprint, build_url, get_actor
from .journeys import RETRYING

# The further groups are on the page that lists the blocked emails.
_MAX_BLOCKED_GROUPS = 5


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One line of what needs attention.

    Args:
        tag: the coloured label.
        kind: its colour.
        title: in bold.
        detail: after the title.
        code: an error message, shown as code.
        href: the page where it is dealt with.
        button: the text of the link there.
    """

    tag: str
    kind: str
    title: str
    detail: str = ""
    code: str = ""
    href: str = ""
    button: str = "View"


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart: how many emails were sent and refused."""

    day: datetime
    sent: int
    refused: int


@blueprint.get("/")
async def show_overview() -> WebResponse:
    """Show what needs attention, the emails of two weeks, and which turns are expected."""
    overview = await get_overview(get_context(), get_actor(), formatting.to_local(get_now()))
    return render_page(
        "admin/overview.html",
        items=list(_list_items(overview)),
        live=sum(summary.live for summary in overview.journeys),
        journeys=sum(not summary.is_unavailable for summary in overview.journeys),
        provider=describe_mail(get_context().settings.mail),
        totals=overview.totals,
        bars=_build_bars(overview.totals),
        wakes=overview.wakes,
        is_empty=overview.is_empty,
    )


def _build_bars(totals: MailTotals) -> Sequence[Bar]:
    first = get_now() - timedelta(days=FORTNIGHT - 1)
    pairs = zip(totals.sent, totals.refused, strict=True)
    return [
        Bar(first + timedelta(days=n), sent, refused) for n, (sent, refused) in enumerate(pairs)
    ]


def _list_items(overview: Overview) -> Iterator[AttentionItem]:
    attention, journeys = overview.attention, overview.journeys
    yield from _describe_database_problem(attention)
    yield from _describe_outage(attention)
    yield from _describe_send_hold(attention)
    for file in attention.broken_files:
        title = f"{file.file} cannot be used:"
        yield AttentionItem("broken", "bad", title, file.problem, href="/journeys")
    for summary in journeys:
        if summary.is_halted:
            yield _describe_halted(summary)
    yield from _describe_failing(overview)
    for summary in journeys:
        if summary.by_state["drifted"]:
            yield _describe_drifted(summary)
    for summary in journeys:
        if summary.is_unavailable and summary.by_state["parked"]:
            yield _describe_parked(summary)
    for summary in journeys:
        if summary.missed_triggers and not summary.is_unavailable:
            yield _describe_missed(summary)
    yield from _describe_stops(attention)
    yield from _describe_blocked(attention)
    yield from _describe_sends(attention)
    yield from _describe_overdue(attention)


def _describe_database_problem(attention: Attention) -> Iterator[AttentionItem]:
    problem = attention.database_problem
    if problem is not None:
        yield AttentionItem("database", "bad", problem.message, problem.remedy)


def _describe_outage(attention: Attention) -> Iterator[AttentionItem]:
    outage = attention.outage
    if outage is not None:
        yield AttentionItem(
            "offline",
            "bad" if outage.turns_wait else "wait",
            formatting.describe_outage(outage),
            f"Began {formatting.format_relative(outage.since, get_now())}:",
            outage.message,
            "/system",
        )


def _describe_stops(attention: Attention) -> Iterator[AttentionItem]:
    if attention.provider_problem is not None:
        yield AttentionItem(
            "waiting", "bad", "Email waits:", "", attention.provider_problem, "/sending"
        )
    for stop in attention.stopped:
        whose = "through" if stop.scope == "provider" else "from"
        title = f"Email {whose} {stop.name} is stopped"
        yield AttentionItem("stopped", "bad", title, f"because {stop.reason}", href="/sending")


def _describe_send_hold(attention: Attention) -> Iterator[AttentionItem]:
    if attention.send_hold is not None:
        detail = f"because this database is a {attention.send_hold}"
        yield AttentionItem("on hold", "bad", "Sending is on hold", detail, href="/system")


def _describe_failing(overview: Overview) -> Iterator[AttentionItem]:
    """Return the journeys that raise: those with failed enrollments, then those that retry."""
    attention = overview.attention
    for summary in overview.journeys:
        journey = summary.journey
        if journey.id in attention.errors:
            title = formatting.pluralize(summary.by_state["failed"], "enrollment") + " failed"
            error = formatting.find_last_line(attention.errors[journey.id])
            href = _build_people_url(summary, "failed")
            yield AttentionItem("failed", "bad", title, f"in {journey.name}:", error, href)
    for summary in overview.journeys:
        journey = summary.journey
        if journey.id in attention.retried_errors:
            are = "is" if summary.retrying == 1 else "are"
            title = f"{formatting.pluralize(summary.retrying, 'turn')} {are} being retried"
            error = formatting.find_last_line(attention.retried_errors[journey.id])
            href = _build_people_url(summary, RETRYING)
            yield AttentionItem("retrying", "wait", title, f"in {journey.name}:", error, href)


def _build_people_url(summary: JourneySummary, state: str) -> str:
    return build_url(f"/journeys/{summary.journey.id}", state=state) + "#people"


def _describe_halted(summary: JourneySummary) -> AttentionItem:
    parked = formatting.pluralize(summary.by_state["parked"], "enrollment is", "enrollments are")
    return AttentionItem(
        "halted",
        "bad",
        f"{summary.journey.name} is halted",
        f"because it blocked its thread three times; {parked} parked until its code changes",
        href=f"/journeys/{summary.journey.id}",
    )


def _describe_parked(summary: JourneySummary) -> AttentionItem:
    return AttentionItem(
        "parked",
        "odd",
        formatting.pluralize(summary.by_state["parked"], "enrollment") + " parked",
        f"in {summary.journey.name}, whose code is missing or broken",
        href=_build_people_url(summary, "parked"),
    )


def _describe_missed(summary: JourneySummary) -> AttentionItem:
    path = f"/journeys/{summary.journey.id}"
    return AttentionItem(
        "missed",
        "odd",
        formatting.pluralize(summary.missed_triggers, "trigger") + " missed",
        f"while the code of {summary.journey.name} was missing or broken; you can replay them",
        href=build_url(path, refused="journey_broken") + "#refused",
        button="Resolve",
    )


def _describe_drifted(summary: JourneySummary) -> AttentionItem:
    return AttentionItem(
        "drifted",
        "odd",
        formatting.pluralize(summary.by_state["drifted"], "enrollment") + " drifted",
        f"because a change to {summary.journey.name} removed the wait that they were in",
        href=_build_people_url(summary, "drifted"),
        button="Resolve",
    )


def _describe_blocked(attention: Attention) -> Iterator[AttentionItem]:
    for group in attention.blocked[:_MAX_BLOCKED_GROUPS]:
        are = "email is" if group.mails == 1 else "emails are"
        yield AttentionItem(
            "blocked",
            "bad",
            f"{group.mails:,} {are} blocked",
            "because they cannot be made:" if group.mails > 1 else "because it cannot be made:",
            group.reason,
            build_url("/emails", status="blocked"),
            button="Resolve",
        )


def _describe_sends(attention: Attention) -> Iterator[AttentionItem]:
    in_doubt, failed = attention.in_doubt, attention.failed_sends
    if in_doubt:
        emails = "email" if in_doubt.count == 1 else "emails"
        yield AttentionItem(
            "in doubt",
            "odd",
            f"{in_doubt} {emails} may or may not have been sent",
            "because the connection was lost before the mail server confirmed",
            href="/emails?status=in_doubt",
        )
    if failed:
        emails = "email" if failed.count == 1 else "emails"
        yield AttentionItem(
            "failed",
            "bad",
            f"{failed} {emails} could not be sent",
            "in the last 7 days",
            href="/emails?status=failed",
        )


def _describe_overdue(attention: Attention) -> Iterator[AttentionItem]:
    overdue = attention.overdue
    if overdue:
        turns = "turn is" if overdue.count == 1 else "turns are"
        detail = "" if attention.has_worker else "and this process has no worker"
        yield AttentionItem("overdue", "wait", f"{overdue} {turns} overdue", detail, "", "/system")
