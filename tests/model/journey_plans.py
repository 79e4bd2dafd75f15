"""Journeys as plain data, which the model runs and which are written as an author's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

# A call of a journey, or a branch or a loop with calls. Calls with an answer set `got`, which
# branches test and triggered events contain.
Op = tuple[Any, ...]

LISTS = """
news = MailList("news", "News")
offers = MailList("offers", "Offers", default_opt_in=False)
receipts = MailList("receipts", "Receipts", transactional=True)
"""
STEP_VALUE, PASSED_VALUE = 7, 3
STEP_RETRIES = 1
MAX_LOOPS = 2


# The `k` of a rule that compares with the trigger.
OF_TRIGGER = "the trigger's"


@dataclass(frozen=True)
class Rule:
    """A filter of events by name and, unless None, by the property `k`."""

    event: str
    k: str | None = None

    def __repr__(self) -> str:
        return f"{self.event}({self.k or ''})"

    def matches(self, name: str, properties: Mapping[str, Any], trigger: Mapping[str, Any]) -> bool:
        """Return whether an event matches.

        Args:
            name: the event's name.
            properties: the event's properties.
            trigger: the properties of the enrollment's trigger.
        """
        if name != self.event or self.k is None:
            return name == self.event
        k = trigger.get("k") if self.k == OF_TRIGGER else self.k
        return k is not None and properties.get("k") == k

    @property
    def condition(self) -> str:
        """The condition in the author's file; empty without one."""
        value = 'trigger("k")' if self.k == OF_TRIGGER else repr(self.k)
        return f', where=prop("k") == {value}' if self.k else ""

    @property
    def source(self) -> str:
        return f"on({self.event!r}{self.condition})"


@dataclass(frozen=True)
class JourneyPlan:
    """A journey as an author could have written it; `window` has hours of the day in UTC."""

    id: str
    trigger: Rule
    script: tuple[Op, ...] = ()
    entry: timedelta | str = "once"
    exit_on: tuple[Rule, ...] = ()
    suppress: timedelta | None = None
    list: str = "journey"
    enabled: bool = True
    keyed: bool = False
    restarts: bool = False
    window: tuple[int, int] | None = None
    accept_late: bool = False
    goal: Rule | None = None
    holdout: int = 0

    def __repr__(self) -> str:
        return f"Plan({self.id}, enabled={self.enabled}, {self.script})"

    def find_key(self, properties: Mapping[str, Any]) -> str | None:
        return properties.get("k") if self.keyed else ""

    def concerns(self, key: str, properties: Mapping[str, Any]) -> bool:
        """Return whether an event with these properties concerns the enrollment with a key."""
        return not self.keyed or properties.get("k") in (None, key)

    @property
    def has_failing_step(self) -> bool:
        """Whether a step fails; a turn that runs again has then used up an attempt."""
        return _has_failing_step(self.script)

    @property
    def source(self) -> str:
        """The author's file."""
        body = "\n".join(_write_lines(self.script, 1))
        return (
            f"def fails():\n    raise ValueError('no')\n\n"
            f"@journey({self.id!r}, {', '.join(self._write_arguments())})\n"
            f"async def played(user, ctx):\n    got = 0\n{body}\n"
        )

    def _write_arguments(self) -> Iterator[str]:
        yield f"trigger={self.trigger.source}"
        if isinstance(self.entry, str):
            yield f"entry={self.entry!r}"
        else:
            yield f"entry=once_per({_write_duration(self.entry)})"
        yield f"exit_on=[{', '.join(rule.source for rule in self.exit_on)}]"
        if self.suppress:
            yield f"suppress={_write_duration(self.suppress)}"
        yield f"list={self.list!r}"
        yield f"enabled={self.enabled}, accept_late={self.accept_late}"
        if self.goal:
            yield f"goal={self.goal.source}"
        if self.holdout:
            yield f"holdout={self.holdout}"
        if self.keyed:
            yield 'key=prop("k")'
        if self.restarts:
            yield 'on_retrigger="restart"'
        if self.window:
            yield 'send_window=("{:02}:00", "{:02}:00")'.format(*self.window)


