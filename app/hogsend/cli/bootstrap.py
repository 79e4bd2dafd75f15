"""`hogsend bootstrap`: Postgres, Hatchet and a mail catcher in containers, and Hogsend on them.

Every step finds out what is there already, so that the command can be run again at any time.
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
from ..config.hatchet_token import HatchetToken, read_token
from ..config.secret import prepare_data
from ..errors import ConfigError, HatchetUnavailable, HogsendError, StartError
from ..services.installation import open_installation
from .compose_project import SERVICES, ComposeProject
from .docker import CommandResult, Docker
from .hatchet_api import HatchetApi
from .instance import current_settings
from .output import plain

_MINT = (
    *("/hatchet-admin", "token", "create", "--config", "/config"),
    *("--name", "hogsend", "--expiresIn", "87600h"),
)
# Between one try to mint a token and the next, in seconds: Hatchet may still make its keys.
PAUSES = (1.0, 2.0, 4.0, 8.0)
_SOON = timedelta(days=30)
_VOLUME_IS_OLDER = (
    "The volume was made with another password: put that one into .env as POSTGRES_PASSWORD. If "
    "nothing in the volumes is of use any more, `docker compose down --volumes` removes them."
)
NEXT_STEPS = """
Next:
  hogsend serve --with-worker

  http://localhost:{mail}  the mails that it sends
  http://localhost:{hatchet}  Hatchet's dashboard: admin@example.com, HATCHET_ADMIN_PASSWORD in .env

