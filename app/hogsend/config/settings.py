"""The settings: each is one field of `Settings`, with its default, parser and meaning."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from . import parsing
from .bounces_setting import HELP, BounceSource, parse_bounces
from .env_file import ENV_FILE, read_env_file
from .mail_setting import parse_mail
from .parsing import Parser

PREFIX = "HOGSEND_"
TOKEN = "HATCHET_CLIENT_TOKEN"  # noqa: S105 - the name of the variable


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table of settings.

    Args:
        default: the text that is parsed when the setting is not set; None when there is no default,
            or when the value follows from other settings.
        parse: parses a text to a value.
        help: the meaning, in one or two sentences.
        secret: whether the value, or a password in it, must not be shown.
        documented_default: the default as documents show it, if it differs from `default`.
        name: the name in the environment; empty when it follows from the field's name.
        field: the name of the field of `Settings`.
    """

    default: str | None
    parse: Parser
    help: str
    secret: bool = False
    documented_default: str = ""
    name: str = ""
    field: str = ""

    def parse_value(self, text: str | None) -> Any:
        """Parse a text, or the default when the text is None.

        Raises:
            ConfigError: the text is not valid.
        """
        text = self.default if text is None else text
        try:
            return None if text is None else self.parse(text)
        except ValueError as error:
            subject = "The value" if self.secret else f"The value {text!r}"
            raise ConfigError(f"{subject} of {self.name} is not valid.", str(error)) from None


