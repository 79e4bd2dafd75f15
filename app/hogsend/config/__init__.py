"""Settings: their table, how they are read, and what their values mean."""
