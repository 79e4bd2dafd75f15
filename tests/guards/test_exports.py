"""What authors of journeys import is a promise: nothing comes or goes by accident."""

from __future__ import annotations

import inspect

import hogsend
from hogsend import Contact, Context, Event, MailList, Sent, Waited

EXPORTS = {
    "Condition",
    "Contact",
    "Context",
    "Event",
    "EventMatch",
    "EmailPast",
    "FrequencyCap",
    "HogsendError",
    "JourneyCodeError",
    "JourneyPast",
    "MailList",
    "MailRoute",
    "Rate",
    "Sender",
    "SendingPolicy",
    "Sent",
    "StepFailed",
    "Throttle",
    "WEEKDAYS",
    "WEEKEND",
    "Waited",
    "WarmUp",
    "Weekday",
    "When",
    "days",
    "hours",
    "journey",
    "minutes",
    "on",
    "once_per",
    "prop",
    "seconds",
    "trigger",
    "weeks",
}
CALLS = {
    "checkpoint",
    "contact",
    "digest",
    "exit",
    "is_subscribed",
    "now",
    "random",
    "send",
    "sleep",
    "sleep_until",
    "step",
    "throttle",
    "trigger",
    "uuid",
    "variant",
    "wait_for",
    "wait_for_any",
}
FACTS = {
    Contact: {"id", "user_id", "email", "properties", "anonymous_id"},
    Event: {"id", "name", "properties", "received_at"},
    MailList: {"id", "name", "description", "default_opt_in", "transactional"},
    Sent: {"status", "reason", "send_id"},
    Waited: {"event"},
}


def test_the_package_exports_just_what_it_says():
    assert set(hogsend.__all__) == EXPORTS
    assert all(hasattr(hogsend, name) for name in EXPORTS)


def test_a_star_import_gives_authors_nothing_else():
    names: dict[str, object] = {}
    exec("from hogsend import *", names)  # noqa: S102
    assert set(names) - {"__builtins__"} == EXPORTS


def test_the_context_can_do_just_what_is_documented():
    public = {name for name in dir(Context) if not name.startswith("_")}
    assert public - {"history", "event", "enrollment_id", "when"} == CALLS
    assert {field for field in inspect.signature(Context).parameters} == {
        "event",
        "enrollment_id",
        "history",
        "when",
    }


def test_what_journeys_are_given_has_the_documented_fields():
    for kind, fields in FACTS.items():
        assert fields <= set(inspect.signature(kind).parameters), kind
