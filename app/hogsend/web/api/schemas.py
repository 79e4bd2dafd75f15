"""What all bodies, queries and answers of the API have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from ...errors import InvalidInput, NotFound

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
    offset: int = Field(0, ge=0, le=10_000, description="How many items to leave out.")
    cursor: str = Field(
        "", max_length=500, description="The `nextCursor` of the page before; wins over `offset`."
    )

    @property
    def skipped(self) -> int:
        """How many items to leave out: none after a cursor."""
        return 0 if self.cursor else self.offset


class View(BaseModel):
    """A part of an answer: camelCase; a field that is not set is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class PageView(View):
    """What every page of a list has beside its items."""

    total: int | None = Field(None, description="How many there are, where counting is cheap.")
    limit: int
    offset: int
    next_cursor: str | None = Field(None, description="Where the next page starts.")


ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class PageSlice(Generic[ItemT]):
    """The items of one page, and the fields that the page has beside them."""

    items: Sequence[ItemT]
    fields: Mapping[str, Any]


def slice_page(query: PageQuery, items: Sequence[ItemT]) -> PageSlice[ItemT]:
    """Return the page that a query asks for, of a list that is short enough to be read whole."""
    page = items[query.offset : query.offset + query.limit]
    return PageSlice(page, {"total": len(items), "limit": query.limit, "offset": query.offset})


def cut_page(
    query: PageQuery, items: Sequence[ItemT], name_position: Callable[[ItemT], object]
) -> PageSlice[ItemT]:
    """Return the page that a query asks for, of a list that is read from its start on.

    Args:
        query: with the limit.
        items: the items of the page; one more than the limit, if there are more.
        name_position: returns the cursor that continues after an item.
    """
    page = items[: query.limit]
    next_cursor = str(name_position(page[-1])) if len(items) > query.limit and page else ""
    return PageSlice(page, describe_page(query, next_cursor))


def describe_page(query: PageQuery, next_cursor: str) -> dict[str, Any]:
    """Return the fields that a page has beside its items.

    Args:
        query: the query that it answers.
        next_cursor: where the next page starts; empty at the end.
    """
    fields: dict[str, Any] = {"limit": query.limit, "offset": query.offset}
    return {**fields, "next_cursor": next_cursor} if next_cursor else fields


def parse_cursor(text: str) -> UUID | None:
    """Return the id that a cursor names; None for the first page.

    Raises:
        InvalidInput: no list has such a cursor.
    """
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            "The cursor is not valid.", "Use the `nextCursor` of the page before."
        ) from None


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
