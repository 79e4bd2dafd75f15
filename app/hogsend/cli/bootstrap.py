"""`hogsend bootstrap`: Postgres, Hatchet and a mail catcher in containers, and Hogsend on them.

Every step checks what exists already, so the command can be run again at any time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from ..clock import SystemClock
from ..config.hatchet_token import HatchetToken, parse_token
from ..config.secret import prepare_data
from ..errors import ConfigError, HatchetUnavailable, HogsendError, StartError
from ..services.actor import COMMAND_LINE
from ..services.installation import Installation
from .compose_ports import PortChange
from .compose_project import SERVICES, ComposeProject
from .docker import CommandResult, Docker
from .hatchet_api import HatchetApi
from .instance import load_current_settings, run_with_installation
from .output import format_count, make_printable

_CREATE_TOKEN = (
    *("/hatchet-admin", "token", "create", "--config", "/config"),
    *("--name", "hogsend", "--expiresIn", "87600h"),
)
# Seconds between two attempts to create a token: Hatchet may still be creating its keys.
PAUSES = (1.0, 2.0, 4.0, 8.0)
_RENEW_BEFORE = timedelta(days=30)
_NETWORK_WORDS = ("pull", "registry", "manifest", "lookup", "dial tcp")
_PASSWORD_REFUSED = "password authentication failed"  # noqa: S105 - a message of Postgres
_FOREIGN_VOLUME = (
    "The volume was created with another password: set POSTGRES_PASSWORD in .env to that one. If "
    "you need nothing in the volumes any more, remove them with `docker compose down --volumes`."
)
NEXT_STEPS = """
Next:
  hogsend serve --with-worker

  http://localhost:{mail}  the mails that Hogsend sends
  http://localhost:{hatchet}  Hatchet's dashboard: admin@example.com, HATCHET_ADMIN_PASSWORD in .env

