"""Any text becomes one line that a header can carry."""

from __future__ import annotations

import time

import pytest

from hogsend.domain.header_text import to_header_line

BREAKS = [*"\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029", "\r\n"]


@pytest.mark.parametrize("white_space", [*BREAKS, " \t ", "\r\n\t \n", "\r\x00\n"])
def test_white_space_in_a_header_value_becomes_one_space(white_space: str) -> None:
    assert to_header_line(f"Ada{white_space}B") == "Ada B"
    assert to_header_line(f"{white_space}Ada{white_space}") == "Ada"


@pytest.mark.parametrize(
    "text", ["Ada", "two  spaces", "10\u00a0€", "a\u200cb", "👨\u200d👩", "a=?b?="]
)
def test_text_on_one_line_stays_as_it_is(text: str) -> None:
    assert to_header_line(text) == text


def test_control_characters_that_nobody_sees_are_left_out() -> None:
    assert to_header_line("A\x00d\x07a\x7f\x9b") == "Ada"


@pytest.mark.parametrize("part", [" ", "\t", "\x00", "a ", " \t", "\u2028 "])
def test_long_texts_take_no_longer_than_their_length(part: str) -> None:
    began = time.perf_counter()
    to_header_line(part * (100_000 // len(part)) + "\x01")

    assert time.perf_counter() - began < 1