def _write_duration(duration: timedelta) -> str:
    return f"seconds({int(duration.total_seconds())})"


def _write_lines(script: Sequence[Op], depth: int) -> Iterator[str]:
    for name, *arguments in script:
        for line in _SOURCES[name](*arguments):
            yield "    " * depth + line


def _write_branch(then: Sequence[Op], otherwise: Sequence[Op]) -> Iterator[str]:
    yield "if got:"
    yield from _write_lines(then or (("nothing",),), 1)
    yield "else:"
    yield from _write_lines(otherwise or (("nothing",),), 1)


def _write_loop(script: Sequence[Op]) -> Iterator[str]:
    yield f"for _ in range({MAX_LOOPS}):"
    yield from _write_lines(script or (("nothing",),), 1)


def _write_wait(rules: Sequence[Rule], hours: int | None, label: str) -> list[str]:
    events = ", ".join(rule.source for rule in rules)
    timeout = f"hours({hours})" if hours is not None else None
    return [f"got = bool(await ctx.wait_for_any([{events}], timeout={timeout}, label={label!r}))"]


def _write_follow(hours: int, timeout: int | None, label: str) -> list[str]:
    limit = f"hours({timeout})" if timeout is not None else None
    instant = f'prop("ends") - hours({hours})'
    return [f"got = await ctx.sleep_until({instant}, timeout={limit}, label={label!r})"]


def _write_digest(rule: Rule | None, hours: int, max_events: int, label: str) -> list[str]:
    event = f"event={rule.source}, " if rule else ""
    options = f"{event}max_events={max_events}, label={label!r}"
    return [f"got = len(await ctx.digest(hours({hours}), {options}))"]


def _write_send(template: str, list_id: str | None, to: str | None) -> list[str]:
    return [f"got = bool(await ctx.send({template!r}, list={list_id!r}, to={to!r}))"]


def _write_step(key: str, works: bool, passed: bool) -> list[str]:
    effect = f"lambda: {STEP_VALUE}" if works else "fails"
    known = f", passed=lambda: {PASSED_VALUE}" if passed else ""
    return [
        "try:",
        f"    got = await ctx.step({key!r}, {effect}, retries={STEP_RETRIES}{known})",
        "except StepFailed:",
        "    got = 0",
    ]


def _has_failing_step(script: Sequence[Op]) -> bool:
    return any(
        (name == "step" and not arguments[1])
        or any(_has_failing_step(block) for block in arguments if name in ("if", "twice"))
        for name, *arguments in script
    )


_SOURCES: dict[str, Any] = {
    "send": _write_send,
    "sleep": lambda hours, label: [f"await ctx.sleep(hours({hours}), label={label!r})"],
    "follow": _write_follow,
    "wait": _write_wait,
    "digest": _write_digest,
    "step": _write_step,
    "has": lambda event: [f"got = await ctx.history.has_event({event!r})"],
    "count": lambda rule: [f"got = await ctx.history.count({rule.event!r}{rule.condition})"],
    "mailed": lambda template: [f"got = (await ctx.history.email({template!r})).sent"],
    "entered": lambda journey: [f"got = (await ctx.history.journey({journey!r})).entered"],
    "subscribed": lambda list_id: [f"got = await ctx.is_subscribed({list_id!r})"],
    "throttle": lambda limit, hours: [f"got = bool(await ctx.throttle({limit}, hours({hours})))"],
    "address": lambda: ["got = (await ctx.contact()).email"],
    "trigger": lambda event, k: [
        f"await ctx.trigger({event!r}, {{'got': got, 'k': {k!r}}})".replace(", 'k': None", "")
    ],
    "exit": lambda: ['await ctx.exit("enough")'],
    "fail": lambda: ['raise ValueError("no")'],
    "nothing": lambda: ["pass"],
    "if": _write_branch,
    "twice": _write_loop,
}
