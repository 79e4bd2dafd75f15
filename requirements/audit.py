"""Looks the locked libraries up in the OSV database of known vulnerabilities, for `make audit`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

LOCKS = sorted(Path(__file__).parent.glob("*.lock"))
DATABASE = "https://api.osv.dev/v1/query"
# The exit status of a probe that does not reach the database.
UNREACHABLE = 3
_TIMEOUT = 10
_QUESTION = b'{"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "25.0"}'


def find_obstacle(url: str) -> str | None:
    """Return why the database does not answer; None when it does."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=_QUESTION, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310
            return None
    except urllib.error.URLError as error:
        return str(error.reason)
    except OSError as error:
        return str(error)


def audit(lock: Path, url: str) -> int:
    """Print the known vulnerabilities of the libraries in a lock file; return the exit status."""
    print(f"{lock.name}: ", end="", flush=True)
    options = ["--disable-pip", "--progress-spinner", "off"]
    service = ["--vulnerability-service", "osv", "--osv-url", url]
    command = [sys.executable, "-m", "pip_audit", *options, *service, "--requirement", str(lock)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


def main() -> int:
    """Audit every lock file, or only ask whether the database answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probe", action="store_true", help="only ask whether it answers")
    parser.add_argument("--osv-url", default=DATABASE, help="the address of the database")
    options = parser.parse_args()
    if not options.probe:
        return max(audit(lock, options.osv_url) for lock in LOCKS)
    obstacle = find_obstacle(options.osv_url)
    if obstacle is None:
        return 0
    print(f"Skipped: {options.osv_url} does not answer ({obstacle}), so nothing was audited.")
    return UNREACHABLE


if __name__ == "__main__":
    sys.exit(main())
