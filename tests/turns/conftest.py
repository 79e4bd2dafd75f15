"""Instances to take facts in and to play journeys in."""

from tests.world import desk, world

__all__ = ["desk", "world"]
