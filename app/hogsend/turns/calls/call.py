"""The base of every `ctx` call.

One class defines everything about a kind of call: how authors write the call, its key in the
journal, how a turn answers it, what it reads, how the timeline describes it and how the graph draws
it. Nothing else in the program branches on the kind of a call.

A turn answers a call with the first of these methods that applies:

1. `replay`, when the key of the call is in the journal: returns the recorded answer.
2. `resume`, when the call is the wait that the contact is in, and the wait is over.
3. `skip`, when the contact is already past the call, unless `runs_behind` is set.
4. `start`, for every other call.

Methods 2 to 4 return the answer, or a `Suspension`. After `NEEDS_INPUT`, the turn runs the effect
of `build_effect` or, when there is none, the read of `build_read`, and passes the outcome to
`complete`, which again returns the answer or a `Suspension`. After `TURN_OVER`, the turn is
committed, and a later turn calls `resume` if the call is a wait.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import Enum
from types import coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from uuid import UUID

from ...domain.journal import Step, decode
from ...errors import JourneyCodeError
from ..argument_checks import ArgumentCheck
from .description import Description, RecordedCall, Wording, format_answer

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite
    from ..turn_state import TurnState
    from .effect import Effect
    from .read import Read

MAX_KEY_LENGTH = 180

# The argument `was=` of every call that takes a label: one former label, or several.
FormerLabels = str | tuple[str, ...] | None


class Suspension(Enum):
    """Why a call has no answer yet."""

    # The read or the effect of the call comes first; `Call.complete` gets the outcome.
    NEEDS_INPUT = "needs_input"
    # The turn has ended: a later turn answers the call, or none does.
    TURN_OVER = "turn_over"


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is an error, raised at the author's call."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Call:
    """One `ctx` call. The journey's coroutine yields it and receives the answer.

    Args:
        label: distinguishes the call from others of its kind, such as a template or an event.
        former_labels: the labels that the call had in earlier versions of the code.
    """

    label: str
    former_labels: tuple[str, ...] = field(default=(), kw_only=True)

    # The kind of the call's journal entries; never changes, because stored journals contain it.
    kind: ClassVar[str]
    # How authors write the call: `("history", "count")` stands for `ctx.history.count(…)`.
    paths: ClassVar[tuple[tuple[str, ...], ...]] = ()
    # Set where authors write a chain of methods: `("when",)` for `ctx.when.tomorrow().at(…)`.
    receiver: ClassVar[tuple[str, ...] | None] = None
    # The label of a call without `label=` when it is always the same; else empty.
    default_label: ClassVar[str] = ""
    # The checks of the arguments, by the names of the parameters; the method runs the same checks.
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {}
    # Whether the journal records the call.
    is_journalled: ClassVar[bool] = True
    # Whether a new call runs although the contact is already past it, as reads do.
    runs_behind: ClassVar[bool] = False
    # Whether `build_read` reads rows that stay with a contact who is merged into another.
    reads_merged_contacts: ClassVar[bool] = False

    # -- answering ----------------------------------------------------------------------------

    def build_base_key(self) -> str:
        """Return the journal key without the occurrence number."""
        return self._build_base_key(self.label)

    def list_former_keys(self) -> list[str]:
        """Return the journal keys that the call had in earlier versions, in the order of `was=`."""
        return [self._build_base_key(label) for label in self.former_labels]

    def _build_base_key(self, label: str) -> str:
        return f"{self.kind}:{label}".replace("\0", "")[:MAX_KEY_LENGTH]

    def add_former_labels(self, was: FormerLabels) -> Self:
        """Return the call with the labels of `was=`.

        Raises:
            JourneyCodeError: `was` is not a label, or the call's own label.
        """
        labels = (was,) if isinstance(was, str) else was
        if not isinstance(labels, tuple) or not all(isinstance(x, str) and x for x in labels):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise JourneyCodeError(
                f"was= takes the former label of the call, but was given {was!r:.80}.",
                'Write was="old-label", or was=("older", "old") for a call that was renamed twice.',
            )
        if self.label in labels:
            raise JourneyCodeError(
                f"was={self.label!r} is the label itself.",
                "Give the label that the call had before it was renamed.",
            )
        return replace(self, former_labels=labels)

    def describe(self) -> str:
        """Return the arguments as text, so that two executions of a turn can be compared."""
        return ""

    def replay(self, answer: Any) -> Any:
        """Return a recorded answer as the author sees it.

        Args:
            answer: the answer in the journal's form.
        """
        return decode(answer)

    def start(self, turn: TurnState, key: str) -> Any:
        """Answer a call that is not in the journal.

        Args:
            turn: the turn that makes the call.
            key: the journal key of the call.

        Returns:
            The answer as the author sees it, or a `Suspension`.
        """
        raise NotImplementedError

    def skip(self, turn: TurnState, key: str) -> Any:
        """Answer a new call that the contact is already past, without its effect.

        The arguments and the result are those of `start`. Calls with `runs_behind` are never
        skipped.
        """
        raise NotImplementedError

    def resume(self, turn: TurnState, key: str) -> Any:
        """Answer the wait that the contact is in, when the wait is over.

        The arguments and the result are those of `start`.
        """
        return self.start(turn, key)

    def complete(self, turn: TurnState, key: str, value: Any) -> Any:
        """Answer a call whose read or effect is done.

        Args:
            turn: the turn that makes the call.
            key: the journal key of the call.
            value: the item of `Read.extract_answers`, or the effect's `StepAttempt`.

        Returns:
            The answer as the author sees it, or a `Suspension`.
        """
        raise NotImplementedError

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        """Return the read that a call without an effect needs before it can be completed.

        Args:
            turn: the turn that makes the call.
            key: the journal key of the call.
            contact_ids: the contact, followed by the contacts that were merged into it when
                `reads_merged_contacts` is set.
        """
        raise NotImplementedError

    def build_effect(self) -> Effect | None:
        """Return the author's function that runs first; None for a call that only reads."""
        return None

    def record(
        self, turn: TurnState, key: str, answer: Any, detail: dict[str, Any] | None = None
    ) -> Any:
        """Add an answer to the journal, and return the answer as the author sees it.

        Args:
            turn: the turn that makes the call.
            key: the journal key of the call.
            answer: the answer in the journal's form.
            detail: particulars for the timeline.
        """
        turn.result.steps.append(Step(key, self.kind, self.label, answer, detail))
        return self.replay(answer)

    def record_skipped(self, turn: TurnState, key: str, answer: Any) -> Any:
        """Add the answer of a skipped call to the journal; returns what `record` does."""
        step = Step(key, self.kind, self.label, answer, passed=True)
        turn.result.steps.append(step)
        return self.replay(answer)

    # -- the timeline -------------------------------------------------------------------------

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        """Describe an entry of the journal for the timeline.

        Args:
            record: the entry, with the rows that belong to it.
            wording: formats values for the reader.
        """
        step = record.step
        title = f"{step.kind.replace('_', ' ').capitalize()} {step.label}".strip()
        yield Description(title, tag=format_answer(step.answer, wording))

    @classmethod
    def summarize(cls, step: Step) -> str:
        """Return a recorded answer in a few words; empty when the kind has no answer to show."""
        return json.dumps(step.answer, ensure_ascii=False)

    # -- the graph ----------------------------------------------------------------------------

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep | None:
        """Return the graph's node for a call in the author's code; None when it has no node.

        Args:
            site: the call in the code.
        """
        return None

    @classmethod
    def list_evaluated_arguments(cls, site: CallSite) -> list[ast.expr]:
        """Return the arguments that the journey evaluates before it makes the call."""
        return site.arguments

    @classmethod
    def list_drawn_arguments(cls, site: CallSite) -> list[ast.expr]:
        """Return the arguments whose `ctx` calls the graph shows before this call."""
        return cls.list_evaluated_arguments(site)

    @classmethod
    def find_resources(cls, site: CallSite) -> Iterable[Resource]:
        """Return the templates and lists that a call in the author's code refers to."""
        return ()

    @classmethod
    def find_problem(cls, site: CallSite) -> JourneyCodeError | None:
        """Return the error that a call in the author's code certainly causes, if any."""
        return None


@dataclass(frozen=True, slots=True)
class Resource:
    """A template or a list that a call refers to.

    Args:
        kind: which of the two.
        name: the value in the code; not a `str` when the value is not known.
    """

    kind: Literal["template", "list"]
    name: Any


# Whether a journey's code is running; false in the function of a `ctx.step`.
IN_JOURNEY: ContextVar[bool] = ContextVar("in_journey", default=False)


@coroutine
def perform(call: Call, was: FormerLabels = None) -> Generator[Call, Any, Any]:
    """Pass a call to the turn that runs the journey, and return the answer.

    Args:
        call: the call.
        was: the labels that the call had in earlier versions of the code.

    Raises:
        JourneyCodeError: no journey runs here, such as in a step's function, a task or a thread; or
            `was` cannot be used.
    """
    if not IN_JOURNEY.get():
        raise JourneyCodeError(
            f"ctx was used ({call.kind} {call.label!r}) outside of a running journey.",
            "Await ctx calls in the journey itself, not in the function that ctx.step runs: "
            "return a value from that function, and continue with it.",
        )
    return (yield call if was is None else call.add_former_labels(was))
