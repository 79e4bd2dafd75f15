"""Ports for servers that a test starts and restarts."""

from __future__ import annotations

import itertools
import os
import random
import socket

# Below the range from which systems take the ports of outgoing connections, so that no connection
# takes a port between the moment that it is chosen and the moment that the server listens.
_FIRST, _LAST = 15_000, 30_000
# Processes that test at the same time begin at different ports.
_ports = itertools.cycle(range(_FIRST, _LAST))
_skipped = random.Random(os.getpid()).randrange(_LAST - _FIRST)  # noqa: S311 - not a secret
_ports = itertools.islice(_ports, _skipped, None)


def free_port() -> int:
    """Return a port that nothing listens on, another one each time."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: the ports are cycled through")
