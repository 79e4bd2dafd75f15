"""Options that select enrollments by their last failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import click

from ..domain.failure_filter import FailureFilter
from ..domain.incoming import check_text

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_REMEDY = "Write a duration such as 90m, 2h or 3d, or an instant such as 2026-01-02T03:04Z."


def failure_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--error` and `--since` to a command, as `failures`, a `FailureFilter`."""

    @click.option(
        "--error",
        metavar="TEXT",
        callback=_check_error,
        help="Only enrollments whose last traceback contains this text.",
    )
    @click.option(
        "--since",
        metavar="WHEN",
        callback=_parse_since,
        help="Only enrollments that failed since then: 90m, 2h, 3d, or an instant.",
    )
    @wraps(command)
    def with_failures(*args: Any, error: str, since: datetime | None, **options: Any) -> None:
        command(*args, failures=FailureFilter(error, since), **options)

    return with_failures


def _check_error(ctx: click.Context, option: click.Parameter, value: str | None) -> str:
    if value is None:
        return ""
    if not value.strip():
        # Without a text, all enrollments would be meant.
        raise click.BadParameter("It is empty.", ctx, option)
    if problem := check_text(value):
        raise click.BadParameter(f"It {problem}.", ctx, option)
    return value


def _parse_since(ctx: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        if value[-1:] in _UNITS and not value.startswith("-"):
            return datetime.now(UTC) - timedelta(**{_UNITS[value[-1]]: float(value[:-1])})
        # An instant without a zone is meant in the zone of the terminal, as tables show it.
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(_REMEDY, ctx, option) from None
