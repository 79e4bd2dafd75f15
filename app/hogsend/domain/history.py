"""A contact's history with one journey or one template, in a few figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class JourneyPast:
    """A contact's history in one journey. Truthy when the contact ever entered the journey.

    Args:
        entered: how often the contact entered the journey. Being held out does not count, nor does
            an enrollment that failed before it sent anything.
        last_entered_at: when the contact last entered the journey.
        live: whether the contact is in the journey now.
        state: the state of the newest enrollment, held-out and failed enrollments included; None
            when there is no enrollment.
    """

    entered: int = 0
    last_entered_at: datetime | None = None
    live: bool = False
    state: str | None = None

    def __bool__(self) -> bool:
        return self.entered > 0

    def to_stored(self) -> dict[str, Any]:
        """Return the form that the journal stores."""
        return {
            "entered": self.entered,
            "lastEnteredAt": self.last_entered_at,
            "live": self.live,
            "state": self.state,
        }

    @staticmethod
    def from_stored(stored: Mapping[str, Any]) -> JourneyPast:
        """Return the history that `to_stored` converted."""
        return JourneyPast(
            stored["entered"], stored["lastEnteredAt"], stored["live"], stored["state"]
        )


@dataclass(frozen=True, slots=True)
class EmailPast:
    """A contact's history with one template. Truthy when an email was sent or is to be sent.

    Args:
        sent: how many emails were sent, are queued, or are blocked and wait for their template;
            refused, cancelled, failed and bounced emails do not count.
        last_sent_at: when the newest of these emails was sent, or decided if it is still queued.
        opened_at: the latest first open of an email, not counting opens by known machines.
        clicked_at: the latest first click in an email, not counting clicks by machines.
    """

    sent: int = 0
    last_sent_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None

    def __bool__(self) -> bool:
        return self.sent > 0

    @property
    def opened(self) -> bool:
        """Whether any of the emails was opened."""
        return self.opened_at is not None

    @property
    def clicked(self) -> bool:
        """Whether a link in any of the emails was clicked."""
        return self.clicked_at is not None

    def to_stored(self) -> dict[str, Any]:
        """Return the form that the journal stores."""
        return {
            "sent": self.sent,
            "lastSentAt": self.last_sent_at,
            "openedAt": self.opened_at,
            "clickedAt": self.clicked_at,
        }

    @staticmethod
    def from_stored(stored: Mapping[str, Any]) -> EmailPast:
        """Return the history that `to_stored` converted."""
        return EmailPast(
            stored["sent"], stored["lastSentAt"], stored["openedAt"], stored["clickedAt"]
        )
