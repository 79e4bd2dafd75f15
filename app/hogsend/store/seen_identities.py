"""The identities that a dry run has seen, in a file of their own: there may be millions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

_TABLE = (
    "CREATE TABLE IF NOT EXISTS seen "
    "(hash INTEGER PRIMARY KEY, step INTEGER NOT NULL, user INTEGER)"
)
_FIND = "SELECT user FROM seen WHERE hash = ? AND step < ?"
_ADD = (
    "INSERT INTO seen (hash, step, user) VALUES (?, ?, ?) "
    "ON CONFLICT (hash) DO UPDATE SET user = COALESCE(user, excluded.user)"
)


class SeenIdentities:
    """Remembers the identities of the rows of a dry run, which takes its contacts back.

    Each takes 20 bytes of the file: a hash of 64 bits, and that of the user id that came with it.
    It survives a kill; a step that is repeated does not find itself.

    Args:
        path: the file, which is created.

    Raises:
        OSError: the file cannot be created.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA synchronous = OFF")
            self._file.execute("PRAGMA cache_size = -8192")
            self._file.execute(_TABLE)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def add(self, step: int, rows: Sequence[Sequence[str]]) -> list[bool]:
        """Remember the identities of a step's rows; return which rows name a contact seen before.

        As in an import, two different user ids are never one contact.

        Args:
            step: the number of rows before the step.
            rows: the identities of each row in their stored form, a user id first; none
                for a row that is refused.

        Raises:
            OSError: the file cannot be written.
        """
        try:
            self._file.execute("BEGIN")
            seen = [self._add_row(step, identities) for identities in rows]
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
        return seen

    def _add_row(self, step: int, identities: Sequence[str]) -> bool:
        hashes = list(map(_hash, identities))
        user = hashes[0] if hashes and identities[0].startswith("u:") else None
        owners = [
            owner
            for value in hashes
            for (owner,) in self._file.execute(_FIND, (value, step))
            if user is None or owner is None or owner == user
        ]
        user = user or next(filter(None, owners), None)
        self._file.executemany(_ADD, [(value, step, user) for value in hashes])
        return bool(owners)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _hash(identity: str) -> int:
    digest = blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
