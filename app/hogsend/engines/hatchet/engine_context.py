"""What the parts of the Hatchet engine share: the rows, and the connection to Hatchet."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...clock import Clock
from ...store.db import Database
from .client import Client
from .connectivity import Connectivity

log = logging.getLogger("hogsend.hatchet")

# How often runs of another installation are logged.
_LOG_INTERVAL = timedelta(minutes=10)


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
    _foreign_logged_at: datetime | None = None

    @property
    def namespace(self) -> str:
        """The prefix of the names of this installation's tasks; empty before the connection."""
        return "" if self.client is None else self.client.namespace

    def log_foreign_run(self, run_id: str, installation_id: str) -> str:
        """Log at intervals that runs of another installation come here; return the message."""
        text = (
            f"The run {run_id} belongs to another installation of Hogsend ({installation_id}), "
            f"which uses the namespace {self.namespace} as well. Set another "
            "HATCHET_CLIENT_NAMESPACE for one of the two."
        )
        now = self.clock.now()
        if self._foreign_logged_at is None or now - self._foreign_logged_at >= _LOG_INTERVAL:
            self._foreign_logged_at = now
            log.warning("%s", text)
        return text

    def list_registered_journeys(self, client: Client) -> list[str]:
        """Return the journeys of this process whose tasks Hatchet knows."""
        return [journey_id for journey_id in self.journey_ids if journey_id in client.tasks]
