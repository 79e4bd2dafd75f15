"""Checks the sender's domain in the DNS: what receiving servers check before they accept mail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from ...config.settings import Settings
from .check_result import CheckResult

if TYPE_CHECKING:
    from dns.resolver import Answer, Resolver

# In seconds.
TIMEOUT = 3.0
# Common names of keys, for servers that wrongly deny the name above an existing one.
_SELECTORS = ("default", "mail", "dkim", "s1", "selector1", "google", "k1", "resend", "pm")
_OFFLINE = "Run this check where DNS names can be looked up."


class LookupTimeout(Exception):
    """No DNS server answered in time."""


class Lookups:
    """Looks up DNS names.

    Args:
        resolver: sends the queries.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name.

        Raises:
            LookupTimeout: no server answered in time.
        """
        answer = self._query(name, "TXT")
        rows: list[Any] = list(answer) if answer else []
        return [b"".join(row.strings).decode("utf-8", "replace") for row in rows]

    def mail_servers(self, name: str) -> list[str]:
        """Return the servers that accept mail for a name; `.` is none at all (RFC 7505).

        Without an MX record, a name's own address accepts its mail (RFC 5321 §5.1).

        Raises:
            LookupTimeout: no server answered in time.
        """
        servers: list[Any] = list(self._query(name, "MX") or ())
        if servers:
            return [str(row.exchange) for row in servers]
        return [name] if self._query(name, "A") or self._query(name, "AAAA") else []

    def exists(self, name: str) -> bool:
        """Return whether there is a name, or one below it (RFC 8020).

        Raises:
            LookupTimeout: no server answered in time.
        """
        return self._query(name, "TXT") is not None

    def _query(self, name: str, kind: str) -> Answer | tuple[()] | None:
        """Return the answer; an empty tuple without such records, None without such a name."""
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            return self._resolver.resolve(name, kind, search=False, lifetime=TIMEOUT)
        except NXDOMAIN:
            return None
        except NoAnswer:
            return ()
        except (DNSException, OSError) as error:
            raise LookupTimeout(str(error)) from None


def check_dns(settings: Settings) -> list[CheckResult]:
    """Check SPF, DKIM, DMARC and the return path of `HOGSEND_FROM`; nothing for local mail."""
    from ...services.mail_settings import can_send_to_internet

    if not can_send_to_internet(settings):
        return []
    from dns.exception import DNSException
    from dns.resolver import get_default_resolver

    domain = parseaddr(settings.sender)[1].rpartition("@")[2].lower()
    try:
        lookups = Lookups(get_default_resolver())
    except DNSException as error:
        text = f"This machine cannot look up DNS names: {error}"
        return [CheckResult("DNS", "warning", text, _OFFLINE)]
    checks: dict[str, Callable[[Lookups, str], CheckResult]] = {
        "SPF": check_spf,
        "DKIM": check_dkim,
        "DMARC": check_dmarc,
        "return path": check_return_path,
    }
    with ThreadPoolExecutor(len(checks)) as threads:
        futures = {part: threads.submit(check, lookups, domain) for part, check in checks.items()}
    results: list[CheckResult] = []
    for part, future in futures.items():
        try:
            results.append(future.result())
        except LookupTimeout:
            text = f"{domain} could not be looked up within {TIMEOUT:g} seconds."
            results.append(CheckResult(part, "warning", text, _OFFLINE))
    return results


def check_spf(lookups: Lookups, domain: str) -> CheckResult:
    """Check that the domain says which servers may send its mail (RFC 7208)."""
    records = [text for text in lookups.texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if not records:
        return CheckResult(
            "SPF",
            "warning",
            f"{domain} does not say which servers may send its mail.",
            f"Publish a TXT record at {domain}, such as `v=spf1 include:YOUR-PROVIDER ~all`.",
        )
    if len(records) > 1:
        text = f"{domain} has {len(records)} SPF records, so receivers ignore all of them."
        return CheckResult("SPF", "failure", text, "Merge them into one (RFC 7208 §4.5).")
    record = records[0]
    if {"+all", "all"} & set(record.lower().split()):
        text = f"{domain} lets every server send its mail: {record}"
        return CheckResult("SPF", "warning", text, "End the record with ~all or -all.")
    return CheckResult("SPF", "ok", record)


def check_dkim(lookups: Lookups, domain: str) -> CheckResult:
    """Check that the domain has a key that mails can be signed with (RFC 6376).

    Only the mail server knows the key's name, which it puts into each signature. A name that exists
    below `_domainkey` shows that there is a key.
    """
    parent = f"_domainkey.{domain}"
    if lookups.exists(parent) or any(
        lookups.texts(f"{selector}.{parent}") for selector in _SELECTORS
    ):
        return CheckResult("DKIM", "ok", f"Keys are published below {parent}.")
    return CheckResult(
        "DKIM",
        "warning",
        f"No key is published below {parent}.",
        "Have your mail provider sign for this domain, and publish the key that it gives you.",
    )


def check_dmarc(lookups: Lookups, domain: str) -> CheckResult:
    """Check that the domain says what to do with mail that fails SPF and DKIM (RFC 7489)."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = ".".join(["_dmarc", *labels[start:]])
        records = [text for text in lookups.texts(name) if text.lower().startswith("v=dmarc1")]
        if len(records) > 1:
            text = f"{name} has {len(records)} DMARC records, so receivers ignore all of them."
            return CheckResult("DMARC", "failure", text, "Merge them into one.")
        if records:
            return CheckResult("DMARC", "ok", f"{name}: {records[0]}")
    return CheckResult(
        "DMARC",
        "warning",
        f"{domain} has no DMARC record, which large mailbox providers ask for.",
        f"Publish a TXT record at _dmarc.{domain}, such as `v=DMARC1; p=none`.",
    )


def check_return_path(lookups: Lookups, domain: str) -> CheckResult:
    """Check that bounces can be delivered: they go to the sender's address."""
    servers = lookups.mail_servers(domain)
    part = "return path"
    if servers == ["."]:
        text = f"{domain} accepts no mail, so bounces are lost and receivers refuse its mail."
        remedy = "Publish an MX record, or send from another domain."
        return CheckResult(part, "failure", text, remedy)
    if not servers:
        text = f"No server accepts mail for {domain}, so bounces are lost."
        remedy = f"Publish an MX record for {domain}: many servers refuse senders without one."
        return CheckResult(part, "failure", text, remedy)
    return CheckResult(part, "ok", f"Bounces go to {servers[0].rstrip('.')}.")
