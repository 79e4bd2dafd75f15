"""DKIM keys: create, import, list, activate and retire them, and the DNS records they need."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from ..config.encryption import Encryption
from ..config.secret import prepare_data
from ..domain.dkim_key import (
    DkimAlgorithm,
    DkimKey,
    choose_selector,
    is_published,
    normalize_domain,
    normalize_selector,
    select_signing_domain,
)
from ..domain.ids import new_id
from ..errors import Conflict, InvalidInput, NotFound
from ..store import dkim_keys
from ..store.change_feed import DKIM_KEYS
from .actor import Actor, Permission
from .audit import build_audit_entry
from .installation import Installation

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

    from ..delivery.dkim.private_keys import KeyPair

# In seconds.
_LOOKUP_TIMEOUT = 5.0


async def create_dkim_key(
    installation: Installation,
    actor: Actor,
    domain: str,
    *,
    algorithm: DkimAlgorithm = "rsa",
    selector: str | None = None,
    pem: bytes | None = None,
) -> DkimKey:
    """Create a key for a domain; it signs when it is activated.

    Args:
        installation: where the key is stored, with its private part encrypted.
        actor: who creates it.
        domain: the domain of senders' addresses.
        algorithm: the algorithm of a new key.
        selector: the name of the key; None chooses one.
        pem: the content of a PEM file, to import its key instead of creating one.

    Raises:
        Forbidden: the actor may not administer.
        InvalidInput: the domain, the selector or the file is not valid.
        Conflict: the domain already has a key with this selector.
    """
    from ..delivery.dkim.private_keys import generate_key_pair, import_key_pair

    actor.require(Permission.ADMINISTER)
    domain = _parse_domain(domain)
    if pem is not None:
        pair = import_key_pair(pem)
    else:
        # The prime numbers of an RSA key take up to a second to find.
        pair = await asyncio.to_thread(generate_key_pair, algorithm)
    key = await _build_key(installation, domain, selector, pair)
    action = "create DKIM key" if pem is None else "import DKIM key"
    after = {"algorithm": key.algorithm, "publicKey": key.public_key}
    entry = build_audit_entry(installation, actor, action, key.record.name, after=after)
    async with installation.database.transaction() as transaction:
        await dkim_keys.insert(transaction, key)
        await transaction.apply([entry])
    return key


async def _build_key(
    installation: Installation, domain: str, selector: str | None, pair: KeyPair
) -> DkimKey:
    taken = {key.selector for key in await _list_of_domain(installation, domain)}
    now = installation.clock.now()
    return DkimKey(
        id=new_id(now),
        domain=domain,
        selector=_parse_selector(selector or choose_selector(pair.algorithm, now, taken)),
        algorithm=pair.algorithm,
        private_key=_encrypt(installation, pair),
        public_key=pair.public_key,
        created_at=now,
    )


async def list_dkim_keys(
    installation: Installation, actor: Actor, domain: str | None = None
) -> list[DkimKey]:
    """Return the keys of a domain, or of all domains, the newest first within each.

    Raises:
        Forbidden: the actor may not read.
        InvalidInput: the domain is not valid.
    """
    actor.require(Permission.READ)
    if domain is None:
        return await dkim_keys.list_keys(installation.database)
    return await _list_of_domain(installation, _parse_domain(domain))


async def list_signing_keys(installation: Installation, actor: Actor, sender: str) -> list[DkimKey]:
    """Return the keys that sign the mails of a sender: those whose records have to be published.

    Args:
        installation: has the keys.
        actor: who asks.
        sender: the domain of the sender's address.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    keys = await dkim_keys.list_active(installation.database)
    domain = select_signing_domain(sender, {key.domain for key in keys})
    return [key for key in keys if key.domain == domain]


async def get_dkim_key(
    installation: Installation, actor: Actor, domain: str, selector: str
) -> DkimKey:
    """Return a key.

    Raises:
        Forbidden: the actor may not read.
        InvalidInput: the domain is not valid.
        NotFound: there is no such key.
    """
    actor.require(Permission.READ)
    domain, selector = _parse_domain(domain), _parse_selector(selector)
    for key in await _list_of_domain(installation, domain):
        if key.selector == selector:
            return key
    raise NotFound(f"{domain} has no DKIM key with the selector {selector}.")


