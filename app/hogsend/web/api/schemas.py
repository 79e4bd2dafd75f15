"""What all bodies, queries and answers of the API have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from ...errors import NotFound

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 50


def format_instant(instant: datetime) -> str:
    """Return an instant as the API writes it: UTC, with milliseconds and `Z`."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


# An instant in an answer.
InstantView = Annotated[datetime, PlainSerializer(format_instant, return_type=str)]


class QueryForm(BaseModel):
    """The parameters of a query string: camelCase, unknown ones ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class NoQuery(QueryForm):
    """A route without parameters."""


class PageQuery(QueryForm):
    """The parameters of a list.

    Args:
        limit: how many items at most.
        offset: how many items to leave out; use `cursor` for pages far from the start.
        cursor: the `nextCursor` of the page before; empty for the first page.
    """

    limit: int = Field(
        DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="How many items at most."
    )
    offset: int = Field(0, ge=0, le=100_000, description="How many items to leave out.")
    cursor: str = Field(
        "", max_length=500, description="The `nextCursor` of the page before; wins over `offset`."
    )


class View(BaseModel):
    """A part of an answer: camelCase; a field that is not set is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class ErrorDetail(BaseModel):
    """A field that is not valid."""

    path: list[str | int]
    message: str
    code: str = ""


class ApiError(BaseModel):
    """An error: a sentence for people, a code for programs."""

    error: str = Field(description="What happened, and what to do about it.")
    code: str = Field(description="A word for programs.")
    details: list[ErrorDetail] = Field(default_factory=list[ErrorDetail])


def parse_path_id(text: str, noun: str) -> UUID:
    """Return the id in a path.

    Args:
        text: the part of the path.
        noun: what it identifies, for the error.

    Raises:
        NotFound: the text is not an id, and so there is nothing with this id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"{noun} not found") from None


def to_json_bytes(view: BaseModel) -> bytes:
    """Encode an answer; fields that were not set are left out."""
    content: str = view.model_dump_json(by_alias=True, exclude_unset=True)
    return content.encode("utf-8", "replace")


def to_json_value(view: BaseModel) -> Any:
    """Return an answer as plain JSON values, such as for an example."""
    return view.model_dump(mode="json", by_alias=True, exclude_unset=True)
