"""The dashboard: one module for each screen."""

from . import enrollments, inbox, journeys, overview
from .frame import blueprint

__all__ = ["blueprint", "enrollments", "inbox", "journeys", "overview"]
