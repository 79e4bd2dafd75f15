"""What every command and every journey imports stays light: a start pays for each import."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("aiosqlite", "asyncpg", "dotenv", "hatchet_sdk", "hypercorn", "jinja2", "pydantic", "quart"),
    *("rich", "sqlite3", "tortoise", "watchfiles"),
}


@pytest.mark.parametrize(
    "code",
    ["import hogsend", "from hogsend.cli.main import run; run(['--help'])"],
    ids=["a journey", "hogsend --help"],
)
def test_no_heavy_library_is_imported(code: str):
    report = f"import sys; {code}; print(*({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stderr.strip() == ""
