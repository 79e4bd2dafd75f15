"""The one door for facts: an event arrives, is decided upon and stored, all in one transaction."""

from .door import Ingest, Taking
from .operating import Act, Order
from .orders import Orders, Outcome
from .rules import Rules

__all__ = ["Act", "Ingest", "Order", "Orders", "Outcome", "Rules", "Taking"]
