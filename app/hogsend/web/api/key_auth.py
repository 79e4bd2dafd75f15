"""Authenticates API requests by their key, and limits how often a caller may guess one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from quart import current_app, request

from ...errors import Forbidden, RateLimited, Unauthorized
from ...services.actor import Actor
from ...services.context import ServiceContext
from ...services.keys import Key, find_key, note_use
from ..client_address import find_network
from ..failure_limiter import FailureLimiter
from .rate_limits import RateLimits, RateStatus

# How many attempts of one client address may fail within a minute.
MAX_FAILURES = 30
_FAILURE_WINDOW = timedelta(minutes=1)
# How often the last use of a key is recorded, in seconds.
NOTE_USE_INTERVAL = 60.0


@dataclass(frozen=True, slots=True)
class AuthenticatedKey:
    """The key of a request, and the actor that its requests have."""

    key: Key
    actor: Actor


class KeyAuthenticator:
    """Finds the actor of an API request; a key that was seen lately needs no query.

    Args:
        context: where keys are stored.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._known: dict[str, AuthenticatedKey] = {}
        self._limits = RateLimits(context.settings)
        self._failures = FailureLimiter(MAX_FAILURES, _FAILURE_WINDOW)
        # When the use of a key was last recorded, in seconds of the machine's clock.
        self._noted: dict[UUID, float] = {}
        # The number of foreign changes that the known keys are as of.
        self._foreign_changes = -1
        self._generation = 0

    def forget_keys(self) -> None:
        """Look every key up again: one may have been revoked."""
        self._known.clear()
        self._generation += 1

    def forget_failures(self) -> None:
        """Let every address try again."""
        self._failures = FailureLimiter(MAX_FAILURES, _FAILURE_WINDOW)

    async def authenticate(self, authorization: str, address: str, origin: str) -> AuthenticatedKey:
        """Return the key of a request, and its actor.

        Args:
            authorization: the header, `Bearer hsk_…`.
            address: the client's address; it has to wait when it fails too often.
            origin: the header; a publishable key is accepted from its own origins only.

        Raises:
            Unauthorized: there is no key, or one that is unknown, expired or revoked.
            Forbidden: a publishable key is used from another origin.
            RateLimited: this address failed too often, or used a publishable key too often.
        """
        scheme, _, rest = authorization.partition(" ")
        text = rest.strip() if scheme.lower() == "bearer" else ""
        if self._foreign_changes != self._context.foreign_changes:
            self.forget_keys()
            self._foreign_changes = self._context.foreign_changes
        known = self._known.get(text) or await self._look_up(text, address)
        expires_at = known.key.expires_at
        if expires_at is not None and expires_at <= self._now():
            raise Unauthorized("API key expired")
        if known.key.publishable:
            if origin not in known.key.origins:
                raise Forbidden("Forbidden: origin not allowed")
            self._limits.count_public(known.key.id, find_network(address))
        return known

    def count_request(self, key: Key, method: str, path: str) -> RateStatus | None:
        """Count a request of a key; None when its path has no limit."""
        return self._limits.count(method, path, key.id)

    async def _look_up(self, text: str, address: str) -> AuthenticatedKey:
        generation = self._generation
        key = await find_key(self._context, text)
        if key is None:
            # Behind a proxy all callers share one address: a valid key never waits.
            self._refuse_guess(address)
            raise Unauthorized(
                "Unauthorized",
                "Send a key as `Authorization: Bearer hsk_…`; see `hogsend keys list`.",
            )
        known = AuthenticatedKey(key, Actor.from_key(key))
        if self._generation == generation:
            self._known[text] = known
        await self._note_use(key)
        return known

    def _refuse_guess(self, address: str) -> None:
        now, address = self._now(), find_network(address)
        if self._failures.seconds_to_wait(address, now):
            retry_after = int(_FAILURE_WINDOW.total_seconds())
            raise RateLimited("Rate limit exceeded", retry_after=retry_after)
        self._failures.record(address, now)

    async def _note_use(self, key: Key) -> None:
        """Record when a key was last used, to the minute."""
        if time.monotonic() - self._noted.get(key.id, -NOTE_USE_INTERVAL) < NOTE_USE_INTERVAL:
            return
        self._noted[key.id] = time.monotonic()
        await note_use(self._context, key)

    def _now(self) -> datetime:
        return self._context.clock.now()


def get_key_authenticator() -> KeyAuthenticator:
    """Return the authenticator of this process."""
    return cast(KeyAuthenticator, current_app.extensions["key_authenticator"])


async def authenticate_request(authorization: str = "") -> AuthenticatedKey:
    """Return the key of the present API request, and its actor.

    Args:
        authorization: what the caller sent in place of the header; empty for the header.

    Raises:
        Unauthorized: it has no valid key.
        Forbidden: a publishable key is used from another origin.
        RateLimited: its client address failed too often, or used a publishable key too often.
    """
    return await get_key_authenticator().authenticate(
        authorization or request.headers.get("Authorization", ""),
        request.remote_addr or "",
        request.headers.get("Origin", ""),
    )
