"""Parses the front matter of a template: the fields between its two `---` lines (templates.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

_FIELDS = ("subject", "preheader", "list", "from", "reply_to", "sample")
_DELIMITER = "---"
_FIELD = re.compile(r"([A-Za-z_]+):\s*(.*)")


class InvalidTemplate(Exception):
    """A template file is invalid.

    Args:
        line: the line of the problem, from 1; 0 for the whole file.
        problem: a sentence that says what is wrong.
        remedy: a sentence that says what to do; may be empty.
    """

    def __init__(self, line: int, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.line, self.problem, self.remedy = line, problem, remedy


@dataclass(slots=True)
class TemplateSource:
    """The text of a file, split into front matter and body.

    Args:
        body: the text after the front matter.
        first_line: the number of the body's first line.
        front: the fields of the front matter.
        front_lines: the line of each field.
    """

    body: str
    first_line: int
    front: dict[str, str]
    front_lines: dict[str, int]


def split_front_matter(text: str) -> TemplateSource:
    """Split the text of a mail's template into front matter and body.

    Raises:
        InvalidTemplate: the front matter is missing, does not end, or has an unknown field.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].strip() != _DELIMITER:
        raise InvalidTemplate(
            1, "The front matter is missing.", "Begin the file with a line of ---."
        )
    front: dict[str, str] = {}
    field_lines: dict[str, int] = {}
    name = ""
    for number, line in enumerate(lines[1:], 2):
        if line.strip() == _DELIMITER:
            if not front.get("subject"):
                raise InvalidTemplate(
                    1, "The front matter has no subject.", "Add a line subject: …."
                )
            return TemplateSource("\n".join(lines[number:]), number + 1, front, field_lines)
        if line[:1].isspace() and line.strip() and name == "sample":
            front[name] += "\n" + line
            continue
        if not line.strip() or line.startswith("#"):
            continue
        name, value = _parse_field(line, number)
        if name in front:
            raise InvalidTemplate(number, f"{name!r} is given twice in the front matter.")
        front[name], field_lines[name] = value, number
    raise InvalidTemplate(1, "The front matter does not end.", "Close it with a line of ---.")


def _parse_field(line: str, number: int) -> tuple[str, str]:
    match = _FIELD.fullmatch(line.rstrip())
    if match is None:
        raise InvalidTemplate(number, "A line of the front matter is not `name: value`.")
    name, value = match[1], match[2]
    if name not in _FIELDS:
        raise InvalidTemplate(
            number,
            f"The front matter has no field {name!r}.",
            "Its fields are: " + ", ".join(_FIELDS) + ".",
        )
    # Authors who know YAML put a value in quotes, so quotes around a whole value are removed.
    quoted = name != "sample" and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return name, value[1:-1] if quoted else value


def parse_sample(source: TemplateSource) -> Mapping[str, Any]:
    """Return the props of a preview, from the field `sample`.

    Raises:
        InvalidTemplate: the field `sample` is not a JSON object.
    """
    text = source.front.get("sample")
    if not text:
        return {}
    line = source.front_lines["sample"]
    try:
        sample = json.loads(text)
    except ValueError as error:
        raise InvalidTemplate(line, f"The sample is not JSON: {error}.") from None
    if not isinstance(sample, dict):
        raise InvalidTemplate(line, 'The sample is not a JSON object such as {"plan": "Pro"}.')
    return cast("dict[str, Any]", sample)
