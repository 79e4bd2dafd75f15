"""Lifecycle messaging as code: the names that authors of journeys import."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domain.conditions import Condition, prop
    from .domain.contact import Contact
    from .domain.durations import days, hours, minutes, seconds, weeks
    from .domain.event import Event, EventMatch, on
    from .domain.history import EmailPast, JourneyPast
    from .domain.journey import MailList, once_per
    from .domain.sending_policy import (
        FrequencyCap,
        MailRoute,
        Rate,
        Sender,
        SendingPolicy,
        WarmUp,
    )
    from .domain.times import WEEKDAYS, WEEKEND, Weekday
    from .domain.trigger_property import trigger
    from .errors import HogsendError, JourneyCodeError, StepFailed
    from .turns.call_results import Sent, Throttle, Waited
    from .turns.calls import When
    from .turns.context import Context
    from .turns.decorator import journey

__version__ = "0.1.0"

__all__ = [
    "WEEKDAYS",
    "WEEKEND",
    "Condition",
    "Contact",
    "Context",
    "EmailPast",
    "Event",
    "EventMatch",
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
]

# Each name is imported on first use, because the command line starts faster without its module.
_MODULE_OF_NAME = {
    "WEEKDAYS": ".domain.times",
    "WEEKEND": ".domain.times",
    "Condition": ".domain.conditions",
    "Contact": ".domain.contact",
    "Context": ".turns.context",
    "EmailPast": ".domain.history",
    "Event": ".domain.event",
    "EventMatch": ".domain.event",
    "FrequencyCap": ".domain.sending_policy",
    "HogsendError": ".errors",
    "JourneyCodeError": ".errors",
    "JourneyPast": ".domain.history",
    "MailList": ".domain.journey",
    "Rate": ".domain.sending_policy",
    "MailRoute": ".domain.sending_policy",
    "Sender": ".domain.sending_policy",
    "SendingPolicy": ".domain.sending_policy",
    "Sent": ".turns.call_results",
    "StepFailed": ".errors",
    "Throttle": ".turns.call_results",
    "Waited": ".turns.call_results",
    "WarmUp": ".domain.sending_policy",
    "Weekday": ".domain.times",
    "When": ".turns.calls",
    "days": ".domain.durations",
    "hours": ".domain.durations",
    "journey": ".turns.decorator",
    "minutes": ".domain.durations",
    "on": ".domain.event",
    "once_per": ".domain.journey",
    "prop": ".domain.conditions",
    "seconds": ".domain.durations",
    "trigger": ".domain.trigger_property",
    "weeks": ".domain.durations",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULE_OF_NAME[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
