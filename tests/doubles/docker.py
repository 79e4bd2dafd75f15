"""A double of `docker`: a program that prints what a test has planned, and records its calls.

A test creates a `DockerDouble` and puts its folder first on the PATH. The program starts nothing
except a proxy of the test's Postgres at the port that `.env` names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICES = ("postgres", "hatchet-postgres", "hatchet", "mail")
PORTS = ("POSTGRES_PORT", "HATCHET_GRPC_PORT", "HATCHET_DASHBOARD_PORT", "MAIL_SMTP_PORT")
PLAN, CALLS, PROXY = "plan.json", "calls.jsonl", "proxy.pid"


class DockerDouble:
    """The test's side of the program.

    Args:
        folder: an empty folder.
        database: the address of the Postgres behind the proxy.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        program = folder / "bin" / "docker"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{folder}" "$@"\n')
        program.chmod(0o755)
        self.path = str(program.parent)
        self._plan: dict[str, Any] = {"database": database}
        self.plan_answers()

    def plan_answers(self, **plan: object) -> None:
        """Set the answers by command: one answer, or a list with an answer for each call."""
        self._plan |= plan
        (self._folder / PLAN).write_text(json.dumps(self._plan))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call."""
        file = self._folder / CALLS
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def find_calls(self, *words: str) -> list[list[str]]:
        """Return the calls that have all of these arguments."""
        return [call for call in self.calls if set(words) <= set(call)]

    def stop(self) -> None:
        """Stop the proxy of Postgres."""
        file = self._folder / PROXY
        if file.exists():
            subprocess.run(["kill", file.read_text()], check=False, capture_output=True)
            file.unlink()


def answer(out: str = "", err: str = "", status: int = 0) -> dict[str, Any]:
    """Return an answer: output, errors and exit status."""
    return {"out": out, "err": err, "status": status}


def main(folder: Path, words: list[str]) -> int:
    """Print the planned answer of this call; return its exit status."""
    earlier_calls = (folder / CALLS).read_text().splitlines() if (folder / CALLS).exists() else []
    with (folder / CALLS).open("a") as file:
        file.write(json.dumps(words) + "\n")
    plan = json.loads((folder / PLAN).read_text())
    commands = ("config", "ps", "up", "exec", "logs", "version")
    kind = next(command for command in commands if command in words)
    name = "compose" if words[:2] == ["compose", "version"] else kind
    planned = plan.get(name, _USUAL[name])
    if isinstance(planned, list):
        number = sum(kind in json.loads(line) for line in earlier_calls)
        planned = planned[min(number, len(planned) - 1)]
    if name == "up" and planned["status"] == 0:
        _start_proxy(folder, plan)
    if name == "ps" and (folder / PROXY).exists() and "ps" not in plan:
        planned = answer("\n".join(json.dumps(row) for row in _running()))
    sys.stdout.write(planned["out"])
    sys.stderr.write(planned["err"])
    return int(planned["status"])


def token(**claims: object) -> str:
    """Return a token like Hatchet's, for the ports of `.env`, without a valid signature."""
    import base64

    ports = _env()
    payload: dict[str, object] = {
        "aud": f"http://localhost:{ports.get('HATCHET_DASHBOARD_PORT', '8888')}",
        "exp": 4102444800,
        "grpc_broadcast_address": f"127.0.0.1:{ports.get('HATCHET_GRPC_PORT', '7077')}",
        "iat": 1700000000,
        "iss": f"http://localhost:{ports.get('HATCHET_DASHBOARD_PORT', '8888')}",
        "server_url": f"http://localhost:{ports.get('HATCHET_DASHBOARD_PORT', '8888')}",
        "sub": "707d0855-80ab-4e1f-a156-f1c4546cbf52",
        "token_id": "d4a6a1f0-5a8e-4d0e-8f5e-3f5b6c2f4a11",
        **claims,
    }
    parts = ({"alg": "ES256", "kid": "x1"}, payload)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b"c2lnbmVk"]).decode()


def _minted() -> dict[str, object]:
    # The real program logs first; the token is the last line.
    return answer(f"2026-03-02T09:00:00Z INF loaded the config\n{token()}\n")


def _env() -> dict[str, str]:
    file = Path(".env")
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: text for name, _, text in pairs}


def _running() -> list[dict[str, object]]:
    ports = _env()
    rows: list[dict[str, object]] = [
        {"Service": name, "State": "running", "Health": "healthy", "Publishers": []}
        for name in SERVICES
    ]
    rows[0]["Publishers"] = [{"PublishedPort": int(ports.get(name, "0"))} for name in PORTS]
    return rows


def _start_proxy(folder: Path, plan: dict[str, Any]) -> None:
    if (folder / PROXY).exists():
        return
    script = Path(__file__).with_name("postgres_proxy.py")
    arguments = [_env()["POSTGRES_PORT"], plan["database"], plan.get("password", "")]
    proxy = subprocess.Popen(
        [sys.executable, script, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert proxy.stdout is not None
    proxy.stdout.readline()
    (folder / PROXY).write_text(str(proxy.pid))


_USUAL: dict[str, Any] = {
    "version": answer("28.2.2\n"),
    "compose": answer("2.40.3\n"),
    "config": answer("\n".join(SERVICES) + "\n"),
    "ps": answer(),
    "up": answer(err=" Container hatchet-1  Healthy\n"),
    "logs": answer(),
    "exec": None,
}

if __name__ == "__main__":
    _USUAL["exec"] = _minted()
    os._exit(main(Path(sys.argv[1]), sys.argv[2:]) if not sys.stdout.closed else 1)
