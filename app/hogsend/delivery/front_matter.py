"""Parses the front matter of a template, the fields between its two `---` lines, and its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..domain.address import parse_mailbox

_FIELDS = ("subject", "preheader", "list", "from", "reply_to", "sample")
_DELIMITER = "---"
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FIELD = re.compile(r"([A-Za-z_]+):\s*(.*)")


class InvalidTemplate(Exception):
    """A template file is invalid.

    Args:
        line: the line of the problem, from 1; 0 when the problem has no line, such as a
            file that cannot be read.
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
        body_first_line: the number of the body's first line, from 1.
        fields: the values of the front matter's fields, by name.
        field_lines: the number of each field's line, by name.
    """

    body: str
    body_first_line: int
    fields: dict[str, str]
    field_lines: dict[str, int]


def split_front_matter(text: str) -> TemplateSource:
    """Split the text of a mail's template into front matter and body.

    Lines of the front matter that begin with `#` are comments, which are skipped. An indented line
    continues the field `sample`; no other field can have more than one line.

    Raises:
        InvalidTemplate: the front matter is missing, does not end, has no subject, has an unknown
            field or the same field twice, or has a line that is not `name: value`.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].strip() != _DELIMITER:
        raise InvalidTemplate(
            1, "The front matter is missing.", "Begin the file with a line of ---."
        )
    fields: dict[str, str] = {}
    field_lines: dict[str, int] = {}
    current_field = ""
    for line_number, line in enumerate(lines[1:], 2):
        if line.strip() == _DELIMITER:
            if not fields.get("subject"):
                raise InvalidTemplate(
                    1, "The front matter has no subject.", "Add a line subject: …."
                )
            _check_mailboxes(fields, field_lines)
            body = "\n".join(lines[line_number:])
            return TemplateSource(body, line_number + 1, fields, field_lines)
        if line[:1].isspace() and line.strip() and current_field == "sample":
            fields[current_field] += "\n" + line
            continue
        if not line.strip() or line.startswith("#"):
            continue
        current_field, value = _parse_field(line, line_number)
        if current_field in fields:
            raise InvalidTemplate(
                line_number, f"{current_field!r} is given twice in the front matter."
            )
        fields[current_field], field_lines[current_field] = value, line_number
    raise InvalidTemplate(1, "The front matter does not end.", "Close it with a line of ---.")


def _check_mailboxes(fields: Mapping[str, str], field_lines: Mapping[str, int]) -> None:
    """Raise if the sender or the reply address cannot get mail, whatever the values are."""
    for name in ("from", "reply_to"):
        line = fields.get(name)
        if not line or "{" in line:
            continue
        try:
            parse_mailbox(line)
        except ValueError as error:
            raise InvalidTemplate(field_lines[name], f"The field {name!r} {error}.") from None


def _parse_field(line: str, line_number: int) -> tuple[str, str]:
    match = _FIELD.fullmatch(line.rstrip())
    if match is None:
        raise InvalidTemplate(line_number, "A line of the front matter is not `name: value`.")
    name, value = match[1], match[2]
    if name not in _FIELDS:
        raise InvalidTemplate(
            line_number,
            f"The front matter has no field {name!r}.",
            "Its fields are: " + ", ".join(_FIELDS) + ".",
        )
    # Authors who know YAML put a value in quotes, so quotes around a whole value are removed.
    is_quoted = name != "sample" and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return name, value[1:-1] if is_quoted else value


def parse_sample_props(source: TemplateSource) -> Mapping[str, Any]:
    """Return the sample props, with which previews are rendered, from the field `sample`.

    Raises:
        InvalidTemplate: the field `sample` is not a JSON object.
    """
    text = source.fields.get("sample")
    if not text:
        return {}
    line = source.field_lines["sample"]
    try:
        props = json.loads(text)
    except ValueError as error:
        raise InvalidTemplate(line, f"The sample is not JSON: {error}.") from None
    if not isinstance(props, dict):
        raise InvalidTemplate(line, 'The sample is not a JSON object such as {"plan": "Pro"}.')
    return cast("dict[str, Any]", props)


def is_mail(path: Path) -> bool:
    """Return whether a file is a mail of its own, and not a layout, a part or a plain text."""
    return path.suffix == ".html" and not path.name.startswith("_")


def check_file_name(path: Path, folder: Path) -> None:
    """Raise if a file of the templates' folder has a name that no template or part can have.

    Raises:
        InvalidTemplate: the name, with what to do.
    """
    if path.suffix == ".mjml":
        raise InvalidTemplate(
            0, "MJML templates are not read by this version.", "Write the template as .html."
        )
    if path.suffix not in (".html", ".txt"):
        raise InvalidTemplate(0, f"A template cannot end in {path.suffix!r}.", "Name it .html.")
    if not path.name.startswith("_") and not _KEY.fullmatch(path.stem):
        raise InvalidTemplate(
            0,
            f"{path.stem!r} cannot be a template's key.",
            "Use lower-case letters, digits, dots, hyphens and underscores.",
        )
    if path.suffix == ".txt" and not (folder / f"{path.stem}.html").is_file():
        raise InvalidTemplate(
            0, f"There is no {path.stem}.html in emails/.", "A mail needs its HTML as well."
        )
