"""A Hatchet engine for tests: its gRPC on loopback, and the part of its API that is asked.

The real SDK runs against it: worker, listener process, durable log, eviction. Where it differs
from the real engine, it is wrong: `tests/doubles/test_hatchet_double.py` runs against both.

    async with hatchet_double() as double:
        os.environ.update(double.environment)          # or the `env` of a worker's process
        ...
        await double.stop()                            # the engine goes away,
        await double.start()                           # and is back on the same ports

`hatchet_double(*, tls=False, reassign_after=1.0, version="v0.104.7")` gives a `HatchetDouble`:

| what | meaning |
| --- | --- |
| `token`, `environment` | the JWT, and all variables that a client's process needs |
| `host_port`, `server_url`, `certificate` | the same apart; the file that TLS is trusted by |
| `start()`, `stop()`, `running` | coroutines; state and ports are kept |
| `snapshot()`, `await restore(rows)` | a restart with what it knew then |
| `forget(*run_ids)` | lose runs, all without ids |
| `strand(run_id)` | a run is never woken again, as happens when a wake meets an eviction |
| `lose_next_pushes(n)` | answer n events and lose them (`lost`) |
| `refuse = True`, `delay = seconds` | every call is unavailable, or slow, the API's too |
| `cancel(*run_ids)` | as in the dashboard |
| `fire_cron(workflow)` | start a run as the workflow's cron would; the id |
| `runs`, `events`, `workers`, `workflows`, `crons` | rows, as of now |
| `cancelled`, `started_in_vain`, `asked` | records of all that was asked |

It runs in the loop that starts it. A client that blocks that loop waits for ever: use the SDK's
`aio_` methods, or a thread. Workflows have one task; an expression on events may be
`input.FIELD >= NUMBER`.
"""

import warnings

with warnings.catch_warnings():
    # The SDK's import uses what tenacity has renamed, and here a warning is an error.
    warnings.filterwarnings("ignore", "The 'initial' parameter", DeprecationWarning)
    import hatchet_sdk as hatchet_sdk

from tests.doubles.hatchet.double import TENANT, VERSION, HatchetDouble, hatchet_double

__all__ = ["TENANT", "VERSION", "HatchetDouble", "hatchet_double"]
