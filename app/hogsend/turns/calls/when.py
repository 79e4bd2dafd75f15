"""`ctx.when`: instants such as "next Monday at nine", in the contact's time zone."""

from __future__ import annotations

import ast
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from ...domain.conditions import Property
from ...domain.property_instant import PropertyInstant
from ...domain.times import (
    DAY_NAMES,
    Moment,
    Weekday,
    Window,
    find_zone,
    get_zone_name,
    parse_days,
    parse_time,
    parse_weekday,
)
from ...errors import JourneyCodeError
from ..argument_checks import MAX_SPAN, check_instant
from ..turn_state import TurnState
from .call import perform
from .description import Description, RecordedCall, Wording, format_answer
from .registry import register
from .values import ValueCall

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite

# Constants such as `QUIET_DAYS = ["fri", "sat"]` are lists of any text to a type checker.
Weekdays = Collection[Weekday] | Collection[str]


@register
@dataclass(frozen=True, slots=True)
class ResolveMoment(ValueCall):
    """The instant of a moment in the contact's local time.

    Args:
        moment: the moment that the author described.
    """

    kind: ClassVar[str] = "when"
    receiver: ClassVar[tuple[str, ...] | None] = ("when",)
    title: ClassVar[str] = "Calculated a time"

    moment: Moment

    def describe(self) -> str:
        return self.moment.describe()

    def compute_value(self, turn: TurnState, key: str) -> Any:
        return self.moment.resolve(turn.now, turn.resolve_time_zone())

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = format_answer(record.step.answer, wording)
        yield Description(cls.title, tag=tag, notes=(record.step.label,))

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        what = describe_moment(site.call, site) or site.code.removeprefix("when.")
        step = site.build_step(cls.kind, what, None)
        return replace(step, key="", label="")

    @classmethod
    def list_drawn_arguments(cls, site: CallSite) -> list[ast.expr]:
        return []

    @classmethod
    def find_problem(cls, site: CallSite) -> JourneyCodeError | None:
        try:
            _evaluate(site.call, site)
        except JourneyCodeError as error:
            return error
        except TypeError as error:
            # Such as `at() missing 1 required positional argument: 'time'`.
            return JourneyCodeError(f"ctx.when: {str(error).removeprefix('_Chain.')}.")
        return None


