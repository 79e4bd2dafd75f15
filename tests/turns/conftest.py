"""Fixtures with an installation, with or without a worker."""

from tests.world import idle_world, sqlite_world, world

__all__ = ["idle_world", "sqlite_world", "world"]