async def activate_dkim_key(
    installation: Installation,
    actor: Actor,
    domain: str,
    selector: str,
    *,
    resolver: Resolver | None = None,
    check_dns: bool = True,
) -> DkimKey:
    """Let a key sign from now on, beside the other active keys of its domain.

    Args:
        installation: has the key.
        actor: who activates it.
        domain: the key's domain.
        selector: the key's name.
        resolver: looks up the record; None for the machine's own.
        check_dns: whether the record must be published: receivers reject what they cannot verify.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no such key.
        Conflict: the key is retired, or its record is not published.
    """
    actor.require(Permission.ADMINISTER)
    key = await get_dkim_key(installation, actor, domain, selector)
    if key.status == "active":
        return key
    if key.status == "retired":
        raise Conflict(
            f"The key {key.selector} of {key.domain} is retired.",
            "Create a new key: a retired one is not used again.",
        )
    if check_dns:
        await _require_published(key, resolver)
    now = installation.clock.now()
    entry = build_audit_entry(installation, actor, "activate DKIM key", key.record.name)
    async with installation.database.transaction() as transaction:
        await dkim_keys.activate(transaction, key.id, now)
        await transaction.apply([entry])
    installation.change_feed.publish(DKIM_KEYS)
    return replace(key, activated_at=now)


async def retire_dkim_key(
    installation: Installation, actor: Actor, domain: str, selector: str
) -> DkimKey:
    """Let a key not sign any more.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no such key.
    """
    actor.require(Permission.ADMINISTER)
    key = await get_dkim_key(installation, actor, domain, selector)
    if key.status == "retired":
        return key
    now = installation.clock.now()
    entry = build_audit_entry(installation, actor, "retire DKIM key", key.record.name)
    async with installation.database.transaction() as transaction:
        await dkim_keys.retire(transaction, key.id, now)
        await transaction.apply([entry])
    installation.change_feed.publish(DKIM_KEYS)
    return replace(key, retired_at=now)


async def check_published(key: DkimKey, resolver: Resolver | None = None) -> bool:
    """Return whether the DNS has the record of a key.

    Args:
        key: the key.
        resolver: looks up the record; None for the machine's own.

    Raises:
        Conflict: the DNS cannot be asked.
    """
    from dns.asyncresolver import get_default_resolver
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer

    try:
        answer = await (resolver or get_default_resolver()).resolve(
            key.record.name, "TXT", search=False, lifetime=_LOOKUP_TIMEOUT
        )
    except (NXDOMAIN, NoAnswer):
        return False
    except (DNSException, OSError) as error:
        raise Conflict(
            f"{key.record.name} could not be looked up: {error}",
            "Try again, or activate the key without the check.",
        ) from None
    texts = [b"".join(row.strings).decode("utf-8", "replace") for row in answer]
    return is_published(key, texts)


async def _require_published(key: DkimKey, resolver: Resolver | None) -> None:
    if not await check_published(key, resolver):
        raise Conflict(
            f"The DNS does not have the record of the key at {key.record.name} (yet).",
            "Publish it, wait until it can be looked up, and try again.",
        )


async def _list_of_domain(installation: Installation, domain: str) -> list[DkimKey]:
    keys = await dkim_keys.list_keys(installation.database)
    return [key for key in keys if key.domain == domain]


def _encrypt(installation: Installation, pair: KeyPair) -> str:
    return Encryption(prepare_data(installation.settings).secrets).encrypt(pair.pem)


def _parse_domain(text: str) -> str:
    try:
        return normalize_domain(text)
    except ValueError as error:
        raise InvalidInput(f"{error}.", "Use a name such as example.com.") from None


def _parse_selector(text: str) -> str:
    try:
        return normalize_selector(text)
    except ValueError as error:
        raise InvalidInput(
            f"{error}.", "Use up to 63 letters, digits, hyphens and dots, such as s1."
        ) from None
