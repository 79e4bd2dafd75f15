"""Lifecycle messaging as code: what the author of a journey imports."""

from .domain.conditions import Condition, prop
from .domain.contact import Contact
from .domain.durations import days, hours, minutes, seconds, weeks
from .domain.event import Event, EventMatch, on
from .domain.history import EmailPast, JourneyPast
from .domain.journey import MailList, once_per
from .errors import HogsendError, JourneyCodeError, StepFailed
from .turns.call_results import Sent, Throttle, Waited
from .turns.calls import When
from .turns.context import Context
from .turns.decorator import journey

__version__ = "0.1.0"

__all__ = [
    "Condition",
    "Contact",
    "Context",
    "EmailPast",
    "Event",
    "EventMatch",
    "HogsendError",
    "JourneyCodeError",
    "JourneyPast",
    "MailList",
    "Sent",
    "StepFailed",
    "Throttle",
    "Waited",
    "When",
    "days",
    "hours",
    "journey",
    "minutes",
    "on",
    "once_per",
    "prop",
    "seconds",
    "weeks",
]
