"""Who calls the API: keys, their scopes, and how often somebody may guess."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

from quart import current_app, request

from ...errors import Forbidden, RateLimited, Unauthorized
from ...services.context import ServiceContext
from ...store import keys
from ...store.keys import Key
from ..pages import context

# Failed attempts from one address within a minute, before it has to wait.
MOST_FAILURES = 30
_WINDOW = 60.0
_REMEMBERED = 10_000
NOTE_USE_EVERY = 60.0


@dataclass
class KeyAuth:
    """The keys seen lately, and the addresses that failed lately.

    Args:
        keys: by the key's text, so that a known key costs no look-up.
        seen: the count of foreign changes that the keys are as of.
        used: when the use of a key was last noted, in seconds of the machine's clock.
        failures: by address, since when and how often.
        forgotten: how often the keys were forgotten.
    """

    keys: dict[str, Key] = field(default_factory=dict[str, Key])
    seen: int = -1
    used: dict[UUID, float] = field(default_factory=dict[UUID, float])
    failures: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])
    forgotten: int = 0

    def forget(self) -> None:
        """Look every key up again: one may have been revoked."""
        self.keys.clear()
        self.forgotten += 1

    def refuse_guessing(self, address: str) -> None:
        """Refuse an address that failed too often.

        Raises:
            RateLimited: it has to wait.
        """
        since, count = self.failures.get(address, (0.0, 0))
        if count >= MOST_FAILURES and time.monotonic() - since < _WINDOW:
            raise RateLimited("Rate limit exceeded", retry_after=int(_WINDOW))

    def fail(self, address: str) -> None:
        """Count a failed attempt."""
        since, count = self.failures.get(address, (0.0, 0))
        now = time.monotonic()
        if now - since >= _WINDOW:
            since, count = now, 0
        if len(self.failures) >= _REMEMBERED:
            self.failures.pop(next(iter(self.failures)))
        self.failures[address] = (since, count + 1)


def access() -> KeyAuth:
    """Return this process's memory of callers."""
    made: KeyAuth = current_app.extensions["access"]
    return made


async def require(scope: str) -> Key:
    """Return the key of the request at hand, when it may do this; `authorize` says the rest."""
    return await authorize(
        access(),
        context(),
        request.headers.get("Authorization", ""),
        request.remote_addr or "",
        scope,
    )


async def authorize(
    memory: KeyAuth, context: ServiceContext, authorization: str, address: str, scope: str
) -> Key:
    """Return the caller's key, when it may do this.

    Args:
        memory: of callers.
        context: what the process is made of.
        authorization: the header, `Bearer hsk_…`.
        address: where the caller is; one that fails too often has to wait.
        scope: what the route needs; `full-admin` implies it.

    Raises:
        Unauthorized: there is no key, or one that is unknown, expired or revoked.
        Forbidden: the key lacks the scope.
        RateLimited: this address failed too often.
    """
    scheme, _, rest = authorization.partition(" ")
    text = rest.strip() if scheme.lower() == "bearer" else ""
    if memory.seen != context.foreign_changes:
        memory.forget()
        memory.seen = context.foreign_changes
    key = memory.keys.get(text) or await _look_up(memory, context, text, address)
    if key.expires_at is not None and key.expires_at <= context.clock.now():
        raise Unauthorized("API key expired")
    if not key.allows(scope):
        raise Forbidden("Forbidden: insufficient scope", f"This key lacks {scope}.")
    return key


async def _look_up(memory: KeyAuth, context: ServiceContext, text: str, address: str) -> Key:
    forgotten = memory.forgotten
    found = await keys.find(context.database, keys.digest_of(text)) if text else None
    if found is None or found.revoked_at is not None:
        # Behind a proxy all callers have one address: a good key never waits for a bad one.
        memory.refuse_guessing(address)
        memory.fail(address)
        raise Unauthorized(
            "Unauthorized", "Send a key as `Authorization: Bearer hsk_…`; see `hogsend keys list`."
        )
    if memory.forgotten == forgotten:
        memory.keys[text] = found
    await _note_use(memory, context, found)
    return found


async def _note_use(memory: KeyAuth, context: ServiceContext, key: Key) -> None:
    """Remember when a key was last used, to the minute."""
    if time.monotonic() - memory.used.get(key.id, -NOTE_USE_EVERY) < NOTE_USE_EVERY:
        return
    memory.used[key.id] = time.monotonic()
    async with context.database.transaction() as tx:
        await tx.apply([keys.note_uses({key.id: context.clock.now()})])
