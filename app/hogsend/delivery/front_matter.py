"""Parses the front matter of a template, the fields between its two `---` lines."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from ..domain.address import parse_mailbox
from ..domain.languages import normalize_language
from ..domain.send_policy import OnDoubt

# The fields whose values may have variables.
LINES: Final = ("subject", "preheader", "from", "reply_to", "attachments")
# The fields that hold for a mail in every language.
_OF_THE_MAIL = ("list", "on_doubt", "track", "language")
_FIELDS = (*LINES, *_OF_THE_MAIL, "sample")
# An indented line continues these.
_LONG_FIELDS = ("sample", "attachments")
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DELIMITER = "---"
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


def split_front_matter(text: str, *, is_translation: bool = False) -> TemplateSource:
    """Split the text of a mail's template into front matter and body.

    Lines of the front matter that begin with `#` are comments, which are skipped. An indented line
    continues `sample` or `attachments`; no other field can have more than one line.

    Args:
        text: the file's text.
        is_translation: whether what is missing comes from the template in the base language.

    Raises:
        InvalidTemplate: the front matter is missing, does not end, has no subject, has an unknown
            field, the same field twice or an invalid value, or has a line that is not
            `name: value`.
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
            _check_fields(fields, field_lines, is_translation=is_translation)
            body = "\n".join(lines[line_number:])
            return TemplateSource(body, line_number + 1, fields, field_lines)
        if line[:1].isspace() and line.strip() and current_field in _LONG_FIELDS:
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


def _check_fields(
    fields: Mapping[str, str], field_lines: Mapping[str, int], *, is_translation: bool
) -> None:
    """Raise if a field that is needed is missing, or a value cannot be used."""
    if not fields.get("subject") and not (is_translation and "subject" not in fields):
        raise InvalidTemplate(1, "The front matter has no subject.", "Add a line subject: ….")
    for name in _OF_THE_MAIL if is_translation else ():
        if name in fields:
            raise InvalidTemplate(
                field_lines[name],
                f"A translation has no {name!r} of its own.",
                "Write it in the file without a language, which it holds for as well.",
            )
    _check_mailboxes(fields, field_lines)
    choices = {"on_doubt": get_args(OnDoubt), "track": tuple(_SWITCH)}
    for name, allowed in choices.items():
        value = fields.get(name)
        if value is not None and value not in allowed:
            raise InvalidTemplate(
                field_lines[name],
                f"{name} cannot be {value!r}.",
                f"Write one of: {', '.join(allowed)}.",
            )
    language = fields.get("language")
    if language is not None and normalize_language(language) is None:
        raise InvalidTemplate(
            field_lines["language"],
            f"{language!r} is not a language.",
            "Write a tag of BCP 47, such as en, de or pt-BR.",
        )


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
            _suggest_field(name),
        )
    # Authors who know YAML put a value in quotes, so quotes around a whole value are removed.
    is_quoted = name != "sample" and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return name, value[1:-1] if is_quoted else value


def _suggest_field(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), _FIELDS, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return "Its fields are: " + ", ".join(_FIELDS) + "."


def parse_switch(source: TemplateSource, name: str, *, default: bool) -> bool:
    """Return a field that is `true` or `false`."""
    return _SWITCH[source.fields[name]] if name in source.fields else default


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
