"""Has the SDK imported before a test module does, as its import warns."""

from tests.doubles import hatchet as hatchet
