"""Reads authors' source code without running it: graphs of journeys, and what is wrong in them."""
