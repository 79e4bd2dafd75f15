"""The journeys and lists that a folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..domain.graph import JourneyGraph
from ..domain.journey import BrokenFile, Journey, MailList
from .decorator import JourneyFunction


@dataclass(frozen=True, slots=True)
class Registry:
    """What a journeys' folder holds.

    Args:
        journeys: the definitions, by id.
        functions: the code of each, by id.
        lists: the lists, by id.
        broken: files that could not be used, with the reason.
        flows: the graph of each, by id, where its text could be read.
    """

    journeys: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    functions: Mapping[str, JourneyFunction] = field(default_factory=dict[str, JourneyFunction])
    lists: Mapping[str, MailList] = field(default_factory=dict[str, MailList])
    broken: Sequence[BrokenFile] = ()
    flows: Mapping[str, JourneyGraph] = field(default_factory=dict[str, JourneyGraph])
