"""Opens the installation that a command works on: the one of the working folder's settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..config.author_environment import export_author_variables
from ..config.settings import Settings, load_settings

if TYPE_CHECKING:
    from ..services.installation import Installation
    from ..services.journey_context import JourneyContext

# Services are imported where they are used: `hogsend --help` needs none of them, and most commands
# need neither journeys nor templates.

Result = TypeVar("Result")


def load_current_settings(options: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment and the working folder.

    What else `.env` sets is put into the environment, for the author's code.

    Args:
        options: values given on the command line, by the setting's name.

    Raises:
        ConfigError: a setting is unknown or its value not allowed.
    """
    settings = load_settings(os.environ, Path.cwd(), options)
    export_author_variables(Path.cwd(), os.environ)
    return settings


def run_with_installation(work: Callable[[Installation], Awaitable[Result]]) -> Result:
    """Open the database, run `work` with it, and close the database again.

    Args:
        work: gets the open installation.

    Returns:
        What `work` returned.

    Raises:
        StartError: there is no database yet, or its schema is not the one of this program.
    """
    from ..services.installation import open_installation

    async def run() -> Result:
        async with open_installation(load_current_settings()) as installation:
            return await work(installation)

    return asyncio.run(run())


def run_with_journeys(work: Callable[[JourneyContext], Awaitable[Result]]) -> Result:
    """Open the database, load the author's journeys, and run `work` with both.

    Args:
        work: gets the open installation with its journeys.

    Returns:
        What `work` returned.

    Raises:
        StartError: there is no database yet, or its schema is not the one of this program.
    """
    from ..services.journey_context import open_journeys

    async def run() -> Result:
        async with open_journeys(load_current_settings()) as context:
            return await work(context)

    return asyncio.run(run())
