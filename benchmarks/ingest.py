"""`POST /v1/events` that enrolls, with 32 connections, held against an empty Quart handler."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from report import report
from server import free_port, running

SECONDS = 8
_SCRIPT = """
local n = 0
local base = "%s"
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
request = function()
  n = n + 1
  local who = base .. n
  return wrk.format(nil, nil, nil, '{"name":"user.created","userId":"' .. who .. '","email":"' ..
    who .. '@example.com","eventProperties":{"plan":"pro","source":"signup"}}')
end
"""


def load(address: str, key: str, seconds: int, folder: Path, name: str) -> float:
    """Return the requests a second that wrk gets through."""
    script = folder / f"{name}.lua"
    script.write_text(_SCRIPT % (f"{name}-{time.time_ns()}-", key))
    out = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(script), address],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None
    return float(found.group(1))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        empty = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("empty_site.py")), str(port)]
        )
        try:
            with running(folder, with_worker="--no-worker" not in sys.argv) as server:
                time.sleep(1.0)
                urllib.request.urlopen(f"{server.address}/healthz").read()
                rounds: list[tuple[float, float]] = []
                for number in range(3):
                    ours = load(
                        f"{server.address}/v1/events", server.key, SECONDS, folder, f"o{number}"
                    )
                    theirs = load(
                        f"http://127.0.0.1:{port}/", server.key, SECONDS, folder, f"e{number}"
                    )
                    rounds.append((ours, theirs))
        finally:
            empty.terminate()
            empty.wait()
    ratios = sorted(ours / theirs for ours, theirs in rounds)
    best = sorted(rounds)[len(rounds) // 2]
    report(
        "ingest that enrolls, worker playing, against an empty handler",
        f"{ratios[len(ratios) // 2]:.2f}",
        "≥ 0.75",
        detail=f"{best[0]:.0f} against {best[1]:.0f} requests/s, ratios "
        + " ".join(f"{ratio:.2f}" for ratio in ratios),
    )


if __name__ == "__main__":
    main()
