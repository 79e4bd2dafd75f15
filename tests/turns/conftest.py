"""Instances to take facts in and to play journeys in."""

from tests.world import idle_world, sqlite_world, world

__all__ = ["idle_world", "sqlite_world", "world"]
