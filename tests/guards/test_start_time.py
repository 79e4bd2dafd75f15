"""What every command and every journey imports stays light: a start pays for each import."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("aiosqlite", "asyncio", "asyncpg", "dotenv", "hatchet_sdk", "hypercorn", "jinja2"),
    *("pydantic", "quart", "rich", "sqlite3", "tortoise", "watchfiles"),
    # Only `hogsend journeys` and the server read the code of journeys.
    "hogsend.turns.static_analysis",
}


@pytest.mark.parametrize(
    "code",
    ["from hogsend import *", "from hogsend.cli.main import run; run(['--help'])"],
    ids=["a journey", "hogsend --help"],
)
def test_no_heavy_module_is_imported(code: str):
    report = f"import sys; {code}; print(*({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stderr.strip() == ""


def test_a_command_does_not_import_what_journeys_import():
    code = "import sys, hogsend; print(*(name for name in sys.modules if 'hogsend.' in name))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.split() == []
