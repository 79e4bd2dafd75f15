"""`ctx.throttle`: whether the contact has got too many emails lately."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.durations import describe_duration
from ...domain.journal import encode
from ..argument_checks import ArgumentCheck, check_count, check_span
from ..turn_state import TurnState
from .call import Resource, Suspension
from .description import Description, RecordedCall, Wording, read_object
from .read import Read, ReadCall
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ...store.db import Query
    from ..static_analysis.call_site import CallSite


@dataclass(frozen=True, slots=True)
class SentCount(Read):
    """The number of emails that were sent to a contact.

    Args:
        contact_id: the contact.
        since: only emails from this instant on.
        list_id: only emails of this list; None for all lists.
    """

    contact_id: UUID
    since: datetime
    list_id: str | None

    @property
    def group(self) -> Hashable:
        return self.since, self.list_id

    @classmethod
    def build_query(cls, reads: Sequence[SentCount]) -> Query[Any]:
        from ...store import history

        first = reads[0]
        return history.count_sent([read.contact_id for read in reads], first.since, first.list_id)

    @classmethod
    def extract_answers(
        cls, reads: Sequence[SentCount], result: Mapping[UUID, int]
    ) -> Iterable[int]:
        return [result[read.contact_id] for read in reads]


@register
@dataclass(frozen=True, slots=True)
class CheckThrottle(ReadCall):
    """Whether another email may be sent to the contact.

    Args:
        window: the period before the turn in which emails are counted.
        limit: the number of emails that may be sent within the window.
        list_id: only emails of this list are counted; None for all lists.
    """

    kind: ClassVar[str] = "throttle"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("throttle",),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "limit": check_count,
        "window": check_span,
    }

    window: timedelta
    limit: int
    list_id: str | None

    def describe(self) -> str:
        return f"{self.list_id}, since {self.window}, {self.limit}"

    def start(self, turn: TurnState, key: str) -> Any:
        if self.list_id is not None:
            turn.environment.check_list(self.list_id)
        return Suspension.NEEDS_INPUT

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return SentCount(turn.contact.id, turn.now - self.window, self.list_id)

    def complete(self, turn: TurnState, key: str, value: int) -> Any:
        queued = sum(
            send.status == "queued"
            and send.on_behalf_of is None
            and self.list_id in (None, send.list_id)
            for send in turn.result.sends
        )
        sent = value + queued
        answer = {"allowed": sent < self.limit, "sent": sent, "limit": self.limit}
        return self.record(turn, key, encode(answer))

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = "allowed" if read_object(record.step.answer).get("allowed") else "limit reached"
        yield Description(f"Checked the limit of {record.step.label}", tag=tag)

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        limit, window = site.evaluate(0, "limit"), site.evaluate(1, "window")
        is_known = isinstance(limit, int) and isinstance(window, timedelta)
        what = f"{site.format_argument(0, 'limit')} in {site.format_argument(1, 'window')}"
        name = f"{limit} in {describe_duration(window)}" if is_known else None
        return replace(site.build_step(cls.kind, what, name), is_question=True)

    @classmethod
    def find_resources(cls, site: CallSite) -> Iterable[Resource]:
        yield Resource("list", site.evaluate(-1, "list"))
