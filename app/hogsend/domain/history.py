"""The past of a contact with one journey or one template, in a few figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class JourneyPast:
    """A contact's past in one journey. Truthy when they ever entered it.

    Args:
        entered: how often they entered it. Being held out does not count, nor does an enrollment
            that failed before it sent anything.
        last_entered_at: when they last did.
        live: whether they are in it now.
        state: the state of the newest enrollment, held-out and failed ones included; None when
            there is none.
    """

    entered: int = 0
    last_entered_at: datetime | None = None
    live: bool = False
    state: str | None = None

    def __bool__(self) -> bool:
        return self.entered > 0

    def to_stored(self) -> dict[str, Any]:
        """Return the plain value that the journal stores."""
        return {
            "entered": self.entered,
            "lastEnteredAt": self.last_entered_at,
            "live": self.live,
            "state": self.state,
        }

    @staticmethod
    def from_stored(stored: Mapping[str, Any]) -> JourneyPast:
        """Read what `to_stored` returned."""
        return JourneyPast(
            stored["entered"], stored["lastEnteredAt"], stored["live"], stored["state"]
        )


@dataclass(frozen=True, slots=True)
class EmailPast:
    """A contact's past with one template. Truthy when it ever left for them, or is about to.

    Args:
        sent: how many left or are on their way; refused, cancelled, failed and bounced ones
            do not count.
        last_sent_at: when the newest of them left, or was decided if it has not left yet.
        opened_at: when one was last opened for the first time, by a person as far as is known.
        clicked_at: when a link in one was last clicked for the first time, by a person.
    """

    sent: int = 0
    last_sent_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None

    def __bool__(self) -> bool:
        return self.sent > 0

    @property
    def opened(self) -> bool:
        """Whether any of them was opened."""
        return self.opened_at is not None

    @property
    def clicked(self) -> bool:
        """Whether a link in any of them was clicked."""
        return self.clicked_at is not None

    def to_stored(self) -> dict[str, Any]:
        """Return the plain value that the journal stores."""
        return {
            "sent": self.sent,
            "lastSentAt": self.last_sent_at,
            "openedAt": self.opened_at,
            "clickedAt": self.clicked_at,
        }

    @staticmethod
    def from_stored(stored: Mapping[str, Any]) -> EmailPast:
        """Read what `to_stored` returned."""
        return EmailPast(
            stored["sent"], stored["lastSentAt"], stored["openedAt"], stored["clickedAt"]
        )
