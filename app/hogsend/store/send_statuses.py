"""The groups of statuses of sends, as lists of SQL."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain import send_policy


def _to_list(statuses: Sequence[str]) -> str:
    quoted = ", ".join(f"'{status}'" for status in statuses)
    return f"({quoted})"


UNSENT = _to_list(send_policy.UNSENT)
PENDING = _to_list(send_policy.PENDING)
