"""`hogsend doctor`: each check gives one line, with a remedy when something is not well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from ...config.settings import Settings
from ...errors import HogsendError
from ..instance import current_settings
from ..output import json_option, plain, show_json
from . import dns, engine, journeys, machine, mail
from .findings import CheckResult, Level

_MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "failure": ("failure", "red"),
}
_FIXED = ("fixed", "cyan")
# In the order in which things depend on each other.
CHECKS: dict[str, Callable[[Settings], Sequence[CheckResult]]] = {
    "data folder": machine.data_folder,
    ".env": machine.env_file,
    "disk": machine.disk,
    "clock": machine.clock,
    "secret": machine.secret,
    "schema": machine.schema,
    "journeys": journeys.journeys,
    "engine": engine.engine,
    "mail": mail.mail,
    "DNS": dns.dns,
    "port": machine.port,
    "public address": mail.public_address,
}


@click.command()
@click.option("--fix", is_flag=True, help="Mend what takes nobody's decision, then check again.")
@json_option
def doctor(fix: bool, as_json: bool) -> None:
    """Check that everything is set up well.

    Looks at settings, data folder, disk, clock, secret, schema, journeys, engine, mail, DNS, port
    and public address. Fails when something has to be mended before Hogsend can do its work.
    """
    findings = examine()
    fixed = _mended(findings) if fix else []
    if fixed:
        findings = examine()
    if as_json:
        show_json([*map(_json, fixed), *map(_json, findings)])
    else:
        for finding in fixed:
            _show(*(_FIXED if finding.level == "ok" else _MARKS[finding.level]), finding)
        for finding in findings:
            _show(*_MARKS[finding.level], finding)
    failures = sum(finding.level == "failure" for finding in findings)
    if failures:
        raise HogsendError(f"{failures} check(s) failed.", "Mend what is marked as a failure.")


def examine() -> list[CheckResult]:
    """Make every check."""
    try:
        settings = current_settings()
    except HogsendError as error:
        return [CheckResult("settings", "failure", error.message, error.remedy)]
    given = sum(origin != "default" for origin in settings.origins.values())
    findings = [CheckResult("settings", "ok", f"Understood; {given} differ from the default.")]
    for part, check in CHECKS.items():
        try:
            findings += check(settings)
        except HogsendError as error:
            findings.append(CheckResult(part, "failure", error.message, error.remedy))
    return findings


def _mended(findings: Sequence[CheckResult]) -> list[CheckResult]:
    """Mend what can be mended, and return what was done or why it could not be."""
    done: list[CheckResult] = []
    for finding in findings:
        if finding.fix is None:
            continue
        try:
            done.append(CheckResult(finding.part, "ok", finding.fix()))
        except HogsendError as error:
            done.append(CheckResult(finding.part, "failure", error.message, error.remedy))
        except OSError as error:
            text = f"It could not be mended: {error.strerror or error}."
            done.append(CheckResult(finding.part, "failure", text, finding.remedy))
    return done


def _json(finding: CheckResult) -> dict[str, object]:
    return {
        "part": finding.part,
        "level": finding.level,
        "text": finding.text,
        "remedy": finding.remedy,
        "fixable": finding.fix is not None,
    }


def _show(mark: str, colour: str, finding: CheckResult) -> None:
    text = plain(f"{finding.text} {finding.remedy}".rstrip())
    click.echo(f"{click.style(f'{mark:<7}', fg=colour)}  {finding.part:<15}  {text}")
