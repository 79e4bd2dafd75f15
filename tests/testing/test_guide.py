"""The tests in docs/testing.md pass."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from hogsend.testing import Mailbox, World

TOP = Path(__file__).parents[2]
GUIDE = (TOP / "docs" / "testing.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_every_example_of_the_guide_passes_in_a_new_project(tmp_path: Path):
    shutil.copytree(
        TOP / "journeys", tmp_path / "journeys", ignore=shutil.ignore_patterns("test_*", "__*")
    )
    for number, text in enumerate(EXAMPLES):
        (tmp_path / f"test_guide_{number}.py").write_text(text)
    settings = (
        "asyncio_mode=auto",
        "asyncio_default_fixture_loop_scope=function",
        "pythonpath=.",
    )
    options = [
        "-p",
        "no:cacheprovider",
        "-q",
        *(part for setting in settings for part in ("-o", setting)),
    ]

    completed = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), *options],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert f"{GUIDE.count('async def test_')} passed" in completed.stdout


def test_the_guide_documents_every_method_of_a_world():
    for owner, prefix in ((World, "world"), (Mailbox, "world.mailbox")):
        for name, member in inspect.getmembers(owner):
            if not name.startswith("_") and name != "take_in":
                call = "(" if inspect.isfunction(member) else "`"
                assert f"`{prefix}.{name}{call}" in GUIDE, name
