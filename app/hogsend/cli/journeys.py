"""`hogsend journeys`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..domain.incoming import IncomingEvent, IngestResult
from ..domain.journey import Journey
from ..errors import HogsendError, NotFound
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..services.installation import Installation, has_database
from ..store import audit, counters
from ..store import journeys as journey_store
from ..store.change_feed import ChangeFeed
from ..store.counters import Gauge
from ..store.db import Write
from ..store.journeys import StoredJourney
from ..turns.folder_loader import load
from ..turns.registry import Registry
from ..turns.static_analysis.findings import Finding
from .contact_options import identity_options, properties_of, property_option, require_identity
from .graph_text import drawn
from .instance import current_settings, with_installation
from .output import json_option, plain, show_fields, show_json, show_table
from .plan import plan

_COLUMNS = ("active", "waiting", "drifted", "parked", "completed", "exited", "failed")
_STATES = (*_COLUMNS, "held_out")


@click.group()
def journeys() -> None:
    """Show, check, enable and disable journeys."""


journeys.add_command(plan)


@journeys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the journeys, and how many people are where."""
    registry = _registry()
    stored, counts = _known(registry)
    rows = [_row(journey, stored, counts) for journey in registry.journeys.values()]
    if as_json:
        show_json(rows)
    else:
        show_table(
            ["id", "starts on", "on", *_COLUMNS],
            [
                (one.id, one.trigger, row["enabled"], *(row["people"][state] for state in _COLUMNS))
                for one, row in zip(registry.journeys.values(), rows, strict=True)
            ],
            f"There are no journeys in {current_settings().journeys}. "
            "`hogsend init` writes five to start from.",
        )
    if registry.broken and not as_json:
        broken = len(registry.broken)
        click.echo(f"{broken} file(s) cannot be used: see `hogsend journeys check`.", err=True)


@journeys.command()
@click.option("--strict", is_flag=True, help="Fail for warnings as well.")
@json_option
def check(strict: bool, as_json: bool) -> None:
    """Check every journey, list and mail template, without playing anything.

    An error breaks a journey some day: what does not load, reads the clock or chance or the network
    outside of ctx.step, names a mail or a list that is not there. A warning may be meant.
    """
    from ..delivery.templates import Templates
    from ..turns.folder_check import review

    registry, folder = _registry(), current_settings().journeys
    templates = Templates.load(folder, list(registry.lists))
    broken = [*registry.broken, *templates.broken]
    mails = {*templates.keys(), *(Path(one.file).stem for one in templates.broken)}
    found = [*(Finding(one.file, one.line, one.problem, one.remedy) for one in broken)]
    found += review(folder, registry, mails)
    if as_json:
        show_json([asdict(one) for one in found])
    else:
        for one in found:
            click.echo(plain(str(one)))
    counted = [one for one in found if strict or one.severity == "error"]
    if counted:
        files = len({one.file for one in counted})
        raise HogsendError(
            f"{len(counted)} problem(s) in {files} file(s).", "Mend them and check again."
        )
    if not as_json:
        click.echo(
            f"{len(registry.journeys)} journeys and {len(templates.keys())} mail templates are "
            f"sound{f', but for {len(found)} warning(s)' if found else ''}."
        )


@journeys.command()
@click.argument("journey_id", metavar="ID")
@json_option
def show(journey_id: str, as_json: bool) -> None:
    """Show one journey: what starts and ends it, its steps, and how many people are where."""
    registry = _registry()
    journey = _find(registry, journey_id)
    row = _row(journey, *_known(registry))
    flow, waiting = registry.flows.get(journey_id), _waiting(journey_id)
    if as_json:
        show_json({**row, "graph": flow.to_json(waiting) if flow else None, "waiting": waiting})
        return
    counted = ((state.replace("_", " "), count) for state, count in row["people"].items())
    people = ", ".join(f"{count:,} {state}" for state, count in counted if count)
    show_fields(
        {
            "id": journey.id,
            "name": journey.name,
            "about": journey.description,
            "starts on": journey.trigger,
            "entry": journey.entry,
            "exits on": ", ".join(map(str, journey.exit_on)) or "nothing",
            **_terms(journey),
            "list": journey.list_id,
            "file": f"{journey.file}:{journey.line}",
            "version": journey.code_hash,
            "on": row["enabled"],
            "people": people or "none yet",
        }
    )
    if flow is not None:
        click.echo()
        for line in drawn(flow, journey.trigger.event, waiting):
            click.echo(line)


@journeys.command()
@click.argument("journey_id", metavar="ID")
def enable(journey_id: str) -> None:
    """Let a journey enroll people again."""
    _switch(journey_id, on=True)
    click.echo(f"{journey_id} enrolls people.")


