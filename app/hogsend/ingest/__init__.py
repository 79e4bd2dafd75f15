"""The one door for facts: an event arrives, is decided upon and stored, all in one transaction."""

from .door import Ingest, Taking
from .rules import Rules

__all__ = ["Ingest", "Rules", "Taking"]
