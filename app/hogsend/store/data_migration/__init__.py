"""Copies an installation from a SQLite file to Postgres, and compares every value."""
