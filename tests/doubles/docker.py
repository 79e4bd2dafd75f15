"""Stands in for `docker`: a program that says what a test tells it to, and writes down its calls.

A test makes a `DockerDouble`, which puts the program first on the PATH. Whatever the real one would
start is not started, but for a door to the test's Postgres at the port that `.env` names.
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
PLAN, CALLS, DOOR = "plan.json", "calls.jsonl", "door.pid"


class DockerDouble:
    """What a test tells the program, and asks it.

    Args:
        place: a folder of its own.
        database: the address of the Postgres that its `postgres` is.
    """

    def __init__(self, place: Path, database: str) -> None:
        self._place = place
        program = place / "bin" / "docker"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{place}" "$@"\n')
        program.chmod(0o755)
        self.path = str(program.parent)
        self._plan: dict[str, Any] = {"database": database}
        self.says()

    def says(self, **plan: object) -> None:
        """Tell it what to say, by the words that it is called with: an answer, or one each time."""
        self._plan |= plan
        (self._place / PLAN).write_text(json.dumps(self._plan))

    @property
    def calls(self) -> list[list[str]]:
        """What it was called with."""
        file = self._place / CALLS
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def asked(self, *words: str) -> list[list[str]]:
        """The calls that have all of these words."""
        return [call for call in self.calls if set(words) <= set(call)]

    def stop(self) -> None:
        """Close the door to Postgres."""
        file = self._place / DOOR
        if file.exists():
            subprocess.run(["kill", file.read_text()], check=False, capture_output=True)
            file.unlink()


def answer(out: str = "", err: str = "", status: int = 0) -> dict[str, object]:
    """Return what the program says once."""
    return {"out": out, "err": err, "status": status}


def main(place: Path, words: list[str]) -> int:
    """Say what the plan has for this call."""
    before = (place / CALLS).read_text().splitlines() if (place / CALLS).exists() else []
    with (place / CALLS).open("a") as file:
        file.write(json.dumps(words) + "\n")
    plan = json.loads((place / PLAN).read_text())
    kind = next(one for one in ("config", "ps", "up", "exec", "logs", "version") if one in words)
    name = "compose" if words[:2] == ["compose", "version"] else kind
    said = plan.get(name, _USUAL[name])
    if isinstance(said, list):
        nth = sum(kind in json.loads(line) for line in before)
        said = said[min(nth, len(said) - 1)]
    if name == "up" and said["status"] == 0:
        _open_door(place, plan)
    if name == "ps" and (place / DOOR).exists() and "ps" not in plan:
        said = answer("\n".join(json.dumps(row) for row in _running()))
    sys.stdout.write(said["out"])
    sys.stderr.write(said["err"])
    return int(said["status"])


def token(**claims: object) -> str:
    """Return a token as Hatchet makes them, for the ports of `.env`; nobody has signed it."""
    import base64

    ports = _env()
    facts: dict[str, object] = {
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
    parts = ({"alg": "ES256", "kid": "x1"}, facts)
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return b".".join([*coded, b"c2lnbmVk"]).decode()


def _minted() -> dict[str, object]:
    # The real one logs before the token, which is alone on the last line.
    return answer(f"2026-03-02T09:00:00Z INF loaded the config\n{token()}\n")


def _env() -> dict[str, str]:
    file = Path(".env")
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: text for name, _, text in pairs}


def _running() -> list[dict[str, object]]:
    ports = _env()
    rows: list[dict[str, object]] = [
        {"Service": one, "State": "running", "Health": "healthy", "Publishers": []}
        for one in SERVICES
    ]
    rows[0]["Publishers"] = [{"PublishedPort": int(ports.get(name, "0"))} for name in PORTS]
    return rows


def _open_door(place: Path, plan: dict[str, Any]) -> None:
    if (place / DOOR).exists():
        return
    script = Path(__file__).with_name("postgres_door.py")
    given = [_env()["POSTGRES_PORT"], plan["database"], plan.get("password", "")]
    door = subprocess.Popen(
        [sys.executable, script, *given],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert door.stdout is not None
    door.stdout.readline()
    (place / DOOR).write_text(str(door.pid))


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
