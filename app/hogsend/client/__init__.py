"""A client of the HTTP API for Python programs, with and without asyncio.

from hogsend.client import Hogsend

with Hogsend("https://mail.example.com", key) as hogsend:
    hogsend.send_event("user.created", user_id="ada", email="ada@example.com")
"""

from __future__ import annotations

from ..domain.user_tokens import sign_user_token
from .asynchronous import AsyncHogsend
from .errors import (
    ApiRefusal,
    ClientError,
    ConnectionFailed,
    EventsNotSent,
    QueueFull,
    UnexpectedAnswer,
)
from .results import ContactRecord, EmailResult, EventResult, ListChoiceRecord, UpsertedContact
from .synchronous import Hogsend

__all__ = [
    "ApiRefusal",
    "AsyncHogsend",
    "ClientError",
    "ConnectionFailed",
    "ContactRecord",
    "EmailResult",
    "EventResult",
    "EventsNotSent",
    "Hogsend",
    "ListChoiceRecord",
    "QueueFull",
    "UnexpectedAnswer",
    "UpsertedContact",
    "sign_user_token",
]
