"""Worlds that services work with, with and without a worker."""

from tests.world import idle_world, sqlite_world, world

__all__ = ["idle_world", "sqlite_world", "world"]
