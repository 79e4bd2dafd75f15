"""What `hogsend.compat.dotenv` relies on in python-dotenv."""

from __future__ import annotations

from io import StringIO

import pytest
from dotenv.parser import parse_stream

from hogsend.compat.dotenv import MalformedLine, parse_env_file


def test_the_parser_gives_a_binding_for_each_line():
    binding, broken = parse_stream(StringIO("A=1\n'''\n"))
    assert (binding.key, binding.value, binding.error) == ("A", "1", False)
    assert binding.original.string == "A=1\n"
    assert broken.error


def test_a_dollar_sign_is_literal():
    assert parse_env_file("A=x\nB='$A ${A}'  # comment\n") == {"A": "x", "B": "$A ${A}"}


@pytest.mark.parametrize("line", ["no value", "'''", "A='unfinished"])
def test_a_malformed_line_is_named(line: str):
    with pytest.raises(MalformedLine) as error:
        parse_env_file(f"B=1\n{line}\n")
    assert line.startswith(str(error.value))


def test_a_message_about_a_malformed_line_does_not_show_its_value():
    with pytest.raises(MalformedLine, match=r"^PASSWORD$"):
        parse_env_file("PASSWORD='secret")