def _setting(default: str | None, parse: Parser, help: str, **options: Any) -> Any:
    setting = Setting(default, parse, help, **options)
    return field(repr=not setting.secret, metadata={"setting": setting})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values of all settings: paths are absolute, and `engine` is never `auto`."""

    data: Path = _setting(
        "./data",
        Path,
        "The folder for the database, the generated secret and backups. Only its owner can read it "
        "(mode 0700).",
    )
    database_url: str = _setting(
        None,
        parsing.parse_database_url,
        "The database: `sqlite://PATH` or `postgres://user:password@host:port/name`.",
        secret=True,
        documented_default="`sqlite://<data>/hogsend.db`",
    )
    bind: str = _setting(
        "127.0.0.1:3002", parsing.parse_bind, "The address that the server listens on, `HOST:PORT`."
    )
    base_url: str = _setting(
        None,
        parsing.parse_base_url,
        "The address in the links of mails, such as `https://mail.example.com`. A provider that "
        "sends beyond this machine refuses to start with a loopback or plain `http:` address.",
        documented_default="from the bind address",
    )
    allow_local_links: bool = _setting(
        "0",
        parsing.parse_boolean,
        "`1` lets mail leave this machine although its links lead to a loopback or plain `http:` "
        "address.",
    )
    secrets: tuple[str, ...] = _setting(
        None,
        parsing.parse_secrets,
        "Signs links and sessions. In a comma-separated list the first one signs and all of them "
        "verify, so that a secret can be replaced. "
        f"At least {parsing.MIN_SECRET_LENGTH} characters each.",
        secret=True,
        documented_default="generated once into `<data>/secret`",
        name="HOGSEND_SECRET",
    )
    journeys: Path = _setting(
        "./journeys", Path, "The author's folder: journeys, lists and `emails/`."
    )
    engine: str = _setting(
        "auto",
        parsing.build_choice_parser("auto", "embedded", "hatchet"),
        "Decides when and where a turn runs: `embedded` or `hatchet`. `auto` is Hatchet when "
        "`HATCHET_CLIENT_TOKEN` is set, and embedded otherwise.",
    )
    hatchet_events: tuple[str, ...] = _setting(
        None,
        parsing.parse_event_names,
        "The names of the Hatchet events that are ingested as events, separated by commas. `*` "
        "matches any part of a name.",
    )
    public_properties: tuple[str, ...] = _setting(
        None,
        parsing.parse_property_names,
        "The properties of a contact that a web page may read of its own visitor, separated by "
        "commas. `email` allows the address.",
    )
    mail: str = _setting(
        "inbox",
        parse_mail,
        "The mail provider: `inbox` captures mail and sends nothing, "
        "`smtp://user:password@host:port` or `smtps://…` is a mail server, `resend://KEY` is a "
        "provider with an API, and `module:Class` is a provider of your own. Several have spaces "
        "between them, each with a name of its own: `first=smtp://… second=resend://…`.",
        secret=True,
    )
    sender: str = _setting(
        "Hogsend <hogsend@localhost>",
        parsing.parse_sender,
        "The default sender. A provider that really sends needs one of your own addresses.",
        name="HOGSEND_FROM",
    )
    return_path: str | None = _setting(
        None,
        parsing.parse_address,
        "The mailbox that bounces of mails over SMTP go to, such as `bounces@return.example.com`. "
        "Each mail gets an address of its own, `bounces+…@return.example.com`. Without it, bounces "
        "go to the sender.",
    )
    bounces: BounceSource | None = _setting(None, parse_bounces, HELP, secret=True)
    tracking: bool = _setting(
        "1",
        parsing.parse_boolean,
        "Whether opens and clicks are recorded; `off` sends every mail without a pixel and with "
        "its links as they are.",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        None,
        parsing.parse_networks,
        "The addresses and networks, separated by commas, of the reverse proxies whose "
        "`X-Forwarded-For` or `Forwarded` is believed, such as `127.0.0.1, 10.0.0.0/8`.",
    )
    max_connections: int = _setting(
        "10000",
        parsing.parse_count,
        "The connections that the server keeps open; more are refused with 503. A lower limit of "
        "open files of the system counts, too.",
    )
    max_connections_per_address: int = _setting(
        "256",
        parsing.parse_count,
        "The connections of one client address; more are refused with 429. Loopback and private "
        "addresses and those of `HOGSEND_TRUSTED_PROXIES` have no such limit.",
    )
    admin_rate_limit: int = _setting(
        "100",
        parsing.parse_count_or_zero,
        "The requests under `/v1/admin` that a key may make in a minute, and apart from them those "
        "of `GET /v1/emails/ID`; more are refused with 429. `0` is no limit, here and in the next "
        "two settings.",
    )
    email_rate_limit: int = _setting(
        "30",
        parsing.parse_count_or_zero,
        "The emails that a key may ask for with `POST /v1/emails` in a minute.",
    )
    public_rate_limit: int = _setting(
        "600",
        parsing.parse_count_or_zero,
        "The requests with a publishable key that one client address may make in a minute.",
    )
    test_to: str | None = _setting(
        None,
        parsing.parse_address,
        "Every message goes to this address instead of its recipient's, and says so.",
    )
    send_rate: float = _setting(
        "0",
        parsing.build_number_parser(
            0.01, 100_000, "Use a number from 0.01 to 100000, or 0 for no limit."
        ),
        "The most mails to start in a second, for a mail server that limits them. `0` is no limit.",
    )
    api_key: str | None = _setting(
        None,
        parsing.parse_api_key,
        "The key that the command line uses. `serve` registers a key that it does not know as an "
        "ingest key when it starts.",
        secret=True,
    )
    stop_timeout: float = _setting(
        "8",
        parsing.build_number_parser(0, 600, "Use a number of seconds from 0 to 600."),
        "Seconds that a mail whose content is being transmitted may still take when the server "
        "stops. After that the send is in doubt.",
    )
    turn_time_limit: float = _setting(
        "60",
        parsing.parse_time_limit,
        "Seconds that a journey's code may run in one turn before the turn fails.",
    )
    turn_step_limit: int = _setting(
        "10000",
        parsing.parse_count,
        "The `ctx` calls that a journey may make before its turn fails.",
    )
    late_event_limit: timedelta = _setting(
        "24",
        parsing.parse_hours,
        "Hours after it happened in which an event still starts journeys. Journeys with "
        "`accept_late=True` start at any time.",
    )
    keep_journals: int | None = _setting(
        "90",
        parsing.parse_days,
        "Days after an enrollment's end for which its steps can be read; after that a summary can. "
        "`forever` keeps them, here and in the next eight settings.",
    )
    keep_idempotency_keys: int | None = _setting(
        "30",
        parsing.parse_days,
        "Days for which an idempotency key is remembered. After that the same key is a new event.",
    )
    keep_refusals: int | None = _setting(
        "90",
        parsing.parse_days,
        "Days for which a journey's page shows which contacts it did not enroll, and why.",
    )
    keep_mails: int | None = _setting(
        "30",
        parsing.parse_days,
        "Days for which a sent mail can be read, by operators and by its recipient in the browser.",
    )
    keep_blocked: int | None = _setting(
        "7",
        parsing.parse_days,
        "Days for which an email that cannot be made waits for its template; then it fails.",
    )
    keep_imports: int | None = _setting(
        "7",
        parsing.parse_days,
        "Days for which the uploaded file of an import that has not run, and the rows that an "
        "import refused, are kept.",
    )
    max_import_size: int = _setting(
        "2048", parsing.parse_count, "The largest file that can be imported, in MiB."
    )
    keep_inbox: int | None = _setting(
        "90", parsing.parse_days, "Days for which the local inbox keeps a mail."
    )
    keep_audit: int | None = _setting(
        "365", parsing.parse_days, "Days for which the audit log keeps an entry."
    )
    keep_events: int | None = _setting(
        parsing.FOREVER,
        parsing.parse_days,
        "Days for which events are kept. Journeys do not find older ones in their history.",
    )
    keep_emails: int | None = _setting(
        parsing.FOREVER,
        parsing.parse_days,
        "Days for which the ledger keeps an email, with its opens and clicks. Journeys do not find "
        "older ones in their history.",
    )
    log_format: str = _setting(
        "auto",
        parsing.build_choice_parser("auto", "console", "json"),
        "`console` is for people, `json` is one object a line. `auto` is console on a terminal and "
        "json elsewhere.",
    )
    log_level: str = _setting(
        "info",
        parsing.build_choice_parser("debug", "info", "warning", "error"),
        "The lowest level that is logged: `debug`, `info`, `warning` or `error`.",
    )
    # The source of each value, by the name of the setting.
    origins: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def host(self) -> str:
        """The host of `bind`, without brackets."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `bind`; for 0 the system chooses a port."""
        return int(self.bind.rpartition(":")[2])


