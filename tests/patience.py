"""How long tests wait for a condition before they fail."""

# Only a test that hangs waits this long, so it is enough for a busy machine, in seconds.
PATIENCE = 120.0