@journeys.command()
@click.argument("journey_id", metavar="ID")
def disable(journey_id: str) -> None:
    """Stop a journey from enrolling; people who are in it go on."""
    _switch(journey_id, on=False)
    click.echo(f"{journey_id} enrolls nobody; people who are in it go on.")


@journeys.command()
@click.argument("journey_id", metavar="ID")
@identity_options
@property_option
@json_option
def enroll(
    journey_id: str,
    user_id: str | None,
    email: str | None,
    properties: tuple[str, ...],
    as_json: bool,
) -> None:
    """Enroll one person in one journey, through the same guards as an event.

    The properties are those of the event that the journey sees as its trigger.
    """
    require_identity(user_id, email)
    registry = _registry()
    journey = _find(registry, journey_id)
    incoming = IncomingEvent(
        name=journey.trigger.event,
        user_id=user_id,
        email=email,
        properties=properties_of(properties),
        source="cli",
        only_journey=journey.id,
    )

    async def work(instance: Installation) -> IngestResult:
        late_after = current_settings().late_event_limit
        rules = await load_rules(instance.database, registry.journeys, registry.lists, late_after)
        return await Ingest(instance.database, instance.clock, rules, ChangeFeed()).submit(incoming)

    outcome = dict(with_installation(work).enrollments[0])
    if as_json:
        show_json(outcome)
    if outcome["outcome"] != "enrolled":
        raise HogsendError(
            f"{journey_id} did not take this person: {outcome['reason']}.",
            "The dashboard's page of the journey says what each reason means.",
        )
    if not as_json:
        click.echo(f"Enrolled, as {outcome['stateId']}.")


def _registry() -> Registry:
    return load(current_settings().journeys)


def _find(registry: Registry, journey_id: str) -> Journey:
    journey = registry.journeys.get(journey_id)
    if journey is None:
        raise NotFound(
            f"There is no usable journey {journey_id!r} in {current_settings().journeys}.",
            "`hogsend journeys list` shows those that exist, `hogsend journeys check` what is "
            "broken.",
        )
    return journey


def _known(registry: Registry) -> tuple[Mapping[str, StoredJourney], Mapping[Gauge, int]]:
    """Return what the database knows of the journeys; nothing, when there is none yet."""
    if not has_database(current_settings()):
        return {}, {}
    names = [
        counters.enrollments_in_state(journey_id, state)
        for journey_id in registry.journeys
        for state in _STATES
    ]

    async def work(
        instance: Installation,
    ) -> tuple[Mapping[str, StoredJourney], Mapping[Gauge, int]]:
        read = instance.database.read
        stored, counts = await read(journey_store.all_known(), counters.values(names))
        return stored, counts

    return with_installation(work)


def _waiting(journey_id: str) -> Mapping[str, int]:
    """Return how many people are in which wait of a journey."""
    if not has_database(current_settings()):
        return {}

    async def work(instance: Installation) -> Mapping[str, int]:
        return await instance.database.read_one(
            counters.waits_of(journey_id, is_sqlite=instance.database.is_sqlite)
        )

    return with_installation(work)


def _terms(journey: Journey) -> dict[str, object]:
    """Return what a journey says of whom it leaves out and when it sends, where it says so."""
    given: dict[str, object] = {
        "goal": journey.goal,
        "left out": f"{journey.holdout:g} %" if journey.holdout else None,
        "time zone": journey.time_zone,
        "sends": "from {} to {}".format(*journey.send_window) if journey.send_window else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _row(
    journey: Journey, stored: Mapping[str, StoredJourney], counts: Mapping[Gauge, int]
) -> dict[str, Any]:
    known = stored.get(journey.id)
    return {
        "id": journey.id,
        **journey.to_json(),
        "enabled": journey.enabled and (known is None or known.switched_on),
        "version": journey.code_hash,
        "people": {
            state: counts.get(counters.enrollments_in_state(journey.id, state), 0)
            for state in _STATES
        },
    }


def _switch(journey_id: str, *, on: bool) -> None:
    registry = _registry()

    async def work(instance: Installation) -> None:
        database, now = instance.database, instance.clock.now()
        unseen: list[Write] = []
        if journey_id not in await database.read_one(journey_store.all_known()):
            # Only this one: a server that runs knows best which journeys there are.
            unseen = journey_store.see([_find(registry, journey_id)], [], now)
        action = "enable" if on else "disable"
        change = audit.record("cli", action, f"/journeys/{journey_id}", now)
        async with database.transaction() as transaction:
            await transaction.apply([*unseen, journey_store.switch(journey_id, on), change])

    with_installation(work)
