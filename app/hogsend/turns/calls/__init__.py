"""The `ctx` calls, one class each.

To add one, write its class in a module here, its method on `Context`, and its section in
`docs/context.md`.
"""

from __future__ import annotations

from .call import Call, Failure, FormerLabels, Suspension, perform
from .contact import CheckSubscription, ReadContact
from .contact_history import ReadEmail, ReadJourney
from .digest import Digest
from .event_history import CountEvents, HasEvent, LastEvent, ListEvents
from .exit import Exit
from .following import FollowProperty, describe_moves
from .registry import find_call_by_kind, find_call_by_path, find_call_by_receiver
from .send import SendMail
from .sleep import Sleep
from .step import RunStep
from .throttle import CheckThrottle
from .trigger import Trigger
from .values import Checkpoint, ChooseVariant, Now, Random, RandomId
from .wait_for import WaitFor
from .when import ResolveMoment, When

__all__ = [
    "Call",
    "CheckSubscription",
    "CheckThrottle",
    "Checkpoint",
    "ChooseVariant",
    "CountEvents",
    "Digest",
    "Exit",
    "Failure",
    "FollowProperty",
    "FormerLabels",
    "HasEvent",
    "LastEvent",
    "ListEvents",
    "Now",
    "Random",
    "RandomId",
    "ReadContact",
    "ReadEmail",
    "ReadJourney",
    "ResolveMoment",
    "RunStep",
    "SendMail",
    "Sleep",
    "Suspension",
    "Trigger",
    "WaitFor",
    "When",
    "describe_moves",
    "find_call_by_kind",
    "find_call_by_path",
    "find_call_by_receiver",
    "perform",
]
