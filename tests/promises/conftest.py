"""Fixtures of promises that hold in an instance in the test's own process."""

from tests.world import sqlite_world, world

__all__ = ["sqlite_world", "world"]
