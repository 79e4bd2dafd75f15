"""What journeys may use is there in the running server: packages beside them, httpx, `.env`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.patience import PATIENCE
from tests.processes import program

JOURNEY = """\
import os

import httpx
import shopkit
from hogsend import journey
from shopkit.prices import describe

KEY = os.environ["SHOP_KEY"]
STAGE = os.environ["SHOP_STAGE"]


def charge() -> None:
    raise ValueError(f"refused: {KEY}")


@journey("shop", trigger="bought")
async def shop(user, ctx):
    await ctx.checkpoint(f"{STAGE} {shopkit.VERSION} {describe(3)} {httpx.codes.OK.value}")
    if ctx.event.properties.get("step"):
        await ctx.step("charge", charge)
    raise ValueError(f"no stock for {KEY}")
"""
FILES = {
    "shop.py": JOURNEY,
    "closed.py": "import os\nraise ValueError(os.environ['SHOP_KEY'])\n",
    "_packages/shopkit/__init__.py": "VERSION = '2.1'\n",
    "_packages/shopkit/prices.py": "def describe(n): return f'{n} EUR'\n",
    "_packages/not_a_journey.py": "raise SystemExit('this file is no journey')\n",
    "_packages/click.py": "raise SystemExit('a library of the server is not replaced')\n",
}
SECRET = "live-7f3a9c"


async def test_journeys_use_packages_and_names_of_the_env_file_and_secrets_stay_secret(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text(f"SHOP_KEY={SECRET}\nSHOP_STAGE=file\n")
    async with program(tmp_path, files=FILES) as hogsend:
        hogsend.variables["SHOP_STAGE"] = "real"
        checked = await hogsend.run("journeys", "check", "--strict")
        assert checked.out == "closed.py:2: error: ValueError: …\n", checked
        await hogsend.start()
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            for user, properties in (("ada", {}), ("bo", {"step": True})):
                body = {"name": "bought", "userId": user, "eventProperties": properties}
                assert (await hogsend.post(client, body)).status_code == 202

        def list_errors() -> list[str]:
            rows = hogsend.rows("SELECT error FROM turns UNION ALL SELECT steps FROM turns")
            errors = [str(row[0]) for row in rows if "ValueError: " in str(row[0])]
            return errors if len(errors) == 2 else []

        errors = await hogsend.wait_until(list_errors)
        with closing(sqlite3.connect(hogsend.data / "hogsend.db")) as connection:
            dumped = "\n".join(connection.iterdump())
        shown = (await hogsend.run("journeys", "show", "shop", "--json")).out
        settings = (await hogsend.run("settings")).out
        assert (await hogsend.stop())[0] == 0
    assert all("…" in error or "\\u2026" in error for error in errors)
    for text in (*errors, hogsend.log, dumped, shown, settings):
        assert SECRET not in text
    assert "real 2.1 3 EUR 200" in dumped
