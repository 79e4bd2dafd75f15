"""Forms: the types of the fields of JSON bodies and query strings, and errors that name fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from ..errors import InvalidInput
from .address import normalize_email
from .incoming import MAX_NAME_LENGTH, check_text

# Years that every calendar shows, in every time zone.
_YEARS = range(1970, 9999)


def _check_instant(text: str) -> str:
    try:
        # Python's parser ignores a NUL character between the time and the zone.
        instant = datetime.fromisoformat(_check_plain(text))
    except ValueError:
        raise ValueError("must be an ISO 8601 instant such as 2026-01-02T03:04:05Z") from None
    if instant.tzinfo is None:
        raise ValueError("must have a time zone, such as the Z in 2026-01-02T03:04:05Z")
    if instant.year not in _YEARS:
        raise ValueError(f"must be of a year from {_YEARS[0]} to {_YEARS[-1]}")
    return text


def _check_plain(text: str) -> str:
    problem = check_text(text)
    if problem:
        raise ValueError(problem)
    return text


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_check_plain)
]
UserId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH, strip_whitespace=True),
    AfterValidator(_check_plain),
]
Email = Annotated[str, AfterValidator(_check_plain), AfterValidator(normalize_email)]
Instant = Annotated[str, AfterValidator(_check_instant)]
Properties = dict[str, Any]


class Body(BaseModel):
    """A JSON body: camelCase, unknown fields ignored, no silent conversion of types."""

    model_config = ConfigDict(
        strict=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


# Instead of pydantic's, which name classes and parsers.
_PLAIN_MESSAGES: Mapping[str, str] = {
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "string_unicode": "contains half of a surrogate pair, which is not valid text",
}


def describe_invalid(error: ValidationError, place: str = "request body") -> InvalidInput:
    """Return an error that names the first invalid fields in its message, and all in `details`.

    Args:
        error: what pydantic found.
        place: what does not fit.
    """
    details: list[dict[str, object]] = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        if problem["type"] == "json_invalid":
            return InvalidInput("Malformed JSON in request body", _extract_reason(problem["msg"]))
        message = _PLAIN_MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        details.append({"path": list(problem["loc"]), "message": message, "code": problem["type"]})
    described = "; ".join(
        f"{'.'.join(map(str, _get_path(detail)))}: {detail['message']}" for detail in details[:3]
    )
    return InvalidInput(f"The {place} does not fit. {described}.", details=details)


def _get_path(detail: Mapping[str, object]) -> list[object]:
    path = detail["path"]
    return path if isinstance(path, list) and path else ["body"]  # pyright: ignore[reportUnknownVariableType]


def _extract_reason(message: str) -> str:
    _, _, reason = message.partition(": ")
    return f"({reason})" if reason else ""
