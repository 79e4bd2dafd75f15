"""An installation with everything that pages work with: journeys, templates, tracking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..delivery.feedback.handler import FeedbackHandler
from ..delivery.governor import Governor
from ..delivery.provider_pauses import ProviderPause
from ..delivery.providers.provider_set import ProviderSet
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..store.workers import Outage
from ..turns.registry import Registry
from .content import Content
from .journey_context import JourneyContext


class WorkerStatus(Protocol):
    """What the worker of this process reports about itself."""

    @property
    def is_stopped(self) -> bool:
        """Whether the worker has stopped for good."""
        ...

    @property
    def outage(self) -> Outage | None:
        """What the engine cannot reach, if anything."""
        ...

    @property
    def provider_problem(self) -> str | None:
        """Why the mail provider refuses everything, if it does."""
        ...

    @property
    def bounce_problem(self) -> str | None:
        """Why bounces cannot be received, if they should be and cannot."""
        ...

    @property
    def governor(self) -> Governor:
        """Paces the mails."""
        ...

    @property
    def policy_problem(self) -> str | None:
        """Why no mail may leave, if the sending policy cannot be used."""
        ...

    def find_pause(self, provider: str) -> ProviderPause | None:
        """Return whether a provider takes mail; None for one that is not set up."""
        ...

    @property
    def send_hold(self) -> str | None:
        """Why nothing may be sent, if sending is on hold."""
        ...


@dataclass(kw_only=True)
class ServiceContext(JourneyContext):
    """An installation with everything that the author's folder holds.

    Args:
        tokens: signs and reads the tokens in links.
        content: journeys, lists and templates as of the last load.
        tracker: records opens and clicks.
        feedback: takes the reports of providers and mail servers about mails.
        providers: the mail providers; None when the settings do not let them be used, which only a
            process without a worker tolerates.
        foreign_changes: how often another process was seen to change the database.
    """

    tokens: Tokens
    content: Content
    tracker: Tracker
    feedback: FeedbackHandler = field(init=False)
    providers: ProviderSet | None = field(init=False, default=None)
    foreign_changes: int = 0

    @property
    def registry(self) -> Registry:
        """The journeys and lists of the last load."""
        return self.content.registry

    async def refresh_stops(self) -> None:
        """Let the worker of this process know which mail is stopped."""
        raise NotImplementedError

    @property
    def worker_status(self) -> WorkerStatus | None:
        """What this process's worker reports; None when the process has none."""
        raise NotImplementedError
