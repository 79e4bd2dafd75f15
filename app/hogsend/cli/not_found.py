"""Adds the command that lists what exists to the error about what does not."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager

from ..errors import NotFound


@contextmanager
def suggest_list(noun: str, command: str) -> Generator[None]:
    """Name the command that lists what exists, when something does not exist.

    Services leave this remedy to their callers, because a page links to a page instead.

    Args:
        noun: what is listed, in the plural.
        command: the command that lists it.

    Raises:
        NotFound: raised inside; its remedy is replaced.
    """
    try:
        yield
    except NotFound as error:
        raise NotFound(error.message, f"List the {noun} with `{command}`.") from None


def suggest_journeys() -> AbstractContextManager[None]:
    """Name `hogsend journeys list` when a journey does not exist."""
    return suggest_list("journeys", "hogsend journeys list")
