"""The form that selects failed or retrying enrollments by their error and by when they failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...domain.failure_filter import RETRYING
from ...errors import InvalidInput
from ...services.enrollments import FailureFilter

# The states whose enrollments can be selected like this.
FAILED_STATES = ("failed", RETRYING)
MAX_ERROR_LENGTH = 200
# What the form offers for when an enrollment failed, with the label.
PERIODS: Mapping[str, tuple[timedelta, str]] = {
    "hour": (timedelta(hours=1), "in the last hour"),
    "day": (timedelta(days=1), "in the last 24 hours"),
    "week": (timedelta(days=7), "in the last 7 days"),
}


@dataclass(frozen=True, slots=True)
class FailureForm:
    """The fields of the form.

    Args:
        error: a text that the traceback has to contain; any when empty.
        within: the period in which the enrollment failed; any when empty.
    """

    error: str = ""
    within: str = ""

    @classmethod
    def read(cls, fields: Mapping[str, str], state: str) -> FailureForm:
        """Read the form from a query or a posted form; states without failures have none.

        Raises:
            InvalidInput: the period is not one of those that the form offers.
        """
        if state not in FAILED_STATES:
            return cls()
        within = fields.get("within", "")
        if within and within not in PERIODS:
            # Without the period, more enrollments would be meant.
            raise InvalidInput(
                f"There is no period {within[:40]!r}.", f"Use one of {', '.join(PERIODS)}."
            )
        return cls(fields.get("error", "").strip()[:MAX_ERROR_LENGTH], within)

    def to_fields(self) -> Mapping[str, str]:
        """Return the fields that are filled in, for links and further forms."""
        fields = {"error": self.error, "within": self.within}
        return {name: value for name, value in fields.items() if value}

    def to_filter(self, now: datetime) -> FailureFilter:
        """Return the filter for the services."""
        return FailureFilter(self.error, now - PERIODS[self.within][0] if self.within else None)
