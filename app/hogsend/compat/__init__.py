"""The private interfaces of libraries that we use, each with a test pinned to its version."""
