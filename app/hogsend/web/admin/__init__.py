"""The dashboard: one module for each screen."""

from . import enrollments
from .frame import blueprint

__all__ = ["blueprint", "enrollments"]
