"""The base of every `ctx` call.

One class says everything about a kind of call: how authors write it, its key in the journal, how
it is answered, what it reads, how the timeline describes it and how the graph draws it. Nothing
else in the program branches on the kind of a call.

How a call is answered in a turn:

1. Its key is in the journal: `replay` turns the recorded answer into what the author sees.
2. It is the wait that the contact is in, and the wait is over: `resume`.
3. It is new, and the contact is already past it: `skip`, or 4. when `runs_behind` is set.
4. It is new: `start`.

Steps 2 to 4 return the answer, or a `Suspension`. After `NEEDS_INPUT`, the turn carries out
`effect` or, when that is None, `read`, and passes the outcome to `settle`, which again returns the
answer or a `Suspension`. After `TURN_OVER`, the turn is committed, and a wait continues with step 2
in a later turn.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from types import coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from uuid import UUID

from ...domain.journal import Step, decode
from ...errors import JourneyCodeError
from .description import Description, RecordedCall, Wording, plain_answer

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite
    from ..turn_state import TurnState
    from .effect import Effect
    from .read import Read

MAX_KEY_LENGTH = 180


class Suspension(Enum):
    """Why a call has no answer yet."""

    # Its read or its effect comes first; `Call.settle` gets what it came to.
    NEEDS_INPUT = "needs_input"
    # The turn has ended: the call is answered in a later turn, or never.
    TURN_OVER = "turn_over"


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is an error, raised at the author's call."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Call:
    """One `ctx` call. The journey's coroutine yields it and receives the answer.

    Args:
        label: what distinguishes it from other calls of its kind, such as a template or an event.
    """

    label: str

    # The kind of its entries in the journal; never changes, as stored journals name it.
    kind: ClassVar[str]
    # How authors write it: `("history", "count")` stands for `ctx.history.count(…)`.
    paths: ClassVar[tuple[tuple[str, ...], ...]] = ()
    # Set where authors write a chain of methods: `("when",)` for `ctx.when.tomorrow().at(…)`.
    receiver: ClassVar[tuple[str, ...] | None] = None
    # Whether the journal records it.
    is_journalled: ClassVar[bool] = True
    # Whether it is answered as usual where the contact is already past it: true of reads.
    runs_behind: ClassVar[bool] = False

    # -- answering ----------------------------------------------------------------------------

    def base_key(self) -> str:
        """Return its journal key without the occurrence number."""
        return f"{self.kind}:{self.label}"[:MAX_KEY_LENGTH]

    def describe(self) -> str:
        """Return its arguments as text, so that two executions of a turn can be compared."""
        return ""

    def replay(self, answer: Any) -> Any:
        """Return a recorded answer as the author sees it.

        Args:
            answer: the journal's form.
        """
        return decode(answer)

    def start(self, turn: TurnState, key: str) -> Any:
        """Answer a call that the journal has no answer for.

        Args:
            turn: the turn that makes the call.
            key: its journal key.

        Returns:
            The answer as the author sees it, or a `Suspension`.
        """
        raise NotImplementedError

    def skip(self, turn: TurnState, key: str) -> Any:
        """Answer a new call that the contact is already past, without doing it.

        It returns what `start` does. Calls with `runs_behind` are never skipped.
        """
        raise NotImplementedError

    def resume(self, turn: TurnState, key: str) -> Any:
        """Answer the wait that the contact is in, which is over now; returns what `start` does."""
        return self.start(turn, key)

    def settle(self, turn: TurnState, key: str, value: Any) -> Any:
        """Answer a call whose read or effect has been carried out; returns what `start` does.

        Args:
            turn: the turn that makes the call.
            key: its journal key.
            value: what `Read.answers` gave, or the effect's `StepAttempt`.
        """
        raise NotImplementedError

    def read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        """Return what a call has to read first, unless it has an effect.

        Args:
            turn: the turn that makes the call.
            key: its journal key.
            contact_ids: the contact, and those who were merged into it when
                `reads_merged_contacts` is set.
        """
        raise NotImplementedError

    # Whether `read` looks at rows that stay with contacts when they are merged into another.
    reads_merged_contacts: ClassVar[bool] = False

    def effect(self) -> Effect | None:
        """Return the author's function that a call has to run first; None when it only reads."""
        return None

    def record(
        self, turn: TurnState, key: str, answer: Any, detail: dict[str, Any] | None = None
    ) -> Any:
        """Add an answer to the journal, and return it as the author sees it.

        Args:
            turn: the turn that makes the call.
            key: its journal key.
            answer: the journal's form.
            detail: particulars for the timeline.
        """
        turn.result.steps.append(Step(key, self.kind, self.label, answer, detail))
        return self.replay(answer)

    def record_skipped(self, turn: TurnState, key: str, answer: Any) -> Any:
        """Add the answer of a call that was not done, because the contact is past it."""
        step = Step(key, self.kind, self.label, answer, passed=True)
        turn.result.steps.append(step)
        return self.replay(answer)

    # -- the timeline -------------------------------------------------------------------------

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        """Describe an entry of the journal for the timeline.

        Args:
            record: the entry, and what else is known of it.
            wording: how values are written.
        """
        step = record.step
        title = f"{step.kind.replace('_', ' ').capitalize()} {step.label}".strip()
        yield Description(title, tag=plain_answer(step.answer, wording))

    @classmethod
    def summarize(cls, step: Step) -> str:
        """Return a recorded answer in a few words; empty when it says nothing."""
        return json.dumps(step.answer, ensure_ascii=False)

    # -- the graph ----------------------------------------------------------------------------

    @classmethod
    def graph_step(cls, site: CallSite) -> GraphStep | None:
        """Return how the graph shows a call in the author's code; None when it does not.

        Args:
            site: the call's place in the code.
        """
        return None

    @classmethod
    def evaluated_arguments(cls, site: CallSite) -> list[ast.expr]:
        """Return the arguments that run in the journey, before the call does."""
        return site.arguments

    @classmethod
    def drawn_arguments(cls, site: CallSite) -> list[ast.expr]:
        """Return the arguments whose own `ctx` calls the graph shows before this one."""
        return cls.evaluated_arguments(site)

    @classmethod
    def resources(cls, site: CallSite) -> Iterable[Resource]:
        """Return the templates and lists that a call in the author's code names."""
        return ()

    @classmethod
    def find_problem(cls, site: CallSite) -> JourneyCodeError | None:
        """Return what is certainly wrong with a call in the author's code."""
        return None


@dataclass(frozen=True, slots=True)
class Resource:
    """Something outside of the journey that a call names.

    Args:
        kind: what it is.
        name: the value in the code; not a text when it is not known.
    """

    kind: Literal["template", "list"]
    name: Any


# Whether the code that runs now is a journey's: the function of a `ctx.step` is not.
IN_JOURNEY: ContextVar[bool] = ContextVar("in_journey", default=False)


@coroutine
def perform(call: Call) -> Generator[Call, Any, Any]:
    """Hand a call to the turn that runs the journey, and return its answer.

    Raises:
        JourneyCodeError: no journey runs here: a step's function, a task, a thread.
    """
    if not IN_JOURNEY.get():
        raise JourneyCodeError(
            f"ctx was used ({call.kind} {call.label!r}) outside of a running journey.",
            "Await ctx calls in the journey itself, not in the function that ctx.step runs: "
            "return a value from that function, and continue with it.",
        )
    return (yield call)
