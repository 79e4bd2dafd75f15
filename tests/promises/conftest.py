"""Promises that are shown in an instance of the test's own process play in this world."""

from tests.world import small_world, world

__all__ = ["small_world", "world"]