`docker compose stop` stops the containers, `hogsend bootstrap` starts them again.
"""


@click.command()
def bootstrap() -> None:
    """Set up Postgres, Hatchet and a mail catcher with Docker.

    Works in the current folder, and writes to its .env how Hogsend reaches the containers. Existing
    values are kept, so it is safe to run again.
    """
    project = ComposeProject(Path.cwd())
    steps: Mapping[str, Callable[[ComposeProject], str]] = {
        "Docker": _check_docker,
        "settings": _write_settings,
        "ports": _replace_ports,
        "containers": _start_containers,
        "token": _ensure_token,
        "schema": _migrate,
        "key": _ensure_key,
    }
    for number, (name, step) in enumerate(steps.items(), 1):
        label = f"{number}/{len(steps)}  {name:<10}"
        try:
            text = step(project)
        except HogsendError as error:
            click.echo(f"{click.style('failure', fg='red')}  {label}")
            raise StartError(
                f"Step {number}, {name}: {error.message}",
                f"{error.remedy} Then run `hogsend bootstrap` again.".lstrip(),
            ) from error
        click.echo(f"{click.style('ok     ', fg='green')}  {label}  {make_printable(text)}")
    ports = project.read_ports()
    next_steps = NEXT_STEPS.format(
        mail=ports["MAIL_DASHBOARD_PORT"], hatchet=ports["HATCHET_DASHBOARD_PORT"]
    )
    click.echo(next_steps.rstrip())


# Each step returns what it did, and raises a HogsendError with a remedy when it fails.


def _check_docker(project: ComposeProject) -> str:
    engine, compose = project.docker.read_versions()
    return f"Docker {engine}, Compose {compose}."


def _write_settings(project: ComposeProject) -> str:
    files = [*project.write_compose_file(), *project.write_settings()]
    missing = sorted(set(SERVICES) - project.docker.list_services())
    if missing:
        raise StartError(
            f"compose.yaml belongs to another project: it has no {', '.join(missing)}.",
            "Create a folder for Hogsend with `hogsend init`, and run the command there.",
        )
    return f"Wrote {', '.join(files)}." if files else "compose.yaml and .env are complete."


def _replace_ports(project: ComposeProject) -> str:
    changes = project.replace_taken_ports()
    return _describe(changes) or "All ports are free, or in use by this project."


def _describe(changes: Mapping[str, PortChange]) -> str:
    return " ".join(
        f"{change.before} is in use, so {name} is now {change.after}."
        for name, change in changes.items()
    )


def _start_containers(project: ComposeProject) -> str:
    sentences: list[str] = []
    while (result := project.docker.start_services()).status:
        # Another program took a port meanwhile, or one that uses it cannot be seen from here.
        changes = project.replace_refused_ports(result.err)
        if not changes:
            raise _explain_failure(project.docker, result)
        sentences.append(_describe(changes))
    return " ".join([*sentences, f"{', '.join(SERVICES)} are healthy."])


def _explain_failure(docker: Docker, result: CommandResult) -> StartError:
    """Return the error for containers that did not start, with a remedy for its likely cause."""
    for container in docker.list_containers():
        if container.is_healthy or container.service not in SERVICES:
            continue
        log = docker.read_log(container.service)
        remedy = f"Read `docker compose logs {container.service}`, and fix what it reports."
        if _PASSWORD_REFUSED in log:
            remedy = _FOREIGN_VOLUME
        last_line = log.splitlines()[-1] if log else result.last_line
        state = container.health or container.state
        return StartError(
            f"The container {container.service} is {state}: {last_line[:300]}.", remedy
        )
    remedy = "Run `docker compose up` in this folder, and fix what it reports."
    if "no space left" in result.err:
        remedy = "Free some of Docker's disk space, for example with `docker system prune`."
    elif any(word in result.err for word in _NETWORK_WORDS):
        remedy = "Check the network and its proxy: the images could not be downloaded."
    return StartError(f"The containers do not start: {result.last_line}.", remedy)


def _ensure_token(project: ComposeProject) -> str:
    text = project.get("HATCHET_CLIENT_TOKEN")
    reason = ""
    if text:
        token = parse_token(text)
        if urlsplit(token.server_url).hostname != "localhost":
            return f"HATCHET_CLIENT_TOKEN belongs to {token.server_url}, and is kept."
        reason = _find_reason_to_replace(project, token)
        if not reason:
            project.connect_to_hatchet(token.host_port)
            return "HATCHET_CLIENT_TOKEN is set already."
        if project.is_in_environment("HATCHET_CLIENT_TOKEN"):
            raise ConfigError(
                f"HATCHET_CLIENT_TOKEN in the environment {reason}.",
                "Remove it from the environment (`unset HATCHET_CLIENT_TOKEN`).",
            )
    token = _create_token(project.docker)
    project.env.put("HATCHET_CLIENT_TOKEN", token.text)
    project.connect_to_hatchet(token.host_port)
    if reason:
        return f"Replaced HATCHET_CLIENT_TOKEN: the former one {reason}."
    return "Created HATCHET_CLIENT_TOKEN."


def _find_reason_to_replace(project: ComposeProject, token: HatchetToken) -> str:
    """Return why the Hatchet of the containers does not accept a token; empty when it does."""
    address = f"http://localhost:{project.read_ports()['HATCHET_DASHBOARD_PORT']}"
    if token.expires_at is not None and token.expires_at < SystemClock().now() + _RENEW_BEFORE:
        return f"expires {token.expires_at:%Y-%m-%d}"
    if token.server_url != address:
        return f"is for {token.server_url}, which is now {address}"
    try:
        status = HatchetApi(address, token.text).get(f"/api/v1/tenants/{token.tenant}").status
    except HatchetUnavailable:
        # Docker reports it as healthy, so the connection fails and not the token.
        return ""
    return "is refused by this Hatchet" if status in (401, 403) else ""


def _create_token(docker: Docker) -> HatchetToken:
    last_line = ""
    for pause in (*PAUSES, 0.0):
        result = docker.run_in("hatchet", *_CREATE_TOKEN)
        words = result.out.split()
        if result.status == 0 and words and words[-1].count(".") == 2:
            return parse_token(words[-1])
        last_line = result.last_line or "nothing"
        time.sleep(pause)
    raise StartError(
        f"Hatchet has not created a token in {len(PAUSES) + 1} attempts. It reports: {last_line}.",
        "Read `docker compose logs hatchet`, or create a token in its dashboard and set "
        "HATCHET_CLIENT_TOKEN in .env to it.",
    )


def _migrate(project: ComposeProject) -> str:
    if project.has_sqlite_database():
        project.suggest_postgres()
        raise StartError(
            "This folder has a SQLite database, which an empty Postgres would replace.",
            "To keep its data, stop the server and run `hogsend migrate-data --to` with the "
            "address after `#HOGSEND_DATABASE_URL=` in .env. To start without it, move the file "
            "away. In both cases remove that `#`.",
        )
    from ..services import schema

    try:
        applied = asyncio.run(schema.migrate(prepare_data(load_current_settings()), COMMAND_LINE))
    except StartError as error:
        if _PASSWORD_REFUSED in error.message:
            raise StartError(error.message, _FOREIGN_VOLUME) from None
        raise
    return (
        f"Applied {format_count(len(applied), 'migration')}."
        if applied
        else "The schema is up to date."
    )


def _ensure_key(project: ComposeProject) -> str:
    return run_with_installation(lambda installation: _register_key(project, installation))


async def _register_key(project: ComposeProject, installation: Installation) -> str:
    from ..services import keys

    text = installation.settings.api_key
    known = await keys.find_key_by_text(installation, COMMAND_LINE, text) if text else None
    if known is not None:
        status = known.status(installation.clock.now())
        if status != "active":
            raise StartError(
                f"HOGSEND_API_KEY is {status}.", "Remove it from .env to get a new one."
            )
        return "HOGSEND_API_KEY is registered already."
    if text is None:
        new_text = keys.generate_text()
        # Written before it is registered: the next run registers a key that is only written.
        project.env.put("HOGSEND_API_KEY", new_text)
        project.env.save()
        await keys.register_key(installation, COMMAND_LINE, name="HOGSEND_API_KEY", text=new_text)
        return "Created HOGSEND_API_KEY."
    await keys.register_key(installation, COMMAND_LINE, name="HOGSEND_API_KEY", text=text)
    return "HOGSEND_API_KEY is registered."
