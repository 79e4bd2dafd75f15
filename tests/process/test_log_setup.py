"""The log is short for people, JSON for machines, and holds nobody's address."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hogsend.config.settings import load_settings
from hogsend.process import log_setup, redaction


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
        ("next=%2Fsign-in%2F" + "t" * 43, "next=%2Fsign-in%2F…"),
        ("GET /v1/email/unsubscribe?token=a.b&x=1", "GET /v1/email/unsubscribe?token=…&x=1"),
        ("?to=ada%40example.com&token=abc", "?to=…&token=…"),
        ("?to=ada%2540example.com", "?to=…"),
        ('{"access_token": "abc", "x": 1}', '{"access_token": …", "x": 1}'),
        ("password=hunter2 given", "password=… given"),
        ('Cookie: hogsend_session=abc; b="c"; d\nHost: x', "Cookie: …\nHost: x"),
        ("{'Cookie': 'hogsend_session=abc', 'Host': 'y'}", "{'Cookie': …', 'Host': 'y'}"),
        ("[(b'cookie', b'a=b; c=d'), (b'host', b'x')]", "[(b'cookie', b…'), (b'host', b'x')]"),
        ("hogsend_session=abc", "hogsend_session=…"),
        ("Authorization: Basic YTpi", "Authorization: …"),
        ("sent Bearer abcdefgh1234", "sent Bearer …"),
        ("a token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abc", "a token …"),
        ("smtp://user:p@ss/word@mail.example.com is away", "smtp://…@… is away"),
        ("the cookie, which a browser keeps", "the cookie, which a browser keeps"),
        ("HATCHET_CLIENT_TOKEN is not set", "HATCHET_CLIENT_TOKEN is not set"),
        ("GET /journeys/activation-welcome 200", "GET /journeys/activation-welcome 200"),
        ("at 12:30 in 5s", "at 12:30 in 5s"),
    ],
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_address_key_or_token_gets_into_the_log(form: str, text: str, logged: str) -> None:
    stream = io.StringIO()

    configured(stream, format=form).error("%s", text)

    line = stream.getvalue()
    message = json.loads(line)["message"] if form == "json" else line.partition("delivery: ")[2]
    assert message.rstrip("\n") == logged


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


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_long_text_is_cut_before_it_is_masked(form: str) -> None:
    stream = io.StringIO()
    log = configured(stream, format=form)

    log.error("GET /static/%s", "a" * 10_000_000, extra={"to": "ada@example.com " * 100_000})

    line = stream.getvalue()
    assert "GET …" in line and "characters left out" in line
    assert len(line) < 100_000 and "ada@" not in line


def test_no_half_of_a_secret_is_left_where_a_text_is_cut() -> None:
    for length in range(redaction.MAX_LENGTH // 2 - 80, redaction.MAX_LENGTH // 2 + 80):
        text = "x " * (length // 2) + "smtp://user:pass@mail.example.com to ada@example.com " * 2000
        masked = redaction.mask_secrets(text)
        assert "pass" not in masked and "ada" not in masked and "user" not in masked


def test_the_end_of_a_long_traceback_is_logged() -> None:
    text = "Traceback\n" + '  File "a.py"\n' * 10_000 + "ValueError: cannot mail ada@example.com"

    masked = redaction.mask_secrets(text)

    assert masked.startswith("Traceback") and masked.endswith("ValueError: cannot mail …")
    assert len(masked) < 2 * redaction.MAX_LENGTH
