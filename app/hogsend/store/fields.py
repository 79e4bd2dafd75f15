"""Column types: ids of 16 bytes, instants as microseconds, and partial indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.fields import BigIntField, CharField, Field, JSONField
from tortoise.indexes import Index

from ..domain.ids import to_uuid
from .json_text import to_json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC)


def to_micros(instant: datetime) -> int:
    """Return an instant as whole microseconds since 1970, exactly."""
    return (instant - EPOCH) // _MICROSECOND


def micros_or_none(instant: datetime | None) -> int | None:
    """Return an optional instant as microseconds."""
    return None if instant is None else (instant - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant that `to_micros` stored; out-of-range values become the nearest instant.

    A row with an out-of-range value must not keep other rows from being read.
    """
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return _LAST if micros > 0 else EPOCH


def instant_or_none(micros: int | None) -> datetime | None:
    """Return an optional stored instant."""
    return None if micros is None else from_micros(micros)


def to_id(value: Any) -> UUID:
    """Return a stored id as a UUID: SQLite gives bytes, Postgres gives UUIDs."""
    return to_uuid(int.from_bytes(value)) if isinstance(value, bytes) else value


def id_or_none(value: Any) -> UUID | None:
    """Return an optional stored id."""
    return None if value is None else to_id(value)


class IdField(Field[UUID], UUID):
    """A UUID in 16 bytes: BLOB on SQLite, UUID on Postgres."""

    SQL_TYPE = "BLOB"

    class _db_postgres:
        SQL_TYPE = "UUID"

    def to_db_value(self, value: Any, instance: Any) -> Any:
        return value

    def to_python_value(self, value: Any) -> Any:
        return None if value is None else to_id(value)


class ByteOrderedField(CharField):
    """A text whose index has the order of its bytes on both databases, and so finds prefixes."""

    class _db_postgres:
        def __init__(self, field: CharField) -> None:
            self._field = field

        @property
        def SQL_TYPE(self) -> str:
            return f'VARCHAR({self._field.max_length}) COLLATE "C"'


class DigestField(Field[bytes], bytes):  # type: ignore[misc]
    """A few raw bytes that can be looked up, such as the SHA-256 of a key."""

    SQL_TYPE = "BLOB"

    class _db_postgres:
        SQL_TYPE = "BYTEA"


class InstantField(BigIntField):
    """An instant in UTC, stored as microseconds since 1970."""

    def to_db_value(self, value: Any, instance: Any) -> Any:
        return to_micros(value) if isinstance(value, datetime) else value

    def to_python_value(self, value: Any) -> Any:
        return from_micros(value) if isinstance(value, int) else value


def json_field(**options: Any) -> Any:
    """Return a JSON column whose value in a model is the stored text, for `rows.py` to parse.

    Tortoise would fail a whole query for one corrupt text, and not name its row.
    """
    return JSONField(encoder=to_json, decoder=_unchanged, **options)


def _unchanged(stored: Any) -> Any:
    return stored


class Where(Index):
    """A partial index, on both databases.

    Aerich loses `unique` and `by_prefix` when it adds such an index to a table that exists. They
    are written into the migration by hand; without them, `tests/store/test_migrations.py` fails.

    Args:
        fields: the columns.
        name: the index's name, 30 characters at most.
        condition: the SQL condition of the rows that are in the index.
        unique: whether two rows in the index must differ in their columns.
        by_prefix: whether texts of the last column are found by how they begin. On Postgres the
            index then has them in the order of their bytes, which `~>=~` and `~<~` compare.
    """

    def __init__(
        self,
        *,
        fields: tuple[str, ...],
        name: str,
        condition: str,
        unique: bool = False,
        by_prefix: bool = False,
    ) -> None:
        super().__init__(fields=fields, name=name)
        self.condition = condition
        self.unique = unique
        self.by_prefix = by_prefix
        self.extra = f" WHERE {condition}"

    def get_sql(self, schema_generator: Any, model: Any, safe: bool) -> str:
        sql = super().get_sql(schema_generator, model, safe)
        if self.by_prefix and schema_generator.DIALECT == "postgres":
            last = schema_generator.quote(self.fields[-1])
            sql = sql.replace(f"{last})", f"{last} varchar_pattern_ops)", 1)
        return sql.replace("CREATE INDEX", "CREATE UNIQUE INDEX", 1) if self.unique else sql

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        options = {"condition": self.condition, "unique": self.unique}
        if self.by_prefix:
            options["by_prefix"] = True
        return path, args, {**kwargs, **options}

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "type": "UNIQUE" if self.unique else ""}
