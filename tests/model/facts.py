"""What the machine may do and write: people, events, journeys, scripts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from .scripts import Op, Plan, Rule
from .things import Fact

JOURNEYS = (
    Plan("a", Rule("go"), exit_on=(Rule("stop"),)),
    Plan(
        "b",
        Rule("run", "one"),
        entry="unlimited",
        exit_on=(Rule("stop", "one"), Rule("y")),
        suppress=timedelta(hours=6),
        restarts=True,
    ),
    Plan(
        "c",
        Rule("ping"),
        entry=timedelta(days=2),
        list="news",
        window=(9, 17),
        accept_late=True,
    ),
    Plan("d", Rule("go"), entry="unlimited", keyed=True, window=(6, 12)),
)
IDS = [plan.id for plan in JOURNEYS]
MAILS = ("welcome", "nudge", "offer", "bye")
EVENTS = ("go", "run", "ping", "x", "y", "stop")

_events = st.sampled_from(EVENTS)
_values = st.sampled_from([None, "one", "two"])
_labels = st.sampled_from(["p", "q"])
_lists = st.sampled_from([None, "receipts", "news"])
_rules = st.builds(Rule, _events, st.sampled_from([None, None, "one"]))

_waits = st.one_of(
    st.tuples(st.just("sleep"), st.sampled_from([1, 5, 24, 72]), _labels),
    st.tuples(
        st.just("wait"),
        st.lists(_rules, min_size=1, max_size=2).map(tuple),
        st.sampled_from([None, 2, 24, 100]),
        _labels,
    ),
    st.tuples(
        st.just("digest"),
        st.none() | _rules,
        st.sampled_from([2, 24, 100]),
        st.integers(1, 3),
        _labels,
    ),
)
_effects = st.one_of(
    st.tuples(
        st.just("send"), st.sampled_from(MAILS), _lists, st.sampled_from([None, None, "boss@x.io"])
    ),
    st.tuples(st.just("trigger"), _events, _values),
    st.tuples(st.just("step"), st.sampled_from(["s", "t"]), st.booleans(), st.booleans()),
)
_reads = st.one_of(
    st.tuples(st.just("has"), _events),
    st.tuples(st.just("count"), _rules),
    st.tuples(st.just("mailed"), st.sampled_from(MAILS)),
    st.tuples(st.just("entered"), st.sampled_from(IDS)),
    st.tuples(st.just("subscribed"), _lists),
    st.tuples(st.just("throttle"), st.integers(0, 2), st.sampled_from([1, 48])),
    st.tuples(st.just("address")),
)
_ends = st.sampled_from([("exit",), ("fail",), ("nothing",)])
_calls: st.SearchStrategy[Op] = st.one_of(_waits, _effects, _waits, _effects, _reads, _ends)


def _nested(ops: st.SearchStrategy[Op]) -> st.SearchStrategy[Op]:
    few = st.lists(ops, max_size=2).map(tuple)
    return st.one_of(
        _calls,
        st.tuples(st.just("if"), few, few),
        st.tuples(st.just("twice"), few),
    )


scripts = st.lists(_nested(_calls), max_size=6).map(tuple)


def plans(journey: Plan) -> st.SearchStrategy[Plan]:
    """A journey with another script, now and then switched off by its author."""
    enabled = st.sampled_from([True, True, True, False])
    return st.builds(
        lambda script, on: replace(journey, script=script, enabled=on), scripts, enabled
    )


def some_plan() -> st.SearchStrategy[Plan]:
    return st.sampled_from(JOURNEYS).flatmap(plans)


_users = st.sampled_from([None, "u1", "u2", "u3"])
_emails = st.sampled_from([None, "e1@x.io", "e2@x.io", "e3@x.io"])
_browsers = st.sampled_from([None, "a1", "a2"])
names = st.tuples(_users, _emails, _browsers).filter(any)
said = st.dictionaries(
    st.sampled_from(["journey", "news", "*"]), st.booleans(), max_size=2
) | st.just(dict[str, bool]())


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """Something that somebody does, or says of lists."""
    user, email, browser = draw(names)
    value: Any = draw(_values)
    return Fact(
        draw(_events),
        user,
        email,
        browser,
        {"k": value} if value else {},
        draw(st.just(dict[str, bool]()) | said),
        late=draw(st.sampled_from([False] * 5 + [True])),
    )


pauses = st.sampled_from([0, 0, 0, 0, 1, 3, 24, 80]).map(lambda hours: timedelta(hours=hours))
