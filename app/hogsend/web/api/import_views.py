"""The forms and answers of imports and exports."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from ...domain.forms import Body, Text
from ...services.exports import ImportFormat
from ...services.import_uploads import ImportKind
from .schemas import InstantView, PageView, QueryForm, View

MAX_DATA_LENGTH = 4_000_000


class ImportBody(Body):
    """Rows to import, as the text of a small file; larger ones are uploaded as they are."""

    format: Literal["csv", "json"]
    data: str = Field(max_length=MAX_DATA_LENGTH)
    file_name: Text = "import"


class FileQuery(QueryForm):
    """How an uploaded file is imported; what is left out is found out."""

    file_name: str = Field("upload", max_length=255, description="The name of the file.")
    format: ImportFormat | None = Field(None, description="`csv` or `jsonl`.")
    preset: str = Field("", max_length=40, description="The product that exported the file.")
    lists: str = Field("", max_length=2000, description="Lists to subscribe to, with commas.")
    map: str = Field("", max_length=20_000, description="A JSON object: column to target.")
    event: str = Field("", max_length=200, description="An event to submit for each contact.")
    resubscribe: bool = Field(False, description="Whether to subscribe who has unsubscribed.")
    dry_run: bool = Field(False, description="Whether to count only.")


class ExportQuery(QueryForm):
    """The format of an export."""

    format: ImportFormat = Field("jsonl", description="`jsonl` loses nothing; `csv` is for people.")


class JobCreatedView(View):
    """The import will run."""

    job_id: UUID
    status: Literal["pending"] = "pending"


class RowErrorView(View):
    """A row that was refused; rows count from 0."""

    row: int
    error: str


class ImportJobView(View):
    """How far an import has come."""

    id: UUID
    kind: ImportKind
    file_name: str
    status: Literal["pending", "processing", "completed", "failed"]
    detail: str = Field(description="The exact state, such as `cancelled`.")
    total_rows: int | None
    processed_rows: int
    failed_rows: int
    created: int
    updated: int
    unchanged: int
    dry_run: bool
    problem: str | None = Field(description="Why the import failed as a whole.")
    errors: list[RowErrorView] | None
    created_at: InstantView
    updated_at: InstantView


class RemarkView(View):
    """A row that was refused, or imported with a remark; rows count from 0."""

    row: int
    line: int
    reason: str
    content: str
    refused: bool


class RemarksPage(PageView):
    """A page of rows."""

    rows: list[RemarkView]


class ImportsPage(PageView):
    """A page of imports, without the rows that were refused."""

    imports: list[ImportJobView]
