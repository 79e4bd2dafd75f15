"""Sets the interpreter up for a server: one loop, a few threads, very many small values."""

from __future__ import annotations

import gc
import sys

# The driving threads and the database's share one interpreter lock with the loop: a short switch
# interval keeps a request from waiting 5 ms behind each of them.
SWITCH_INTERVAL = 0.0002
# How many more values are made than let go before the collector looks for rings of them. Turns and
# facts make hundreds of values each, hardly ever in rings; by default it looks every 700, which was
# a fifth of a turn's time.
_VALUES = 50_000


def set_up() -> None:
    """Set it up; called once, when everything is imported."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    # What is there by now stays to the end, and need not be looked at again.
    gc.freeze()
    gc.set_threshold(_VALUES, 50, 50)
