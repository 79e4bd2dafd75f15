"""Promises that are shown in an instance of the test's own process play in this world."""

from tests.world import sqlite_world, world

__all__ = ["sqlite_world", "world"]
