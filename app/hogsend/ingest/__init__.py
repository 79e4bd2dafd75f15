"""The one door for facts: an event arrives, is decided upon and stored, all in one transaction."""

from .operator_action import ActionName, OperatorAction
from .rules import IngestRules
from .service import BatchResult, Ingest

__all__ = [
    "ActionName",
    "BatchResult",
    "Ingest",
    "IngestRules",
    "OperatorAction",
]
