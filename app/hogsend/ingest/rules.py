"""The rules of ingest: the journeys, the lists, and the operators' switches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ..domain.incoming import LATE_AFTER
from ..domain.journey import BUILT_IN_LIST_ID, TRANSACTIONAL_LIST, Journey, MailList
from ..domain.trigger_conditions import names_trigger
from ..store import journeys as journey_store
from ..store.db import Database

BUILT_IN_LIST = MailList(
    BUILT_IN_LIST_ID,
    name="Tips and updates",
    description="Mail that helps you get the most out of the product.",
)

_LISTS_OF_EVERY_PROJECT = {known.id: known for known in (BUILT_IN_LIST, TRANSACTIONAL_LIST)}

Index = Mapping[str, Sequence[Journey]]


@dataclass(frozen=True)
class IngestRules:
    """The journeys, lists and switches that ingest decides by.

    Args:
        journeys: the journeys of the code, by id.
        lists: the lists of the code, by id, without the built-in list.
        unavailable: the stored definitions of unavailable journeys, whose code is gone or fails to
            load, by id; contacts who entered earlier may still be in them, but nobody new enters.
        switched_off_ids: the ids of journeys that an operator has switched off.
        late_after: how long after an event happened it may arrive and still start a journey.
    """

    journeys: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    lists: Mapping[str, MailList] = field(default_factory=dict[str, MailList])
    unavailable: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    switched_off_ids: frozenset[str] = frozenset()
    late_after: timedelta = LATE_AFTER
    # Journeys, by the name of an event.
    _by_trigger: Index = field(init=False, repr=False, compare=False)
    _unavailable_by_trigger: Index = field(init=False, repr=False, compare=False)
    _by_exit: Index = field(init=False, repr=False, compare=False)
    _by_goal: Index = field(init=False, repr=False, compare=False)
    # The events for which an exit rule names the trigger.
    exits_naming_trigger: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        all_journeys = [*self.journeys.values(), *self.unavailable.values()]
        indexes = {
            "_by_trigger": _index(
                (journey.trigger.event, journey) for journey in self.journeys.values()
            ),
            "_unavailable_by_trigger": _index(
                (journey.trigger.event, journey) for journey in self.unavailable.values()
            ),
            "_by_exit": _index(
                (event, journey)
                for journey in all_journeys
                for event in {match.event for match in journey.exit_on}
            ),
            "_by_goal": _index(
                (journey.goal.event, journey) for journey in all_journeys if journey.goal
            ),
        }
        for name, index in indexes.items():
            object.__setattr__(self, name, index)
        naming_trigger = frozenset(
            rule.event
            for journey in all_journeys
            for rule in journey.exit_on
            if names_trigger(rule.where)
        )
        object.__setattr__(self, "exits_naming_trigger", naming_trigger)

    def is_trigger(self, event: str) -> bool:
        """Return whether an event may start a journey, or could if the journey were available."""
        return event in self._by_trigger or event in self._unavailable_by_trigger

    def find_by_trigger(self, event: str) -> Sequence[Journey]:
        """Return the journeys that an event may start."""
        return self._by_trigger.get(event, ())

    def find_unavailable_by_trigger(self, event: str) -> Sequence[Journey]:
        """Return the unavailable journeys that an event would start if they were available."""
        return self._unavailable_by_trigger.get(event, ())

    def find_by_exit(self, event: str) -> Sequence[Journey]:
        """Return the journeys, also unavailable ones, that an event may end.

        A contact who completed such a journey may still have sends in the queue, which the event
        cancels.
        """
        return self._by_exit.get(event, ())

    def find_by_goal(self, event: str) -> Sequence[Journey]:
        """Return the journeys, also unavailable ones, that an event may be the goal of."""
        return self._by_goal.get(event, ())

    def find_definition(self, journey_id: str) -> Journey | None:
        """Return a journey's definition from the code, or else the stored definition."""
        return self.journeys.get(journey_id) or self.unavailable.get(journey_id)

    @property
    def transactional_lists(self) -> list[str]:
        """The ids of the lists whose mails are always sent."""
        known = {**_LISTS_OF_EVERY_PROJECT, **self.lists}
        return [list_id for list_id, mail_list in known.items() if mail_list.transactional]

    def find_list(self, list_id: str) -> MailList:
        """Return a list by id; a list that the code lacks gets the built-in list's settings.

        A removed list keeps its id, because contacts' choices for the list still count: sent
        emails have unsubscribe links for years.
        """
        mail_list = self.lists.get(list_id) or _LISTS_OF_EVERY_PROJECT.get(list_id)
        return mail_list or replace(BUILT_IN_LIST, id=list_id)


def _index(pairs: Iterable[tuple[str, Journey]]) -> Index:
    """Group journeys by event, from pairs of an event's name and a journey."""
    index: dict[str, list[Journey]] = {}
    for event, journey in pairs:
        index.setdefault(event, []).append(journey)
    return index


async def load_rules(
    database: Database,
    journeys: Mapping[str, Journey],
    lists: Mapping[str, MailList],
    late_after: timedelta = LATE_AFTER,
    *,
    broken: Mapping[str, Journey] | None = None,
) -> IngestRules:
    """Load the switches and the definitions of unavailable journeys; return all rules.

    Args:
        database: holds the operators' switches, and the definitions of all journeys so far.
        journeys: the journeys of the code, by id.
        lists: the lists of the code, by id.
        late_after: how long after an event happened it may arrive and still start a journey.
        broken: what is known of the journeys of the code that cannot be used, by id. Their stored
            definitions come first; a journey that was never loaded has none.
    """
    by_id = await database.read_one(journey_store.find_all())
    return IngestRules(
        journeys=journeys,
        lists=lists,
        unavailable={
            journey_id: journey
            for journey_id, journey in {
                **(broken or {}),
                **{journey_id: stored.journey for journey_id, stored in by_id.items()},
            }.items()
            if journey_id not in journeys
        },
        switched_off_ids=frozenset(
            journey_id for journey_id, stored in by_id.items() if not stored.is_switched_on
        ),
        late_after=late_after,
    )
