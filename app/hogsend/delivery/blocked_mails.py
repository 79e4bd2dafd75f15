"""Makes blocked mails again when their template has changed, and fails those that wait too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from ..clock import Clock
from ..store import blocked_mails
from ..store.db import Database
from .blocking import Unblock
from .ledger import Ledger
from .templates import Templates

log = logging.getLogger("hogsend.mail")

# How often blocked mails are read when no template has changed, in seconds: another worker may have
# blocked a mail of a template that this worker has in a newer version.
INTERVAL = 60.0
# How many mails are read at once, and mostly written in one transaction.
_BATCH_SIZE = 100


class BlockedMails:
    """Releases blocked mails, and fails them in the end.

    Each worker releases the mails whose template has a version here that has not failed yet.

    Args:
        database: holds the ledger.
        clock: the source of the current time.
        ledger: releases and fails the mails.
        templates: the templates that this worker has.
        keep: how long a mail stays blocked before it fails; None for ever.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ledger: Ledger,
        templates: Templates,
        keep: timedelta | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ledger = ledger
        self._templates = templates
        self._keep = keep
        self._is_closing = False
        self._changed = asyncio.Event()

    def use(self, templates: Templates) -> None:
        """Use other templates from now on; `run` releases the mails whose template has changed."""
        self._templates = templates
        self._changed.set()

    async def run(self) -> None:
        """Call `run_once` at the start, after each change and regularly, until closed."""
        while not self._is_closing:
            self._changed.clear()
            try:
                await self.run_once()
            except Exception:
                log.exception("blocked mails could not be released or failed; trying again later")
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._changed.wait()

    async def close(self) -> None:
        """End `run` after the current step."""
        self._is_closing = True
        self._changed.set()

    async def run_once(self) -> None:
        """Release the mails of changed templates, and fail those that have waited too long."""
        released = 0
        for template, versions in await self._database.read_one(blocked_mails.find_versions()):
            if self._templates.get_version(template) not in versions.split():
                released += await self._release_all(template, versions)
        if released:
            log.info(
                "made %d blocked %s again, because the template has changed",
                released,
                "mail" if released == 1 else "mails",
            )
        if self._keep is not None:
            await self._fail_expired(self._keep)

    async def _release_all(self, template: str, versions: str) -> int:
        released = 0
        find = blocked_mails.find_by_versions(template, versions, _BATCH_SIZE)
        while not self._is_closing and (ids := await self._database.read_one(find)):
            await self._unblock([Unblock(send_id) for send_id in ids])
            released += len(ids)
        return released

    async def _fail_expired(self, keep: timedelta) -> None:
        find = blocked_mails.find_expired(self._clock.now() - keep, _BATCH_SIZE)
        while not self._is_closing and (expired := await self._database.read_one(find)):
            cause = f"blocked for {keep.days} days"
            await self._unblock(
                [Unblock(send_id, f"{cause}: {reason}") for send_id, reason in expired.items()]
            )
            log.warning("%d mails have failed: %s", len(expired), cause)

    async def _unblock(self, unblocks: Iterable[Unblock]) -> None:
        await asyncio.gather(*(self._ledger.unblock(unblock) for unblock in unblocks))
