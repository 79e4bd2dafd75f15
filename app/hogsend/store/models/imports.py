"""Tables of imports and of the rows that were refused."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import IdField, InstantField, Where, json_field
from .conditions import UNFINISHED_IMPORT


class ImportRow(Model):
    """The import of one file.

    `position` is the byte of the file where the import resumes. `holder` is the process that runs
    it until `held_until`, after which another may go on.
    """

    id = IdField(primary_key=True)
    kind = fields.CharField(max_length=20)
    status = fields.CharField(max_length=20)
    file_name = fields.CharField(max_length=255)
    format = fields.CharField(max_length=10)
    options: Any = json_field(default=dict)
    actor = fields.CharField(max_length=320)
    size = fields.BigIntField(default=0)
    position = fields.BigIntField(default=0)
    line = fields.BigIntField(default=0)
    rows = fields.BigIntField(default=0)
    created = fields.BigIntField(default=0)
    updated = fields.BigIntField(default=0)
    unchanged = fields.BigIntField(default=0)
    refused = fields.BigIntField(default=0)
    noted = fields.BigIntField(default=0)
    total_rows = fields.BigIntField(null=True)
    is_dry_run = fields.BooleanField(default=False)
    is_background = fields.BooleanField(default=True)
    problem = fields.TextField(null=True)
    created_at = InstantField()
    updated_at = InstantField()
    started_at = InstantField(null=True)
    ended_at = InstantField(null=True)
    holder = IdField(null=True)
    held_until = InstantField(null=True)

    class Meta:
        table = "imports"
        indexes = (
            Where(fields=("status",), name="imports_unfinished", condition=UNFINISHED_IMPORT),
        )


class ImportRemarkRow(Model):
    """A row of an import that was refused, or imported with a remark.

    `number` is the row's number in the file, from 1, and `content` the row as the file has it.
    """

    id = IdField(primary_key=True)
    import_id = IdField()
    number = fields.BigIntField()
    line = fields.BigIntField()
    reason = fields.TextField()
    content = fields.TextField()
    is_refused = fields.BooleanField(default=True)

    class Meta:
        table = "import_remarks"
        indexes = (("import_id", "number"),)
