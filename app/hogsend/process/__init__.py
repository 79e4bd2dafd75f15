"""The running process: the composition root, the worker, signals, logging."""
