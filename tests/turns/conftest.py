"""Instances to take facts in and to play journeys in."""

from tests.world import desk, small_world, world

__all__ = ["desk", "small_world", "world"]
