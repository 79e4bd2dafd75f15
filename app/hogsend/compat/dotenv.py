"""python-dotenv: the parser of `.env` files, including the malformed lines.

The public `dotenv_values` skips a malformed line with a log message. Only the bindings of the
private `dotenv.parser` contain the line.
"""

from __future__ import annotations

from io import StringIO

REQUIREMENT = "python-dotenv>=1.1,<2"


class MalformedLine(ValueError):
    """A line is not `NAME=value`; the message is the start of the line, without its value."""


def parse_env_file(text: str) -> dict[str, str]:
    """Return the names and values of the text of a `.env` file. A `$` in a value is literal.

    Raises:
        MalformedLine: a line is not `NAME=value`.
    """
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise MalformedLine(binding.original.string.strip().partition("=")[0][:40])
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values
