"""Builds what receives, or reads, the mails that came back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...clock import Clock
from ...config.secret import load_stored_secret
from ...config.settings import Settings
from ...errors import ConfigError
from ..tokens import Tokens
from .inbound import InboundMail, ReportHandler
from .listener import BounceListener
from .mailbox import BounceMailbox
from .return_path import ReturnPath


def build_bounce_reader(
    settings: Settings,
    clock: Clock,
    tokens: Tokens,
    handler: ReportHandler,
    is_leader: Callable[[], Awaitable[bool]] | None = None,
) -> BounceListener | BounceMailbox | None:
    """Return the listener, or the reader of a mailbox, that the settings ask for.

    Args:
        settings: the settings.
        clock: gives the time of reports.
        tokens: verifies links in complaints.
        handler: records what mails report.
        is_leader: returns whether this worker reads the mailbox, where there are several workers.

    Raises:
        ConfigError: the setting of the return path is missing.
    """
    source = settings.bounces
    if source is None:
        return None
    if settings.return_path is None:
        raise ConfigError(
            "HOGSEND_BOUNCES is set, and HOGSEND_RETURN_PATH is not.",
            "Set it to the mailbox that bounces go to; docs/bounces.md says how.",
        )
    return_path = ReturnPath(settings.return_path, load_stored_secret(settings).secrets)
    inbound = InboundMail(return_path, tokens, clock, handler)
    if source.is_mailbox:
        return BounceMailbox(inbound, source, is_leader)
    return BounceListener(inbound, source.host, source.port, is_lmtp=source.scheme == "lmtp")
