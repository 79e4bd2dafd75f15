"""The rules that decide about events: journeys, lists, and the operator's switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ..domain.incoming import LATE_AFTER
from ..domain.journey import JOURNEY_LIST, Journey, MailList
from ..store import journeys as journey_store
from ..store.db import Database

BUILT_IN_LIST = MailList(
    JOURNEY_LIST,
    name="Tips and updates",
    description="Mail that helps you get the most out of the product.",
)


@dataclass(frozen=True)
class IngestRules:
    """The journeys, lists and switches that decide about events.

    Args:
        journeys: those the code has, by id.
        lists: those the code has, by id; the built-in one is always there.
        gone: definitions of journeys that people are still in though the code lost them.
        switched_off: journeys that an operator has switched off.
        late_after: how long after it happened an event may arrive and still start something.
    """

    journeys: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    lists: Mapping[str, MailList] = field(default_factory=dict[str, MailList])
    gone: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    switched_off: frozenset[str] = frozenset()
    late_after: timedelta = LATE_AFTER

    def __post_init__(self) -> None:
        listening: dict[str, list[Journey]] = {}
        for journey in self.journeys.values():
            listening.setdefault(journey.trigger.event, []).append(journey)
        object.__setattr__(self, "_listening", listening)
        missed: dict[str, list[Journey]] = {}
        for journey in self.gone.values():
            missed.setdefault(journey.trigger.event, []).append(journey)
        object.__setattr__(self, "_missed", missed)
        ending: dict[str, list[Journey]] = {}
        for journey in (*self.journeys.values(), *self.gone.values()):
            for name in {rule.event for rule in journey.exit_on}:
                ending.setdefault(name, []).append(journey)
        object.__setattr__(self, "_ending", ending)
        aiming: dict[str, list[Journey]] = {}
        for journey in self.journeys.values():
            if journey.goal is not None:
                aiming.setdefault(journey.goal.event, []).append(journey)
        object.__setattr__(self, "_aiming", aiming)

    def listening(self, event: str) -> list[Journey]:
        """Return the journeys that an event may start."""
        return self._by("_listening", event)

    def missed(self, event: str) -> list[Journey]:
        """Return the journeys that an event would start, were they not gone or broken."""
        return self._by("_missed", event)

    def ending(self, event: str) -> list[Journey]:
        """Return the journeys that an event may end."""
        return self._by("_ending", event)

    def aiming(self, event: str) -> list[Journey]:
        """Return the journeys that an event may be the goal of."""
        return self._by("_aiming", event)

    def _by(self, table: str, event: str) -> list[Journey]:
        found: dict[str, list[Journey]] = getattr(self, table)
        return found.get(event, [])

    def definition(self, journey_id: str) -> Journey | None:
        """Return a journey's definition, from the code or as last seen."""
        return self.journeys.get(journey_id) or self.gone.get(journey_id)

    def list_of(self, journey: Journey) -> MailList:
        """Return the list that a journey's sends belong to."""
        return self.list(journey.list_id)

    def list(self, list_id: str) -> MailList:
        """Return a list by id; one that the code lost is like the built-in one, and still its own.

        Contacts' choices for it still count: the links to leave it stay in sent mails for years.
        """
        return self.lists.get(list_id) or replace(BUILT_IN_LIST, id=list_id)


async def load_rules(
    database: Database,
    journeys: Mapping[str, Journey],
    lists: Mapping[str, MailList],
    late_after: timedelta = LATE_AFTER,
) -> IngestRules:
    """Return what decides about events: the journeys of the code, and the operators' switches.

    Args:
        database: holds the switches, and the journeys that the code has lost.
        journeys: those the code has, by id.
        lists: those the code has, by id.
        late_after: how late an event may arrive and still start a journey.
    """
    stored = await database.read_one(journey_store.all_known())
    return IngestRules(
        journeys=journeys,
        lists=lists,
        gone={key: row.journey for key, row in stored.items() if key not in journeys},
        switched_off=frozenset(key for key, row in stored.items() if not row.switched_on),
        late_after=late_after,
    )
