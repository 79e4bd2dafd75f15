"""`hogsend doctor`: each check gives one line, with a remedy for a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from ...config.settings import Settings
from ...errors import HogsendError
from ..instance import load_current_settings
from ..output import format_count, json_option, make_printable, print_json
from . import dns, engine, journeys, machine, mail
from .check_result import CheckResult, Level

_STYLES: dict[Level, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "failure": ("failure", "red"),
}
_FIXED = ("fixed", "cyan")
_REPORT_IT = "This is a bug of Hogsend: report it with the output of `hogsend version`."
# Later checks depend on earlier ones.
CHECKS: dict[str, Callable[[Settings], Sequence[CheckResult]]] = {
    "data folder": machine.check_data_folder,
    ".env": machine.check_env_file,
    "disk": machine.check_disk,
    "clock": machine.check_clock,
    "secret": machine.check_secret,
    "schema": machine.check_schema,
    "journeys": journeys.check_journeys,
    "engine": engine.check_engine,
    "mail": mail.check_mail,
    "webhooks": mail.check_webhooks,
    "sending": mail.check_send_hold,
    "DNS": dns.check_dns,
    "port": machine.check_port,
    "public address": mail.check_public_address,
}


@click.command()
@click.option(
    "--fix", is_flag=True, help="Fix problems that need no decision of yours, then check again."
)
@json_option
def doctor(fix: bool, as_json: bool) -> None:
    """Check that everything is set up well.

    Checks settings, data folder, disk, clock, secret, schema, journeys, engine, mail,
    webhooks, a send hold, DNS, port and public address. Fails when a problem keeps Hogsend from
    doing its work.
    """
    results = run_checks()
    fixes = _apply_fixes(results) if fix else []
    if fixes:
        results = run_checks()
    if as_json:
        print_json([*map(_to_json, fixes), *map(_to_json, results)])
    else:
        for result in fixes:
            _show(*(_FIXED if result.level == "ok" else _STYLES[result.level]), result)
        for result in results:
            _show(*_STYLES[result.level], result)
    failures = sum(result.level == "failure" for result in results)
    if failures:
        raise HogsendError(
            f"{format_count(failures, 'check')} failed.", "Fix the failures listed above."
        )


def run_checks() -> list[CheckResult]:
    """Run every check; a check that cannot be run is a failure."""
    try:
        settings = load_current_settings()
    except HogsendError as error:
        return [CheckResult("settings", "failure", error.message, error.remedy)]
    changed = sum(origin != "default" for origin in settings.origins.values())
    text = f"The settings are valid; {changed} differ from the default."
    results = [CheckResult("settings", "ok", text)]
    for part, check in CHECKS.items():
        try:
            results += check(settings)
        except HogsendError as error:
            results.append(CheckResult(part, "failure", error.message, error.remedy))
        except Exception as error:
            text = f"The check failed with {type(error).__name__}: {error}."
            results.append(CheckResult(part, "failure", text, _REPORT_IT))
    return results


def _apply_fixes(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Fix what can be fixed, and return what was done or why it failed."""
    fixes: list[CheckResult] = []
    for result in results:
        if result.fix is None:
            continue
        try:
            fixes.append(CheckResult(result.part, "ok", result.fix()))
        except HogsendError as error:
            fixes.append(CheckResult(result.part, "failure", error.message, error.remedy))
        except OSError as error:
            text = f"The problem could not be fixed: {error.strerror or error}."
            fixes.append(CheckResult(result.part, "failure", text, result.remedy))
    return fixes


def _to_json(result: CheckResult) -> dict[str, object]:
    return {
        "part": result.part,
        "level": result.level,
        "text": result.text,
        "remedy": result.remedy,
        "fixable": result.fix is not None,
    }


def _show(label: str, colour: str, result: CheckResult) -> None:
    text = make_printable(f"{result.text} {result.remedy}".rstrip())
    click.echo(f"{click.style(f'{label:<7}', fg=colour)}  {result.part:<15}  {text}")
