"""Imports the SDK before the test modules do, because its import warns."""

from tests.doubles import hatchet as hatchet
