"""Errors that say what happened and what to do about it.

Only `web.errors` knows how they look over HTTP, and only `cli` knows exit statuses.
"""

from __future__ import annotations

from collections.abc import Sequence


class HogsendError(Exception):
    """An error with a machine code, a sentence for people, and a remedy.

    Args:
        message: what happened, one sentence without a final full stop being required.
        remedy: what to do about it; empty when the message says it already.
        details: further machine-readable facts, such as the paths of invalid fields.
    """

    code = "error"

    def __init__(
        self, message: str, remedy: str = "", *, details: Sequence[dict[str, object]] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = list(details)

    def __str__(self) -> str:
        if not self.remedy:
            return self.message
        stop = "" if self.message.endswith((".", "!", "?", ":")) else "."
        return f"{self.message}{stop} {self.remedy}"


class ConfigError(HogsendError):
    """A setting is unknown, malformed or does not fit another one."""

    code = "config"


class StartError(HogsendError):
    """The program cannot start here: port, folder, lock or schema."""

    code = "start"


class InvalidInput(HogsendError):
    """What a caller sent does not fit; nothing was stored."""

    code = "invalid"


class TooLarge(HogsendError):
    """What a caller sent is past a limit; nothing was stored."""

    code = "too_large"


class NotFound(HogsendError):
    """The named thing does not exist."""

    code = "not_found"


class Unauthorized(HogsendError):
    """No key or session, or one that is not known."""

    code = "unauthorized"


class Forbidden(HogsendError):
    """The key or session is known and may not do this."""

    code = "forbidden"


class Conflict(HogsendError):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class RateLimited(HogsendError):
    """Too many attempts; `retry_after` says when to come back, in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 60) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class StoreUnavailable(HogsendError):
    """The database takes nothing at present; what was asked for was not stored, and may be again.

    Args:
        message: what is wrong.
        remedy: what to do about it.
        retry_after: when to come back, in seconds.
    """

    code = "unavailable"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 5) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class HatchetUnavailable(HogsendError):
    """Hatchet cannot be reached or refuses us; what waits for it waits on."""

    code = "hatchet_away"


class HatchetApiUnavailable(HatchetUnavailable):
    """The API behind Hatchet's dashboard cannot be reached; turns are played all the same."""

    code = "hatchet_api_away"


class CorruptRow(HogsendError):
    """A row of the database cannot be read: somebody or something has changed it.

    Args:
        message: what of which row cannot be read.
        remedy: what to do about it.
        table: where the row is.
        row: its id, as text.
    """

    code = "damaged_row"

    def __init__(self, message: str, remedy: str = "", *, table: str = "", row: str = "") -> None:
        super().__init__(message, remedy)
        self.table = table
        self.row = row


class JourneyCodeError(HogsendError):
    """A journey's code did something that a journey must not do."""

    code = "journey_code"


class StepFailed(HogsendError):
    """An effect of `ctx.step` has failed for the last time; raised where the journey awaits it.

    Raised by the effect itself it means that trying again is of no use.

    Args:
        message: what the effect said.
    """

    code = "step_failed"


class ServerUnreachable(HogsendError):
    """The command line could not reach the running server."""

    code = "unreachable"


class ValueNotStorable(JourneyCodeError):
    """A value that the journal cannot keep."""

    code = "value_not_storable"

    def __init__(self, type_name: str) -> None:
        super().__init__(
            f"The journal cannot keep a {type_name}.",
            "Use text, numbers, booleans, None, lists, dicts with text keys, datetime, date, "
            "timedelta.",
        )
