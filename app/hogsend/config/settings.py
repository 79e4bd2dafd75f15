"""The settings, read from the environment and from a `.env` file, nothing else.

Reading settings touches nothing; `prepare_data` makes the data folder and the secret.
"""

from __future__ import annotations

import difflib
import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

from ..errors import ConfigError, StartError
from . import values as values
from .table import PREFIX, SETTINGS, Setting

ENV_FILE = ".env"
SECRET_FILE = "secret"  # noqa: S105 - the file's name


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its value.

    Args:
        data: the data folder, absolute.
        database_url: `sqlite://PATH` with an absolute path, or `postgres://…`.
        bind: where the server listens, `HOST:PORT`.
        host: the host of `bind`, without brackets.
        port: the port of `bind`; 0 lets the system choose.
        base_url: the address in links, without a slash at the end.
        secrets: the first signs, all verify; empty until `prepare_data` when none is set.
        journeys: the author's folder, absolute.
        engine: `embedded` or `hatchet`.
        hatchet_events: the names of Hatchet's events that are taken in, wildcards allowed.
        mail: the provider, as written.
        sender: the default sender, `Name <address>`.
        test_to: the address that gets every message instead, if any.
        send_rate: how many mails are begun in a second at most; 0 is no limit.
        api_key: the key that the command line uses, if any.
        allow_local_links: whether mail may leave this machine with links that lead nowhere else.
        stop_timeout: how long a hand-over in progress may take when the server stops, in seconds.
        turn_time_limit: how long a journey's code may run in one turn, in seconds.
        turn_step_limit: how many `ctx` calls it may make in one turn.
        late_event_limit: how late an event may arrive and still start a journey.
        keep_journals: how many days the steps of ended enrollments are kept; None is forever,
            here and in the next four.
        keep_idempotency_keys: how many days keys are known.
        keep_refusals: how many days it is kept why events did not enroll people.
        keep_mails: how many days rendered mails are kept.
        keep_inbox: how many days captured mails are kept.
        log_format: `auto`, `console` or `json`.
        log_level: `debug`, `info`, `warning` or `error`.
        origins: where the value of each setting came from, by its name.
    """

    data: Path
    database_url: str = field(repr=False)
    bind: str
    host: str
    port: int
    base_url: str
    secrets: tuple[str, ...] = field(repr=False)
    journeys: Path
    engine: str
    hatchet_events: tuple[str, ...]
    mail: str = field(repr=False)
    sender: str
    test_to: str | None
    send_rate: float
    api_key: str | None = field(repr=False)
    allow_local_links: bool
    stop_timeout: float
    turn_time_limit: float
    turn_step_limit: int
    late_event_limit: timedelta
    keep_journals: int | None
    keep_idempotency_keys: int | None
    keep_refusals: int | None
    keep_mails: int | None
    keep_inbox: int | None
    log_format: str
    log_level: str
    origins: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load_settings(
    environ: Mapping[str, str], folder: Path, options: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings. The command line wins over the environment, and that over `.env`.

    An empty text counts as none.

    Args:
        environ: the environment.
        folder: the working folder, whose `.env` is read and which relative paths start from.
        options: values given on the command line, by the setting's name.

    Raises:
        ConfigError: a name is unknown, or a value is not allowed.
    """
    sources = (
        (ENV_FILE, values.of_env_file(folder / ENV_FILE)),
        ("environment", environ),
        ("command line", options or {}),
    )
    given: dict[str, str] = {}
    origins = {setting.name: "default" for setting in SETTINGS}
    for origin, texts in sources:
        for name, text in texts.items():
            if name.startswith(PREFIX):
                _refuse_unknown(name, origin)
            if (name in _BY_NAME or name == "HATCHET_CLIENT_TOKEN") and text.strip():
                given[name] = text.strip()
                origins[name] = origin
    origins.pop("HATCHET_CLIENT_TOKEN", None)
    return _assemble(given, origins, folder.absolute())


