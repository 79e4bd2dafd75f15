"""`hogsend doctor`: each check gives one line, with a remedy when something is not well."""

from __future__ import annotations

import asyncio
import http.client
import shutil
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import click

from ..changes import Changes
from ..clock import SystemClock
from ..config import SECRET_FILE, Settings, local_address, with_kept_secret
from ..errors import HogsendError
from ..store.db import Database, is_sqlite
from ..store.migrations import pending
from .instance import current_settings, has_database
from .printing import json_option, plain, show_json

Level = Literal["ok", "warning", "failure"]
_MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "failure": ("failure", "red"),
}
_LOW_DISK, _FULL_DISK = 1 << 30, 100 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Args:
        part: what was looked at.
        level: `ok`, `warning` or `failure`.
        text: what was found.
        remedy: what to do about it; empty when it is well.
    """

    part: str
    level: Level
    text: str
    remedy: str = ""


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check that everything is set up well.

    Looks at settings, data folder, disk, secret, schema, journeys, mail, port and public address.
    Fails when something has to be mended before `hogsend serve` can do its work.
    """
    findings = examine()
    if as_json:
        show_json(
            [
                {"part": f.part, "level": f.level, "text": f.text, "remedy": f.remedy}
                for f in findings
            ]
        )
    else:
        for finding in findings:
            _show(finding)
    failures = sum(finding.level == "failure" for finding in findings)
    if failures:
        raise HogsendError(f"{failures} check(s) failed.", "Mend what is marked as a failure.")


def _show(finding: Finding) -> None:
    mark, colour = _MARKS[finding.level]
    text = plain(f"{finding.text} {finding.remedy}".rstrip())
    click.echo(f"{click.style(f'{mark:<7}', fg=colour)}  {finding.part:<14}  {text}")


def examine() -> list[Finding]:
    """Make every check, in the order in which things depend on each other."""
    try:
        settings = current_settings()
    except HogsendError as error:
        return [Finding("settings", "failure", error.message, error.remedy)]
    checks: dict[str, Callable[[Settings], Finding]] = {
        "data folder": _data_folder,
        "disk": _disk,
        "secret": _secret,
        "schema": _schema,
        "journeys": _journeys,
        "mail": _mail,
        "port": _port,
        "public address": _public_address,
    }
    given = sum(origin != "default" for origin in settings.origins.values())
    findings = [Finding("settings", "ok", f"Understood; {given} differ from the default.")]
    for part, check in checks.items():
        try:
            findings.append(check(settings))
        except HogsendError as error:
            findings.append(Finding(part, "failure", error.message, error.remedy))
    return findings


def _data_folder(settings: Settings) -> Finding:
    data = settings.data
    if not data.exists():
        return Finding("data folder", "ok", f"{data} is made at the first start.")
    if not data.is_dir():
        return Finding(
            "data folder", "failure", f"{data} is no folder.", "Move it away or set HOGSEND_DATA."
        )
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o077:
        return Finding(
            "data folder",
            "warning",
            f"Others may look into {data} (mode {mode:04o}).",
            f"Run `chmod 700 {data}`; `hogsend serve` does so as well.",
        )
    return Finding("data folder", "ok", f"{data} is its owner's alone.")


def _disk(settings: Settings) -> Finding:
    place = next(p for p in (settings.data, *settings.data.parents) if p.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / (1 << 30):.1f} GiB are free for {settings.data}."
    if free < _FULL_DISK:
        return Finding("disk", "failure", text, "Free some space: events could not be stored.")
    if free < _LOW_DISK:
        return Finding("disk", "warning", text, "Free some space before it runs out.")
    return Finding("disk", "ok", text)


def _secret(settings: Settings) -> Finding:
    path = settings.data / SECRET_FILE
    if settings.secrets:
        return Finding("secret", "ok", f"{len(settings.secrets)} from HOGSEND_SECRET.")
    if not path.exists():
        return Finding("secret", "ok", "It is made at the first start.")
    mode = stat.S_IMODE(path.stat().st_mode)
    with_kept_secret(settings)
    if mode & 0o077:
        return Finding("secret", "warning", f"Others could read {path}; they cannot any more.")
    return Finding("secret", "ok", f"{path} is its owner's alone.")


def _schema(settings: Settings) -> Finding:
    url = settings.database_url
    if not has_database(settings):
        return Finding("schema", "ok", "The database is made at the first start.")
    missing = asyncio.run(pending(url))
    if not missing:
        return Finding("schema", "ok", "It is this program's.")
    text = f"It lacks {len(missing)} migration(s)."
    if is_sqlite(url):
        return Finding("schema", "warning", text, "`hogsend serve` applies them, after a copy.")
    return Finding("schema", "failure", text, "Run `hogsend migrate`.")


def _journeys(settings: Settings) -> Finding:
    from ..delivery.templates import Templates
    from ..turns.loader import load

    if not settings.journeys.is_dir():
        return Finding(
            "journeys",
            "warning",
            f"There is no folder {settings.journeys}.",
            "Run `hogsend init`, or set HOGSEND_JOURNEYS.",
        )
    registry = load(settings.journeys)
    templates = Templates.load(settings.journeys, list(registry.lists))
    broken = len(registry.broken) + len(templates.broken)
    if broken:
        return Finding(
            "journeys",
            "warning",
            f"{broken} file(s) cannot be used; the others work.",
            "Run `hogsend journeys check`.",
        )
    count = len(templates.by_key)
    return Finding("journeys", "ok", f"{len(registry.journeys)} journeys, {count} mail templates.")


def _mail(settings: Settings) -> Finding:
    from ..delivery.providers.select import provider_for

    provider_for(settings, Database(settings.database_url), SystemClock(), Changes())
    if settings.mail == "inbox":
        return Finding("mail", "ok", "Captured in the dashboard's inbox; nothing leaves.")
    if settings.test_to:
        return Finding("mail", "warning", "Every message goes to HOGSEND_TEST_TO.", "Unset it.")
    return Finding("mail", "ok", f"Sent through {settings.mail.partition(':')[0]}.")


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        if _answers(settings):
            return Finding("port", "ok", f"Hogsend answers at {settings.bind}.")
        return Finding(
            "port",
            "failure",
            f"{settings.bind} cannot be listened on: {error.strerror or error}.",
            "Stop what uses it, or set HOGSEND_BIND.",
        )
    return Finding("port", "ok", f"{settings.bind} is free.")


def _answers(settings: Settings) -> bool:
    address = local_address(settings.host, settings.port).removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _public_address(settings: Settings) -> Finding:
    if settings.base_url.startswith("https://"):
        return Finding("public address", "ok", settings.base_url)
    text = f"{settings.base_url} is what links in mails lead to."
    if settings.mail == "inbox":
        return Finding("public address", "ok", text)
    return Finding(
        "public address",
        "warning",
        text,
        "Set HOGSEND_BASE_URL to the https address that recipients reach.",
    )
