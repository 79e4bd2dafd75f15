"""Hypothesis strategies for contacts, events, journeys and scripts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from .journey_plans import OF_TRIGGER, JourneyPlan, Op, Rule
from .model_values import ModelContact, ModelEvent, SubmittedEvent
from .system_under_test import START

JOURNEYS = (
    JourneyPlan("a", Rule("go"), exit_on=(Rule("stop"),), window=(10, 16), goal=Rule("x")),
    JourneyPlan(
        "b",
        Rule("run", "one"),
        entry="unlimited",
        exit_on=(Rule("stop", "one"), Rule("y")),
        suppress=timedelta(hours=6),
        restarts=True,
        goal=Rule("y"),
        holdout=50,
    ),
    JourneyPlan(
        "c",
        Rule("ping"),
        entry=timedelta(days=2),
        exit_on=(Rule("y", OF_TRIGGER),),
        list="news",
        window=(9, 17),
        accept_late=True,
    ),
    JourneyPlan(
        "d",
        Rule("go"),
        entry="unlimited",
        exit_on=(Rule("y"), Rule("run", OF_TRIGGER)),
        keyed=True,
        window=(6, 12),
        goal=Rule("ping"),
        holdout=30,
    ),
)
IDS = [plan.id for plan in JOURNEYS]
MAILS = ("welcome", "nudge", "offer", "bye")
EVENTS = ("go", "run", "ping", "x", "y", "stop")

_events = st.sampled_from(EVENTS)
_event_names = st.sampled_from(("go", "go", "run", *EVENTS))
_values = st.sampled_from(["one", "one", "two", None])
_labels = st.sampled_from(["p", "q"])
_lists = st.sampled_from([None, None, None, "receipts", "news", "offers"])
_rules = st.builds(Rule, _events, st.sampled_from([None, None, "one", OF_TRIGGER]))

_follows = st.tuples(
    st.just("follow"), st.sampled_from([0, 24]), st.sampled_from([None, 24, 100]), _labels
)
_waits = st.one_of(
    st.tuples(st.just("sleep"), st.sampled_from([1, 5, 24, 72]), _labels),
    _follows,
    _follows,
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
_mails = st.tuples(
    st.just("send"), st.sampled_from(MAILS), _lists, st.sampled_from([None, None, "boss@x.io"])
)
_effects = st.one_of(
    _mails,
    _mails,
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
_weighted = [_waits] * 4 + [_effects] * 5 + [_reads] * 2 + [_ends]
_calls: st.SearchStrategy[Op] = st.sampled_from(_weighted).flatmap(lambda strategy: strategy)


def _nested(ops: st.SearchStrategy[Op]) -> st.SearchStrategy[Op]:
    block = st.lists(ops, max_size=2).map(tuple)
    branch = st.tuples(st.just("if"), block, block)
    loop = st.tuples(st.just("twice"), block)
    return st.sampled_from([ops] * 6 + [branch, loop]).flatmap(lambda strategy: strategy)


scripts = st.lists(_nested(_calls), min_size=1, max_size=6).map(tuple)


@st.composite
def plans(draw: st.DrawFn, journey: JourneyPlan | None = None) -> JourneyPlan:
    """A journey with a new script, sometimes switched off by its author."""
    base = journey or draw(st.sampled_from(JOURNEYS))
    enabled = draw(st.sampled_from([True] * 9 + [False]))
    return replace(base, script=draw(scripts), enabled=enabled)


_WAITS = ("sleep", "wait", "digest", "follow", "step")


@st.composite
def edited_plans(draw: st.DrawFn, plan: JourneyPlan) -> JourneyPlan:
    """The same journey with a call added, removed, replaced or relabelled."""
    script = list(plan.script)
    waits = [at for at, (name, *_) in enumerate(script) if name in _WAITS]
    at = draw(st.sampled_from([*waits, *range(len(script) + 1)]))
    edit = draw(st.sampled_from(["add", "drop", "change", "fail", "relabel"]))
    if edit == "relabel" and script[at : at + 1] and script[at][0] in _WAITS[:4]:
        script[at] = (*script[at][:-1], draw(_labels))
    if edit in ("drop", "change"):
        del script[at : at + 1]
    if edit in ("add", "change"):
        script.insert(at, draw(_calls))
    if edit == "fail":
        script.insert(at + draw(st.integers(0, 1)), ("fail",))
    return replace(plan, script=tuple(script))


# The identities of an event: user id, address, browser. Some belong to two contacts, who merge.
IDENTITIES = (
    *[("u1", "e1@x.io", None)] * 6,
    *[("u2", "e2@x.io", "a2")] * 2,
    *[(None, "e3@x.io", None)] * 2,
    (None, "e1@x.io", None),
    (None, None, "a1"),
    ("u1", None, "a1"),
    ("u1", "e4@x.io", None),
    (None, "e3@x.io", "a1"),
    ("u3", "e3@x.io", "a2"),
    (None, "e2@x.io", "a1"),
)
_list_choices = st.dictionaries(
    st.sampled_from(["journey", "news", "*"]), st.booleans(), max_size=2
)


_instants = st.sampled_from([30, 60, 100, 200, 1000]).map(
    lambda hours: START + timedelta(hours=hours)
)
followed_properties = st.builds(
    lambda ends: {"ends": ends}, st.none() | _instants.map(datetime.isoformat)
)
_contact_properties = st.sampled_from([True, False, False]).flatmap(
    lambda has_change: followed_properties if has_change else st.just(dict[str, str | None]())
)


@st.composite
def incoming_events(draw: st.DrawFn) -> SubmittedEvent:
    """An event of a contact, sometimes with choices about lists."""
    user, email, browser = draw(st.sampled_from(IDENTITIES))
    value = draw(_values)
    return SubmittedEvent(
        draw(_event_names),
        user,
        email,
        browser,
        {"k": value} if value else {},
        draw(st.one_of([st.just(dict[str, bool]())] * 4 + [_list_choices])),
        draw(_contact_properties),
        late=draw(st.sampled_from([False] * 9 + [True])),
    )


addresses = st.sampled_from(["e1@x.io", "e2@x.io", "boss@x.io"])


@st.composite
def changes(draw: st.DrawFn) -> SubmittedEvent:
    """An event that no journey knows, with identities that may merge contacts, and choices.

    When it changes no contact, the turns that run see it or not with the same result.
    """
    user, email, browser = draw(st.sampled_from(IDENTITIES))
    choices = draw(st.one_of(st.just(dict[str, bool]()), _list_choices))
    return SubmittedEvent(
        "changed",
        user,
        email,
        browser,
        lists=choices,
        contact_properties=draw(_contact_properties),
    )


def move_to(event: SubmittedEvent, person: ModelContact) -> SubmittedEvent:
    """Return the event as one of this contact, with one identity of its own kept."""
    if event.anonymous and event.anonymous != person.anonymous:
        return replace(event, user=person.user, email=person.email)
    if event.user and person.user is None:
        return replace(event, email=person.email, anonymous=person.anonymous)
    return replace(event, user=person.user, anonymous=person.anonymous)


def matching_event(
    person: ModelContact, rule: Rule, trigger: ModelEvent | None = None
) -> SubmittedEvent:
    """Return an event of a contact that matches a rule of the enrollment with this trigger."""
    k = trigger.properties.get("k") if trigger else None
    properties = {"k": (k if rule.k in (None, OF_TRIGGER) else rule.k) or "one"}
    return SubmittedEvent(rule.event, person.user, person.email, person.anonymous, properties)


pauses = st.sampled_from([0, 0, 0, 1, 3, 24, 80]).map(lambda hours: timedelta(hours=hours))
