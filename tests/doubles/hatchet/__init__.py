"""A Hatchet engine for tests: gRPC on loopback, and the part of the REST API that is used.

The real SDK runs against it: worker, listener process, durable log, eviction. A difference from
the real engine is a bug of the double: `tests/doubles/test_hatchet_double.py` runs against both.

    async with hatchet_double() as double:
        os.environ.update(double.environment)          # or the `env` of a worker's process
        ...
        await double.stop()                            # an outage,
        await double.start()                           # and its end, on the same ports

`hatchet_double(*, tls=False, reassign_after=1.0, version="v0.104.7")` gives a `HatchetDouble`:

| what | meaning |
| --- | --- |
| `token`, `environment` | the JWT, and the environment variables of a client's process |
| `host_port`, `server_url`, `certificate` | the addresses, and the file of the certificate |
| `start()`, `stop()`, `running` | coroutines; a stop keeps state and ports |
| `snapshot()`, `await restore(rows)` | a restart with an earlier state |
| `forget(*run_ids)` | delete runs, all of them without ids |
| `ignore_evictions()` | runs of a worker that ends stay with it, as when it is killed |
| `strand(run_id)` | a run is never woken again, which an event during an eviction causes |
| `lose_next_pushes(n)` | accept n events and lose them (`lost`) |
| `refuse = True`, `delay = seconds` | every call is refused, or slow, also of the API |
| `cancel(*run_ids)` | cancel runs, as in the dashboard |
| `fire_cron(workflow)` | start a run, as the workflow's cron does |
| `runs`, `events`, `workers`, `workflows`, `crons` | the current rows |
| `cancelled`, `unknown_workflows`, `calls` | records of the calls |

The double runs in the event loop that starts it. A client that blocks that loop waits for ever:
use the SDK's `aio_` methods, or a thread. Workflows have one task, and an expression on events
must have the form `input.FIELD >= NUMBER`.
"""

import warnings

with warnings.catch_warnings():
    # The SDK's import uses a deprecated parameter, and warnings are errors here.
    warnings.filterwarnings("ignore", "The 'initial' parameter", DeprecationWarning)
    import hatchet_sdk as hatchet_sdk

from tests.doubles.hatchet.double import TENANT, VERSION, HatchetDouble, hatchet_double

__all__ = ["TENANT", "VERSION", "HatchetDouble", "hatchet_double"]
