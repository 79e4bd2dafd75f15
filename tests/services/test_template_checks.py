"""The shipped mails pass the checks that Hogsend makes of its users' mails."""

from __future__ import annotations

from pathlib import Path

from hogsend.config.settings import load_settings
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.template_checks import check_templates
from hogsend.services.templates import load_templates

JOURNEYS = Path(__file__).parents[2] / "journeys"


def test_the_shipped_mails_have_only_placeholders_to_replace(tmp_path: Path) -> None:
    values = {"HOGSEND_JOURNEYS": str(JOURNEYS), "HOGSEND_SECRET": "s" * 43}
    templates = load_templates(load_settings(values, tmp_path))
    findings = check_templates(templates, COMMAND_LINE)
    assert findings
    assert [f for f in findings if "leads to a placeholder" not in f.problem] == []
