"""docs/settings.md has the table of settings, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from hogsend.config.settings import SETTINGS, Setting

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def format_row(setting: Setting) -> str:
    """Return the row of a setting."""
    default = setting.documented_default or (f"`{setting.default}`" if setting.default else "none")
    return f"| `{setting.name}` | {default} | {setting.help} |"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_is_in_the_table(setting: Setting) -> None:
    assert format_row(setting) in DOCUMENT.read_text().splitlines()


def test_the_table_has_no_setting_that_is_gone() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `HOGSEND_")]

    assert rows == [format_row(setting) for setting in SETTINGS]
