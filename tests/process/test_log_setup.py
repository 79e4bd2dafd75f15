"""The log is short for people, JSON for machines, and holds nobody's address."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hogsend.config.settings import load_settings
from hogsend.process import log_setup


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Put the process's logging back as it was."""
    root, own = logging.getLogger(), logging.getLogger("hogsend")
    before = (list(root.handlers), root.level, own.level)
    yield
    root.handlers[:], root.level, own.level = before
    root.setLevel(before[1])
    own.setLevel(before[2])


def configured(stream: io.StringIO, **environ: str) -> logging.Logger:
    settings = load_settings({f"HOGSEND_LOG_{n.upper()}": v for n, v in environ.items()}, Path())
    log_setup.configure(settings, stream)
    return logging.getLogger("hogsend.delivery")


def test_elsewhere_than_on_a_terminal_each_line_is_json() -> None:
    stream = io.StringIO()

    configured(stream).warning("The mail server is away", extra={"tries": 3})

    line = json.loads(stream.getvalue())
    assert line["level"] == "warning"
    assert line["logger"] == "hogsend.delivery"
    assert line["message"] == "The mail server is away"
    assert line["tries"] == 3
    assert line["at"].endswith("+00:00")


def test_on_a_terminal_lines_are_short_and_coloured() -> None:
    stream = Terminal()

    configured(stream).warning("The mail server is away")

    assert "\x1b[33mwarning\x1b[0m delivery: The mail server is away" in stream.getvalue()


def test_console_lines_elsewhere_have_no_colour() -> None:
    stream = io.StringIO()

    configured(stream, format="console").info("Ready", extra={"journeys": 5})

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().endswith("info    delivery: Ready journeys=5\n")


def test_less_important_lines_are_left_out_and_libraries_are_quiet() -> None:
    stream = io.StringIO()
    own = configured(stream, level="debug")

    own.debug("ours")
    logging.getLogger("aiosqlite").debug("theirs")
    logging.getLogger("aiosqlite").info("theirs")

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["ours"]


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("550 5.1.1 <ada.l@example.com>: unknown", "550 5.1.1 <…>: unknown"),
        ("to=Ada@localhost, retry", "to=…, retry"),
        ("smtp://user:pa$$@mail.example.com:25 is away", "smtp://…@mail.example.com:25 is away"),
        ("key hsk_" + "k" * 43 + " is new", "key … is new"),
        ("GET /sign-in/" + "t" * 43 + " 200", "GET /sign-in/… 200"),
        ("GET /u/" + "t" * 60, "GET /u/…"),
        ("GET /journeys/activation-welcome 200", "GET /journeys/activation-welcome 200"),
        ("at 12:30 in 5s", "at 12:30 in 5s"),
    ],
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_address_key_or_token_gets_into_the_log(form: str, text: str, logged: str) -> None:
    stream = io.StringIO()

    configured(stream, format=form).error("%s", text)

    assert logged in stream.getvalue()
    assert text == logged or text not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_is_logged_without_addresses(form: str) -> None:
    stream = io.StringIO()
    log = configured(stream, format=form)

    try:
        raise ValueError("cannot mail ada@example.com")
    except ValueError:
        log.exception("A turn failed", extra={"who": "ada@example.com"})

    assert "ValueError: cannot mail …" in stream.getvalue()
    assert "ada@" not in stream.getvalue()


def test_setting_up_twice_logs_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configured(first)

    configured(second).error("once")

    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1