@dataclass(frozen=True)
class _Chain:
    """The methods that instants and days have in common.

    Args:
        moment: the moment that the methods of the chain have described so far.
    """

    moment: Moment = field(default_factory=Moment)

    def at(self, time: str, *, days: Weekdays | None = None) -> When:
        """Choose the time of day; without a day, a time that is past today is tomorrow's.

        Args:
            time: by the contact's clock, `HH:MM` or `HH:MM:SS`. A time that is skipped when the
                clocks go forward is later by as much; of one that occurs twice, the first counts.
            days: the weekdays that count, such as `WEEKDAYS`: the same time on the next of them;
                every day unless given.
        """
        if self.moment.at is not None:
            raise JourneyCodeError("ctx.when: .at(…) was called twice.", "Give one time of day.")
        _check_days("ctx.when.at", days)
        try:
            moment = replace(self.moment, at=parse_time(time), at_days=parse_days(days))
        except (ValueError, TypeError, AttributeError) as error:
            value = time if days is None else (time, days)
            raise JourneyCodeError(f"ctx.when.at: {_describe_error(error, value)}") from None
        return When(moment)

    def window(self, start: str, end: str, *, days: Weekdays | None = None) -> When:
        """Move the instant into a window of hours: to the next opening, unless it is inside.

        A day without a time counts from its beginning.

        Args:
            start: when the window opens, such as `09:00`.
            end: when the window closes; an `end` before `start` is on the next day.
            days: the weekdays on which the window opens; every day unless given.
        """
        _check_days("ctx.when.window", days)
        try:
            return When(replace(self.moment, window=Window.parse(start, end, days)))
        except (ValueError, TypeError, AttributeError) as error:
            problem = _describe_error(error, (start, end, days))
            raise JourneyCodeError(f"ctx.when.window: {problem}") from None

    def tz(self, name: str) -> Self:
        """Use the clock and the calendar of another time zone than the contact's.

        Args:
            name: such as `America/New_York`, or an offset such as `+02:00`.
        """
        zone = find_zone(name) if isinstance(name, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        if zone is None:
            raise JourneyCodeError(
                f"ctx.when.tz: {name!r} is not a time zone.",
                "Use an IANA name, such as America/New_York, or an offset such as +02:00.",
            )
        return replace(self, moment=replace(self.moment, zone=get_zone_name(zone)))


@dataclass(frozen=True)
class When(_Chain):
    """A future instant in the contact's local time; `await` it, or pass it to `ctx.sleep_until`.

    The contact's time zone is that of their property `timezone` (or `timeZone`, `time_zone`, `tz`),
    else the journey's, else UTC. `ctx.when` itself is now.

    Args:
        moment: the moment that the methods of the chain have described so far.
    """

    def __await__(self) -> Generator[Any, Any, datetime]:
        """Return the instant, with the contact's offset, the same at every replay."""
        return self._resolve().__await__()

    async def _resolve(self) -> datetime:
        instant: datetime = await perform(ResolveMoment(self.moment.describe(), self.moment))
        return instant

    def today(self) -> Day:
        """Choose today; a time in the past stays in the past: sleeping until it returns at once."""
        return Day(self._with_base("today"))

    def tomorrow(self) -> Day:
        """Choose tomorrow, by the contact's calendar."""
        return Day(self._with_base("tomorrow"))

    def next(self, weekday: Weekday | str) -> Day:
        """Choose the next date of a weekday; on a Monday, the next `monday` is in seven days.

        Args:
            weekday: such as `monday` or `mon`.
        """
        try:
            number = parse_weekday(weekday)
        except (ValueError, AttributeError) as error:
            problem = _describe_error(error, weekday)
            raise JourneyCodeError(f"ctx.when.next: {problem}") from None
        return Day(self._with_base(DAY_NAMES[number]))

    def in_(self, duration: timedelta) -> When:
        """Choose an instant after a duration. With `.at(…)`, the time on that day.

        Args:
            duration: such as `days(3)`; a hundred years at most.
        """
        if not isinstance(duration, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise JourneyCodeError(
                f"ctx.when.in_ takes a duration such as days(3), but was given {duration!r}."
            )
        if not timedelta() <= duration <= MAX_SPAN:
            raise JourneyCodeError(
                f"ctx.when.in_ takes a duration of up to 100 years, not {duration}."
            )
        return When(self._with_base(duration))

    def _with_base(self, base: str | timedelta) -> Moment:
        if self.moment.base != "now" or self.moment.at is not None:
            raise JourneyCodeError(
                f"ctx.when: {self.moment.describe()!r} already has a day.",
                "Start again with ctx.when.",
            )
        return replace(self.moment, base=base)


@dataclass(frozen=True)
class Day(_Chain):
    """A day without a time, which `.at(…)` or `.window(…)` adds.

    Args:
        moment: the moment that the methods of the chain have described so far.
    """

    if not TYPE_CHECKING:
        # A type checker rejects `await` of a day. At run time, the error says what to add.
        def __await__(self) -> NoReturn:
            raise JourneyCodeError(
                f"ctx.when: {self.moment.describe()!r} is a day, not an instant.",
                'Add a time: .at("09:00"), or .window("09:00", "17:00").',
            )


def check_moment(argument: str, value: object) -> None:
    """Raise unless a value is an instant with a time zone, or describes one.

    `ctx.when` and properties of the contact describe instants.
    """
    if not isinstance(value, When | Property | PropertyInstant):
        check_instant(argument, value)


def _check_days(call: str, days: Weekdays | None) -> None:
    if isinstance(days, str):
        raise JourneyCodeError(f'{call} takes days as a list, such as days=["mon", "tue"].')


def _describe_error(error: Exception, value: object) -> str:
    """Return the message of a `ValueError`; other errors mean that the value is not text."""
    return str(error) if isinstance(error, ValueError) else f"{value!r} is not text."


# -- reading the author's code ----------------------------------------------------------------


def describe_moment(node: ast.expr, site: CallSite) -> str | None:
    """Return `next monday at 09:00` for `ctx.when.next("monday").at("09:00")`.

    Args:
        node: an expression, awaited or not.
        site: the call that it belongs to.

    Returns:
        The text; None when the expression is no moment, or when a part of it is unknown or wrong.
    """
    try:
        value = _evaluate(node.value if isinstance(node, ast.Await) else node, site)
    except (JourneyCodeError, TypeError):
        return None
    return value.moment.describe() if isinstance(value, When) else None


def _evaluate(node: ast.expr, site: CallSite) -> Any:
    """Return the `When` or the `Day` of a chain of methods that begins with `ctx.when`, or None.

    Raises:
        JourneyCodeError: a method rejects its arguments.
        TypeError: a method does not accept these arguments.
    """
    return site.scope.call_methods(node, ("when",), When())
