"""The engine that lets Hatchet decide when and where a turn runs."""
