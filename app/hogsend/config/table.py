"""The table of settings: name, default, meaning; `docs/settings.md` has it word for word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import values as values

PREFIX = "HOGSEND_"


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table of settings.

    Args:
        name: the name in the environment.
        default: the text that counts when none is given; None when there is nothing, or when
            it follows from other settings.
        parse: makes the value out of the text; raises ValueError with a sentence that says
            what is allowed.
        help: what it means, in one sentence or two.
        secret: whether the value, or the credentials in it, must not be shown.
        default_shown: how documents (Markdown) write the default, when it is not `default` itself.
    """

    name: str
    default: str | None
    parse: Callable[[str], Any]
    help: str
    secret: bool = False
    default_shown: str = ""

    @property
    def field(self) -> str:
        """The name of the value in `Settings`."""
        name = self.name.removeprefix(PREFIX).lower()
        return {"from": "sender", "secret": "secrets"}.get(name, name)

    @property
    def shown_default(self) -> str:
        """The default as documents write it."""
        return self.default_shown or (f"`{self.default}`" if self.default else "none")


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "HOGSEND_DATA",
        "./data",
        Path,
        "The folder for the database, the generated secret and backups; only its owner may look "
        "into it (mode 0700).",
    ),
    Setting(
        "HOGSEND_DATABASE_URL",
        None,
        values.database_url,
        "Where the data is: `sqlite://PATH` or `postgres://user:password@host:port/name`.",
        secret=True,
        default_shown="`sqlite://<data>/hogsend.db`",
    ),
    Setting(
        "HOGSEND_BIND", "127.0.0.1:3002", values.bind, "Where the server listens, `HOST:PORT`."
    ),
    Setting(
        "HOGSEND_BASE_URL",
        None,
        values.base_url,
        "The address in links that leave the building, such as `https://mail.example.com`. A "
        "provider that sends beyond this machine refuses to start with a loopback or plain "
        "`http:` one.",
        default_shown="from the bind address",
    ),
    Setting(
        "HOGSEND_ALLOW_LOCAL_LINKS",
        "0",
        values.yes_or_no,
        "`1` lets mail leave this machine although its links lead to a loopback or plain `http:` "
        "address.",
    ),
    Setting(
        "HOGSEND_SECRET",
        None,
        values.secrets,
        "Signs links and sessions. A comma-separated list rotates: the first signs, all verify. "
        f"At least {values.SHORTEST_SECRET} characters each.",
        secret=True,
        default_shown="generated once into `<data>/secret`",
    ),
    Setting(
        "HOGSEND_JOURNEYS",
        "./journeys",
        Path,
        "The author's folder: journeys, lists and `emails/`.",
    ),
    Setting(
        "HOGSEND_ENGINE",
        "auto",
        values.one_of("auto", "embedded", "hatchet"),
        "What decides when and where a turn runs: `embedded` or `hatchet`. `auto` is Hatchet when "
        "`HATCHET_CLIENT_TOKEN` is set, else embedded.",
    ),
    Setting(
        "HOGSEND_HATCHET_EVENTS",
        None,
        values.event_names,
        "The names of Hatchet's events that are taken in as events, with commas in between; `*` "
        "stands for any part of a name.",
    ),
    Setting(
        "HOGSEND_MAIL",
        "inbox",
        values.mail,
        "Where mail goes: `inbox` captures it and nothing leaves, `smtp://user:password@host:port` "
        "or `smtps://…` hands it to a mail server, `module:Class` to a provider of your own.",
        secret=True,
    ),
    Setting(
        "HOGSEND_FROM",
        "Hogsend <hogsend@localhost>",
        values.sender,
        "The default sender; a provider that really sends needs one of yours.",
    ),
    Setting(
        "HOGSEND_TEST_TO",
        None,
        values.address,
        "Every message goes to this address instead, marked.",
    ),
    Setting(
        "HOGSEND_SEND_RATE",
        "0",
        values.rate,
        "How many mails are begun in a second at most, such as a mail server allows; `0` is as "
        "many as it takes.",
    ),
    Setting(
        "HOGSEND_API_KEY",
        None,
        values.api_key,
        "The key that the command line uses. When `serve` starts and does not know it, it is "
        "registered as an ingest key.",
        secret=True,
    ),
    Setting(
        "HOGSEND_STOP_TIMEOUT",
        "8",
        values.seconds,
        "How long a mail whose text is being handed over may still take when the server stops, "
        "in seconds; after that it is in doubt.",
    ),
    Setting(
        "HOGSEND_TURN_TIME_LIMIT",
        "60",
        values.time_limit,
        "How long a journey's own code may run in one turn before the turn fails, in seconds.",
    ),
    Setting(
        "HOGSEND_TURN_STEP_LIMIT",
        "10000",
        values.count,
        "How many `ctx` calls a journey may make before its turn fails.",
    ),
    Setting(
        "HOGSEND_LATE_EVENT_LIMIT",
        "24",
        values.hours,
        "How many hours after it happened an event may arrive and still start journeys; those "
        "that say `accept_late=True` it always starts.",
    ),
    Setting(
        "HOGSEND_KEEP_JOURNALS",
        "90",
        values.days,
        "How many days after its end each step of an enrollment is still there to read; after "
        "that a summary is. Here and in the next four, `forever` keeps all.",
    ),
    Setting(
        "HOGSEND_KEEP_IDEMPOTENCY_KEYS",
        "30",
        values.days,
        "How many days an idempotency key is known; after that the same key is a new event.",
    ),
    Setting(
        "HOGSEND_KEEP_REFUSALS",
        "90",
        values.days,
        "How many days a journey's page can say whom it did not enroll, and why.",
    ),
    Setting(
        "HOGSEND_KEEP_MAILS",
        "30",
        values.days,
        "How many days a mail can be read again as it was sent, by operators and by its recipient "
        "in the browser.",
    ),
    Setting(
        "HOGSEND_KEEP_INBOX",
        "90",
        values.days,
        "How many days the local inbox keeps a mail.",
    ),
    Setting(
        "HOGSEND_LOG_FORMAT",
        "auto",
        values.one_of("auto", "console", "json"),
        "`console` for people, `json` one object a line; `auto` is console on a terminal and json "
        "elsewhere.",
    ),
    Setting(
        "HOGSEND_LOG_LEVEL",
        "info",
        values.one_of("debug", "info", "warning", "error"),
        "The least important thing that is logged.",
    ),
)
