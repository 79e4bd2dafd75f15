"""The journeys, lists and sending policy of a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..domain.graph import JourneyGraph
from ..domain.journey import BrokenFile, Journey, MailList
from ..domain.sending_policy import NO_POLICY, SendingPolicy
from .decorator import JourneyFunction


@dataclass(frozen=True, slots=True)
class Registry:
    """The journeys, lists and sending policy of a folder.

    Args:
        journeys: the definitions, by id.
        functions: the functions of the journeys, by id.
        lists: the lists, by id.
        broken: files that cannot be used, with the reason.
        graphs: the graphs of the journeys whose source could be parsed, by id.
        broken_journeys: what is known of the definitions of journeys that cannot be used, by id.
        sending_policy: how mail is sent; None when the file that says so cannot be used.
    """

    journeys: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    functions: Mapping[str, JourneyFunction] = field(default_factory=dict[str, JourneyFunction])
    lists: Mapping[str, MailList] = field(default_factory=dict[str, MailList])
    broken: Sequence[BrokenFile] = ()
    graphs: Mapping[str, JourneyGraph] = field(default_factory=dict[str, JourneyGraph])
    broken_journeys: Mapping[str, Journey] = field(default_factory=dict[str, Journey])
    sending_policy: SendingPolicy | None = NO_POLICY
