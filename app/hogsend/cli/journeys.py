"""`hogsend journeys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..catalogue import rules_of
from ..changes import Changes
from ..domain.intake import Incoming, Taken
from ..domain.journey import BrokenFile, Journey
from ..errors import HogsendError, NotFound
from ..ingest import Ingest
from ..store import audit, counters
from ..store import journeys as journey_store
from ..store.db import Write
from ..store.journeys import StoredJourney
from ..turns.loader import load
from ..turns.registry import Registry
from .instance import Instance, current_settings, has_database, on_instance
from .printing import json_option, show_facts, show_json, show_table
from .properties import identity_options, properties_of, property_option, require_identity

_STATES = ("active", "waiting", "completed", "exited", "failed")


@click.group()
def journeys() -> None:
    """See, check and switch journeys."""


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
            ["id", "starts on", "on", *_STATES],
            [
                (one.id, one.trigger, row["enabled"], *(row["people"][state] for state in _STATES))
                for one, row in zip(registry.journeys.values(), rows, strict=True)
            ],
            f"There are no journeys in {current_settings().journeys}. "
            "`hogsend init` writes five to start from.",
        )
    if registry.broken and not as_json:
        broken = len(registry.broken)
        click.echo(f"{broken} file(s) cannot be used: see `hogsend journeys check`.", err=True)


@journeys.command()
@json_option
def check(as_json: bool) -> None:
    """Check every journey, list and mail template, without running anything."""
    from ..delivery.templates import Templates

    registry = _registry()
    templates = Templates.load(current_settings().journeys, list(registry.lists))
    broken = [*registry.broken, *templates.broken]
    if as_json:
        show_json([_problem(one) for one in broken])
    else:
        for one in broken:
            click.echo(str(one))
    if broken:
        raise HogsendError(f"{len(broken)} file(s) cannot be used.", "Mend them and check again.")
    if not as_json:
        mails = len(templates.keys())
        click.echo(f"{len(registry.journeys)} journeys and {mails} mail templates are sound.")


@journeys.command()
@click.argument("journey_id", metavar="ID")
@json_option
def show(journey_id: str, as_json: bool) -> None:
    """Show one journey: what starts and ends it, and how many people are where."""
    registry = _registry()
    journey = _find(registry, journey_id)
    row = _row(journey, *_known(registry))
    if as_json:
        show_json(row)
        return
    people = ", ".join(f"{count} {state}" for state, count in row["people"].items() if count)
    show_facts(
        {
            "id": journey.id,
            "name": journey.name,
            "about": journey.description,
            "starts on": journey.trigger,
            "entry": journey.entry,
            "exits on": ", ".join(map(str, journey.exit_on)) or "nothing",
            "list": journey.list_id,
            "file": f"{journey.file}:{journey.line}",
            "version": journey.code_hash,
            "on": row["enabled"],
            "people": people or "none yet",
        }
    )


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
    incoming = Incoming(
        name=journey.trigger.event,
        user_id=user_id,
        email=email,
        properties=properties_of(properties),
        source="cli",
        only_journey=journey.id,
    )

    async def work(instance: Instance) -> Taken:
        rules = await rules_of(instance.database, registry)
        return await Ingest(instance.database, instance.clock, rules, Changes()).take(incoming)

    outcome = dict(on_instance(work).enrollments[0])
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


def _known(registry: Registry) -> tuple[Mapping[str, StoredJourney], Mapping[str, int]]:
    """Return what the database knows of the journeys; nothing, when there is none yet."""
    if not has_database(current_settings()):
        return {}, {}
    names = [f"state/{journey_id}/{state}" for journey_id in registry.journeys for state in _STATES]

    async def work(instance: Instance) -> tuple[Mapping[str, StoredJourney], Mapping[str, int]]:
        read = instance.database.read
        stored, counts = await read(journey_store.all_known(), counters.values(names))
        return stored, counts

    return on_instance(work)


def _row(
    journey: Journey, stored: Mapping[str, StoredJourney], counts: Mapping[str, int]
) -> dict[str, Any]:
    known = stored.get(journey.id)
    return {
        "id": journey.id,
        **journey.to_json(),
        "enabled": journey.enabled and (known is None or known.switched_on),
        "version": journey.code_hash,
        "people": {state: counts.get(f"state/{journey.id}/{state}", 0) for state in _STATES},
    }


def _problem(broken: BrokenFile) -> dict[str, Any]:
    return {
        "file": broken.file,
        "line": broken.line,
        "problem": broken.problem,
        "remedy": broken.remedy,
    }


def _switch(journey_id: str, *, on: bool) -> None:
    registry = _registry()

    async def work(instance: Instance) -> None:
        database, now = instance.database, instance.clock.now()
        unseen: list[Write] = []
        if journey_id not in await database.read_one(journey_store.all_known()):
            # Only this one: a server that runs knows best which journeys there are.
            unseen = journey_store.see([_find(registry, journey_id)], [], now)
        action = "enable" if on else "disable"
        change = audit.record("cli", action, f"/journeys/{journey_id}", now)
        async with database.transaction() as transaction:
            await transaction.apply([*unseen, journey_store.switch(journey_id, on), change])

    on_instance(work)
