"""A world whose services are called."""

from tests.world import world

__all__ = ["world"]
