"""Reads authors' source code without running it, for the graphs of journeys and for diagnostics."""