`docker compose stop` stops the containers, `hogsend bootstrap` starts them again.
"""


@click.command()
def bootstrap() -> None:
    """Set up Postgres, Hatchet and a mail catcher with Docker.

    Works on the folder that it is run in, and writes into its .env how Hogsend reaches them. What
    is there is kept, so it is safe to run again.
    """
    site = ComposeProject(Path.cwd())
    steps: Mapping[str, Callable[[ComposeProject], str]] = {
        "Docker": _docker,
        "settings": _settings,
        "ports": _ports,
        "containers": _containers,
        "token": _token,
        "schema": _schema,
        "key": _key,
    }
    for number, (name, step) in enumerate(steps.items(), 1):
        place = f"{number}/{len(steps)}  {name:<10}"
        try:
            text = step(site)
        except HogsendError as error:
            click.echo(f"{click.style('failure', fg='red')}  {place}")
            raise StartError(
                f"Step {number}, {name}: {error.message}",
                f"{error.remedy} Then run `hogsend bootstrap` again.".lstrip(),
            ) from error
        click.echo(f"{click.style('ok     ', fg='green')}  {place}  {plain(text)}")
    ports = site.ports()
    addresses = {"mail": ports["MAIL_DASHBOARD_PORT"], "hatchet": ports["HATCHET_DASHBOARD_PORT"]}
    click.echo(NEXT_STEPS.format(**addresses).rstrip())


def _docker(site: ComposeProject) -> str:
    engine, compose = site.docker.versions()
    return f"Docker {engine}, Compose {compose}."


def _settings(site: ComposeProject) -> str:
    wrote = site.write_compose_file()
    wrote += site.write_settings()
    if missing := sorted(set(SERVICES) - site.docker.services()):
        raise StartError(
            f"compose.yaml is of something else: it has no {', '.join(missing)}.",
            "Make a folder of its own with `hogsend init`, and go there.",
        )
    return f"Wrote {', '.join(wrote)}." if wrote else "compose.yaml and .env are complete."


def _ports(site: ComposeProject) -> str:
    return _moved(site.find_ports()) or "All are free, or ours already."


def _moved(moved: Mapping[str, tuple[int, int]]) -> str:
    """Say which ports are others than they were."""
    return " ".join(
        f"{before} is taken: {name} is {after} now." for name, (before, after) in moved.items()
    )


def _containers(site: ComposeProject) -> str:
    said: list[str] = []
    while (ran := site.docker.up()).status:
        # Somebody has been faster, or what holds a port cannot be seen from here.
        moved = site.leave_ports(site.ports_refused(ran.err))
        if not moved:
            raise _not_started(site.docker, ran)
        said.append(_moved(moved))
    return " ".join([*said, f"{', '.join(SERVICES)} are healthy."])


def _not_started(docker: Docker, ran: CommandResult) -> StartError:
    for container in docker.containers():
        if container.is_well or container.service not in SERVICES:
            continue
        log = docker.log(container.service)
        remedy = f"See what `docker compose logs {container.service}` says, and mend it."
        if "password authentication failed" in log:
            remedy = _VOLUME_IS_OLDER
        last = log.splitlines()[-1] if log else ran.last_words
        state = container.health or container.state
        return StartError(f"The container {container.service} is {state}: {last[:300]}.", remedy)
    remedy = "Try `docker compose up` in this folder, and mend what it says."
    if "no space left" in ran.err:
        remedy = "Make room on Docker's disk, such as with `docker system prune`."
    elif any(word in ran.err for word in ("pull", "registry", "manifest", "lookup", "dial tcp")):
        remedy = "Look to the network and its proxy: the images could not be fetched."
    return StartError(f"The containers do not start: {ran.last_words}.", remedy)


def _token(site: ComposeProject) -> str:
    given = site.get("HATCHET_CLIENT_TOKEN")
    if given:
        token = read_token(given)
        if urlsplit(token.server_url).hostname != "localhost":
            return f"HATCHET_CLIENT_TOKEN is of {token.server_url}, and stays."
        reason = _void(site, token)
        if not reason:
            site.connect_to_hatchet(token.host_port)
            return "HATCHET_CLIENT_TOKEN is there already."
        if site.is_in_environment("HATCHET_CLIENT_TOKEN"):
            raise ConfigError(
                f"HATCHET_CLIENT_TOKEN of the environment {reason}.",
                "Take it out of the environment (`unset HATCHET_CLIENT_TOKEN`).",
            )
        said = f"HATCHET_CLIENT_TOKEN is new: the old one {reason}."
    else:
        said = "HATCHET_CLIENT_TOKEN is written."
    token = _mint(site.docker)
    site.env.put("HATCHET_CLIENT_TOKEN", token.text)
    site.connect_to_hatchet(token.host_port)
    return said


def _void(site: ComposeProject, token: HatchetToken) -> str:
    """Say why the Hatchet of the containers does not take a token; empty when it does."""
    address = f"http://localhost:{site.ports()['HATCHET_DASHBOARD_PORT']}"
    if token.expires_at is not None and token.expires_at < SystemClock().now() + _SOON:
        return f"expires {token.expires_at:%Y-%m-%d}"
    if token.server_url != address:
        return f"is for {token.server_url}, which is {address} now"
    try:
        status = HatchetApi(address, token.text).get(f"/api/v1/tenants/{token.tenant}").status
    except HatchetUnavailable:
        # It is healthy, as Docker has said: what is between us is not the token's fault.
        return ""
    return "is refused by this Hatchet" if status in (401, 403) else ""


def _mint(docker: Docker) -> HatchetToken:
    words = ""
    for pause in (*PAUSES, 0.0):
        ran = docker.within("hatchet", *_MINT)
        lines = ran.out.split()
        if ran.status == 0 and lines and lines[-1].count(".") == 2:
            return read_token(lines[-1])
        words = ran.last_words or "nothing"
        time.sleep(pause)
    raise StartError(
        f"Hatchet has not made a token in {len(PAUSES) + 1} tries; it says: {words}.",
        "See what `docker compose logs hatchet` says, or make one in its dashboard and put it "
        "into .env as HATCHET_CLIENT_TOKEN.",
    )


def _schema(site: ComposeProject) -> str:
    if site.has_people_in_sqlite():
        site.offer_postgres()
        raise StartError(
            "This folder has a SQLite database, in whose place an empty Postgres would come.",
            "Take everyone along with `hogsend migrate-data --to` and the address that stands in "
            ".env behind `#HOGSEND_DATABASE_URL=`, while the server is stopped; or move the file "
            "away to begin anew. In both cases remove that `#`.",
        )
    from ..store.migrations import bring_up_to_date

    settings = prepare_data(current_settings())
    url = settings.database_url
    try:
        applied = asyncio.run(bring_up_to_date(url, backups=settings.data / "backups"))
    except StartError as error:
        if "password authentication failed" in error.message:
            raise StartError(error.message, _VOLUME_IS_OLDER) from None
        raise
    return f"Applied {len(applied)} migration(s)." if applied else "It is up to date."


def _key(site: ComposeProject) -> str:
    return asyncio.run(_make_key(site))


async def _make_key(site: ComposeProject) -> str:
    from ..store import keys

    settings = current_settings()
    async with open_installation(settings) as instance:
        database, now = instance.database, instance.clock.now()
        text = settings.api_key
        known = await keys.find(database, keys.digest_of(text)) if text else None
        if known is not None and known.status(now) != "active":
            raise StartError(
                f"HOGSEND_API_KEY is {known.status(now)}.",
                "Take it out of .env, and a new one is made.",
            )
        if known is not None:
            return "HOGSEND_API_KEY is there already."
        # Written before it is stored: one that is only written is registered the next time.
        made = text or keys.make()
        if text is None:
            site.env.put("HOGSEND_API_KEY", made)
            site.env.save()
        await keys.create(
            database, name="HOGSEND_API_KEY", scopes=[keys.INGEST], now=now, text=made
        )
    return "HOGSEND_API_KEY is registered." if text else "HOGSEND_API_KEY is made and written."
