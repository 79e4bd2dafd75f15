"""What the parts of the Hatchet engine share: the rows, and the connection to Hatchet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...clock import Clock
from ...store.db import Database
from .client import Client
from .connectivity import Connectivity


@dataclass
class EngineContext:
    """The rows, and the connection to Hatchet.

    Args:
        database: where the rows are.
        clock: the source of the current time.
        connectivity: tracks whether Hatchet answers.
        journey_ids: the journeys that this process has code for; replaced when the code changes.
        client: talks to Hatchet; None before the first connection.
    """

    database: Database
    clock: Clock
    connectivity: Connectivity
    journey_ids: Collection[str]
    client: Client | None = None

    def list_registered_journeys(self, client: Client) -> list[str]:
        """Return the journeys of this process whose tasks Hatchet knows."""
        return [journey_id for journey_id in self.journey_ids if journey_id in client.tasks]