def _complete(setting: Setting, field_name: str) -> Setting:
    return replace(setting, field=field_name, name=setting.name or PREFIX + field_name.upper())


SETTINGS: tuple[Setting, ...] = tuple(
    _complete(setting_field.metadata["setting"], setting_field.name)
    for setting_field in fields(Settings)
    if setting_field.metadata
)
_NAMES = {setting.name for setting in SETTINGS}
_SEQUENCES = ("secrets", "hatchet_events", "public_properties", "trusted_proxies")


def load_settings(
    environ: Mapping[str, str], folder: Path, options: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings. The command line overrides the environment, which overrides `.env`.

    Writes nothing: `config.secret.prepare_data` creates the data folder and the secret.

    Args:
        environ: the environment; an empty value counts as unset.
        folder: the folder with the `.env` file, to which relative paths are relative.
        options: the values of the command line, by the setting's name.

    Raises:
        ConfigError: a name is unknown, or a value is not valid.
    """
    sources = (
        (ENV_FILE, read_env_file(folder / ENV_FILE)),
        ("environment", environ),
        ("command line", options or {}),
    )
    texts: dict[str, str] = {}
    origins = {setting.name: "default" for setting in SETTINGS}
    for origin, source in sources:
        for name, text in source.items():
            if name.startswith(PREFIX) and name not in _NAMES:
                raise _build_unknown_error(name, origin)
            if text.strip() and (name in _NAMES or name == TOKEN):
                texts[name], origins[name] = text.strip(), origin
    has_token = origins.pop(TOKEN, None) is not None
    values = {setting.field: setting.parse_value(texts.get(setting.name)) for setting in SETTINGS}
    return Settings(
        **_resolve_dependent_values(values, folder.absolute(), has_token), origins=origins
    )


def _resolve_dependent_values(
    values: dict[str, Any], folder: Path, has_token: bool
) -> dict[str, Any]:
    """Return the values, completed by those that follow from other settings."""
    data, engine = folder / values["data"], values["engine"]
    if engine == "hatchet" and not has_token:
        raise ConfigError(
            f"HOGSEND_ENGINE is hatchet, but {TOKEN} is not set.",
            "Run `hogsend bootstrap`, or create a token in Hatchet's dashboard and set it.",
        )
    if engine == "auto":
        engine = "hatchet" if has_token else "embedded"
    url: str = values["database_url"] or f"sqlite://{data / 'hogsend.db'}"
    if url.startswith("sqlite://"):
        url = f"sqlite://{folder / url.removeprefix('sqlite://')}"
    host, _, port = values["bind"].rpartition(":")
    derived = {name: values[name] or () for name in _SEQUENCES} | {
        "data": data,
        "journeys": folder / values["journeys"],
        "engine": engine,
        "database_url": url,
        "base_url": values["base_url"] or build_local_address(host.strip("[]"), int(port)),
    }
    return values | derived


def _build_unknown_error(name: str, origin: str) -> ConfigError:
    names = [known.removeprefix(PREFIX) for known in _NAMES]
    close = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), names, n=1)
    place = "the environment" if origin == "environment" else f"the {origin} file"
    return ConfigError(
        f"{name} in {place} is not a setting.",
        f"Did you mean {PREFIX}{close[0]}?" if close else "Run `hogsend settings` to list them.",
    )


def build_local_address(host: str, port: int) -> str:
    """Return the URL by which this machine reaches a server that listens on a host and port."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not listened on
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
