"""Errors that say what happened and what to do about it.

`web.errors` maps them to HTTP, and `cli` maps them to exit statuses.
"""

from __future__ import annotations

from collections.abc import Sequence


class HogsendError(Exception):
    """An error with a code for programs, a sentence for people, and a remedy.

    Args:
        message: what happened, in one sentence; the final full stop is optional.
        remedy: what to do about the error; empty if the message already says that.
        details: further facts for programs, such as the paths of invalid fields.
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
    """A setting is unknown, not valid, or contradicts another one."""

    code = "config"


class StartError(HogsendError):
    """The program cannot start: the port, a folder, a lock or the schema prevents it."""

    code = "start"


class InvalidInput(HogsendError):
    """The request is not valid; nothing was stored."""

    code = "invalid"


class TooLarge(HogsendError):
    """The request exceeds a limit; nothing was stored."""

    code = "too_large"


class NotFound(HogsendError):
    """The named thing does not exist."""

    code = "not_found"


class Unauthorized(HogsendError):
    """The request has no key or session, or an unknown one."""

    code = "unauthorized"


class Forbidden(HogsendError):
    """The key or session is valid but lacks the permission."""

    code = "forbidden"


class Conflict(HogsendError):
    """The state of the named thing does not allow the action."""

    code = "conflict"


class RateLimited(HogsendError):
    """There were too many attempts; `retry_after` says how long to wait, in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 60) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class StoreUnavailable(HogsendError):
    """The database accepts no writes at present; nothing was stored, and a retry may succeed.

    Args:
        message: what is wrong.
        remedy: what to do about the problem.
        retry_after: how long to wait before the next attempt, in seconds.
    """

    code = "unavailable"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 5) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class Overloaded(HogsendError):
    """The server lacks the resources for a request at present; a retry may succeed.

    Args:
        message: what is lacking.
        remedy: what to do about it.
        retry_after: how long to wait before the next attempt, in seconds.
    """

    code = "overloaded"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 5) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class HatchetUnavailable(HogsendError):
    """Hatchet cannot be reached or rejects the connection; work that needs Hatchet waits."""

    code = "hatchet_away"


class HatchetApiUnavailable(HatchetUnavailable):
    """The API behind Hatchet's dashboard cannot be reached; turns still run."""

    code = "hatchet_api_away"


class CorruptRow(HogsendError):
    """A row of the database cannot be read, because another program changed it.

    Args:
        message: which value of which row cannot be read.
        remedy: what to do about the row.
        table: the row's table.
        row: the row's id, as text.
    """

    code = "damaged_row"

    def __init__(self, message: str, remedy: str = "", *, table: str = "", row: str = "") -> None:
        super().__init__(message, remedy)
        self.table = table
        self.row = row


class JourneyCodeError(HogsendError):
    """The code of a journey did something that journeys must not do."""

    code = "journey_code"


class StepFailed(HogsendError):
    """A step's effect has failed and is not retried; raised where the journey awaits the step.

    An effect may raise this error itself, to say that a retry cannot succeed.

    Args:
        message: the message of the effect's error.
    """

    code = "step_failed"


class ServerUnreachable(HogsendError):
    """The command line could not reach the running server."""

    code = "unreachable"


class ValueNotStorable(JourneyCodeError):
    """The journal cannot store a value of this type."""

    code = "value_not_storable"

    def __init__(self, type_name: str) -> None:
        super().__init__(
            f"The journal cannot keep a {type_name}.",
            "Use text, numbers, booleans, None, lists, dicts with text keys, datetime, date, "
            "timedelta.",
        )
