"""Ingest: decides what an event does and stores it, all in one transaction."""

from .batch_result import BatchResult
from .operator_action import ActionName, OperatorAction
from .rules import IngestRules
from .service import Ingest

__all__ = [
    "ActionName",
    "BatchResult",
    "Ingest",
    "IngestRules",
    "OperatorAction",
]
