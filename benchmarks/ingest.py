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

SECONDS, ROUNDS = 6, 3
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


def load(address: str, key: str, folder: Path, name: str) -> float:
    """Return the requests a second that wrk gets through."""
    script = folder / f"{name}.lua"
    script.write_text(_SCRIPT % (f"{name}-{time.time_ns()}-", key))
    out = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{SECONDS}s", "-s", str(script), address],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    match = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert match is not None
    return float(match.group(1))


def measure(folder: Path, empty_port: int, *, with_worker: bool) -> list[tuple[float, float]]:
    """Return the rates of ours and of the empty handler, taken in turns."""
    rounds: list[tuple[float, float]] = []
    with running(folder, with_worker=with_worker) as server:
        time.sleep(1.0)
        urllib.request.urlopen(f"{server.address}/healthz").read()
        for number in range(ROUNDS):
            ours = load(f"{server.address}/v1/events", server.key, folder, f"o{number}")
            theirs = load(f"http://127.0.0.1:{empty_port}/", server.key, folder, f"e{number}")
            rounds.append((ours, theirs))
    return rounds


def main() -> None:
    port = free_port()
    empty = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("empty_site.py")), str(port)]
    )
    try:
        for with_worker in (False, True):
            with tempfile.TemporaryDirectory() as name:
                rounds = measure(Path(name), port, with_worker=with_worker)
            ratios = sorted(ours / theirs for ours, theirs in rounds)
            middle = sorted(rounds)[ROUNDS // 2]
            doing = "its turn played and its mail delivered meanwhile" if with_worker else "alone"
            report(
                f"ingest that enrolls, {doing}, against an empty handler",
                f"{ratios[ROUNDS // 2]:.2f}",
                "≥ 0.75",
                detail=f"{middle[0]:.0f} against {middle[1]:.0f} requests/s, ratios "
                + " ".join(f"{ratio:.2f}" for ratio in ratios),
            )
    finally:
        empty.terminate()
        empty.wait()


if __name__ == "__main__":
    main()