def _assemble(given: Mapping[str, str], origins: Mapping[str, str], folder: Path) -> Settings:
    value = {setting.name: _value(setting, given) for setting in SETTINGS}
    data = folder / value["HOGSEND_DATA"]
    host, port = value["HOGSEND_BIND"]
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    engine = value["HOGSEND_ENGINE"]
    if engine == "auto":
        engine = "hatchet" if given.get("HATCHET_CLIENT_TOKEN") else "embedded"
    elif engine == "hatchet" and not given.get("HATCHET_CLIENT_TOKEN"):
        raise ConfigError(
            "HOGSEND_ENGINE is hatchet, and there is no HATCHET_CLIENT_TOKEN.",
            "Run `hogsend bootstrap`, or set the token that Hatchet's dashboard gives.",
        )
    return Settings(
        data=data,
        database_url=_absolute(value["HOGSEND_DATABASE_URL"], folder)
        or f"sqlite://{data / 'hogsend.db'}",
        bind=bind,
        host=host,
        port=port,
        base_url=value["HOGSEND_BASE_URL"] or local_address(host, port),
        secrets=value["HOGSEND_SECRET"] or (),
        journeys=folder / value["HOGSEND_JOURNEYS"],
        engine=engine,
        hatchet_events=value["HOGSEND_HATCHET_EVENTS"] or (),
        mail=value["HOGSEND_MAIL"],
        sender=value["HOGSEND_FROM"],
        test_to=value["HOGSEND_TEST_TO"],
        send_rate=value["HOGSEND_SEND_RATE"],
        api_key=value["HOGSEND_API_KEY"],
        allow_local_links=value["HOGSEND_ALLOW_LOCAL_LINKS"],
        stop_timeout=value["HOGSEND_STOP_TIMEOUT"],
        turn_time_limit=value["HOGSEND_TURN_TIME_LIMIT"],
        turn_step_limit=value["HOGSEND_TURN_STEP_LIMIT"],
        late_event_limit=value["HOGSEND_LATE_EVENT_LIMIT"],
        keep_journals=value["HOGSEND_KEEP_JOURNALS"],
        keep_idempotency_keys=value["HOGSEND_KEEP_IDEMPOTENCY_KEYS"],
        keep_refusals=value["HOGSEND_KEEP_REFUSALS"],
        keep_mails=value["HOGSEND_KEEP_MAILS"],
        keep_inbox=value["HOGSEND_KEEP_INBOX"],
        log_format=value["HOGSEND_LOG_FORMAT"],
        log_level=value["HOGSEND_LOG_LEVEL"],
        origins=dict(origins),
    )


def _value(setting: Setting, given: Mapping[str, str]) -> Any:
    text = given.get(setting.name, setting.default)
    if text is None:
        return None
    try:
        return setting.parse(text)
    except ValueError as refusal:
        what = "has a value that" if setting.secret else f"is {text!r}, which"
        raise ConfigError(f"{setting.name} {what} cannot be used.", str(refusal)) from None


def _absolute(url: str | None, folder: Path) -> str | None:
    if url and url.startswith("sqlite://"):
        return f"sqlite://{folder / url.removeprefix('sqlite://')}"
    return url


def local_address(host: str, port: int) -> str:
    """Return the address at which this machine reaches a server that listens there."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not listened on
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refuse_unknown(name: str, origin: str) -> None:
    if name in _BY_NAME:
        return
    known = [setting.name.removeprefix(PREFIX) for setting in SETTINGS]
    near = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), known, n=1)
    remedy = (
        f"Did you mean {PREFIX}{near[0]}?" if near else "`hogsend settings` lists those that exist."
    )
    place = "the environment" if origin == "environment" else f"{origin} of the working folder"
    raise ConfigError(f"There is no setting {name}, which {place} has.", remedy)


def shown(settings: Settings, setting: Setting) -> str:
    """Return a setting's value as people may see it: empty when there is none, secrets masked."""
    if setting.name == "HOGSEND_SECRET":
        return ", ".join("…" for _ in settings.secrets)
    value = getattr(settings, setting.field)
    if value is None:
        return values.FOREVER if setting.parse is values.days else ""
    if isinstance(value, bool | float):
        return f"{float(value):g}"
    return values.masked(str(value)) if setting.secret else str(value)


def prepare_data(settings: Settings) -> Settings:
    """Make the data folder and the secret, where they are missing, and keep others out of both.

    Args:
        settings: as loaded.

    Returns:
        The settings, with the secrets.

    Raises:
        StartError: the folder or the secret cannot be made, written or read.
    """
    data = settings.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(data.stat().st_mode) & 0o077:
            data.chmod(0o700)
        if not os.access(data, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(data))
        if not settings.secrets and not (data / SECRET_FILE).exists():
            _make_secret(data / SECRET_FILE)
        return with_kept_secret(settings)
    except OSError as error:
        raise StartError(
            f"The data folder {data} cannot be used: {error.strerror or error}.",
            "Let the server's user own it and write to it, or set HOGSEND_DATA to another folder.",
        ) from None


def with_kept_secret(settings: Settings) -> Settings:
    """Return the settings with the secret of the data folder, when none is set and there is one.

    Raises:
        StartError: the file is damaged or cannot be read.
    """
    path = settings.data / SECRET_FILE
    if settings.secrets:
        return settings
    try:
        if not path.exists():
            return settings
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        kept = values.secrets(path.read_text("ascii").strip())
    except ValueError:
        raise StartError(
            f"The secret in {path} is empty or damaged.",
            "Put it back from a backup; without one, remove the file, and links in mails that "
            "were sent already stop working.",
        ) from None
    except OSError as error:
        raise StartError(
            f"The secret in {path} cannot be read: {error.strerror}.",
            "Run the command as the user that the server runs as.",
        ) from None
    origins = {**settings.origins, "HOGSEND_SECRET": str(path)}
    return replace(settings, secrets=kept, origins=origins)


def _make_secret(path: Path) -> None:
    """Write a new secret; it is whole when it appears, and an existing one is never replaced."""
    draft = path.with_name(f"{path.name}.{token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
