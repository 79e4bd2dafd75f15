"""The sender's domain in the DNS: what receiving servers look at before they take our mail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from ...config.settings import Settings
from .findings import CheckResult
from .mail import leaves

if TYPE_CHECKING:
    from dns.resolver import Answer, Resolver

PATIENCE = 3.0
# Names that keys often have, for servers that deny what is above a name that exists.
_SELECTORS = ("default", "mail", "dkim", "s1", "selector1", "google", "k1", "resend", "pm")
_OFFLINE = "Look again where names can be looked up."


class Unanswered(Exception):
    """Nobody has answered in time."""


class Lookups:
    """Looks names up.

    Args:
        resolver: what asks.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def texts(self, name: str) -> list[str]:
        """Return the texts (TXT) of a name.

        Raises:
            Unanswered: nobody has answered in time.
        """
        found = self._ask(name, "TXT")
        rows: list[Any] = list(found) if found else []
        return [b"".join(row.strings).decode("utf-8", "replace") for row in rows]

    def mail_servers(self, name: str) -> list[str]:
        """Return who takes mail for a name (MX, else its own address); `.` is nobody (RFC 7505).

        Raises:
            Unanswered: nobody has answered in time.
        """
        servers: list[Any] = list(self._ask(name, "MX") or ())
        if servers:
            return [str(row.exchange) for row in servers]
        return [name] if self._ask(name, "A") or self._ask(name, "AAAA") else []

    def exists(self, name: str) -> bool:
        """Say whether there is a name, or one below it (RFC 8020).

        Raises:
            Unanswered: nobody has answered in time.
        """
        return self._ask(name, "TXT") is not None

    def _ask(self, name: str, kind: str) -> Answer | tuple[()] | None:
        """Return what was found: nothing of this kind is an empty tuple, no such name is None."""
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            return self._resolver.resolve(name, kind, search=False, lifetime=PATIENCE)
        except NXDOMAIN:
            return None
        except NoAnswer:
            return ()
        except (DNSException, OSError) as error:
            raise Unanswered(str(error)) from None


def dns(settings: Settings) -> list[CheckResult]:
    """Look at SPF, DKIM, DMARC and the return path of `HOGSEND_FROM`, when mail leaves."""
    if not leaves(settings):
        return []
    from dns.exception import DNSException
    from dns.resolver import get_default_resolver

    domain = parseaddr(settings.sender)[1].rpartition("@")[2].lower()
    try:
        lookups = Lookups(get_default_resolver())
    except DNSException as error:
        return [CheckResult("DNS", "warning", f"This machine looks no names up: {error}", _OFFLINE)]
    checks: dict[str, Callable[[Lookups, str], CheckResult]] = {
        "SPF": spf,
        "DKIM": dkim,
        "DMARC": dmarc,
        "return path": return_path,
    }
    with ThreadPoolExecutor(len(checks)) as threads:
        asked = {part: threads.submit(check, lookups, domain) for part, check in checks.items()}
    findings: list[CheckResult] = []
    for part, future in asked.items():
        try:
            findings.append(future.result())
        except Unanswered:
            text = f"{domain} could not be looked up within {PATIENCE:g} seconds."
            findings.append(CheckResult(part, "warning", text, _OFFLINE))
    return findings


def spf(lookups: Lookups, domain: str) -> CheckResult:
    """Look whether the domain says which servers send its mail (RFC 7208)."""
    found = [text for text in lookups.texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if not found:
        return CheckResult(
            "SPF",
            "warning",
            f"{domain} does not say which servers send its mail.",
            f"Publish a TXT at {domain}, such as `v=spf1 include:YOUR-PROVIDER ~all`.",
        )
    if len(found) > 1:
        text = f"{domain} has {len(found)} SPF records, and so none counts."
        return CheckResult("SPF", "failure", text, "Make one of them (RFC 7208 §4.5).")
    if "+all" in found[0].lower().split() or "all" in found[0].lower().split():
        text = f"{domain} lets every server of the world send its mail: {found[0]}"
        return CheckResult("SPF", "warning", text, "End it with ~all or -all.")
    return CheckResult("SPF", "ok", found[0])


def dkim(lookups: Lookups, domain: str) -> CheckResult:
    """Look whether the domain has a key that mails can be signed with (RFC 6376).

    The name of the key is in the signature of each mail, and only the mail server knows it. That
    there is any key is seen from the names above it.
    """
    above = f"_domainkey.{domain}"
    if lookups.exists(above) or any(lookups.texts(f"{one}.{above}") for one in _SELECTORS):
        return CheckResult("DKIM", "ok", f"Keys are published below {above}.")
    return CheckResult(
        "DKIM",
        "warning",
        f"No key is published below {above}.",
        "Let your mail server's provider sign for this domain, and publish the key that it names.",
    )


def dmarc(lookups: Lookups, domain: str) -> CheckResult:
    """Look whether the domain says what becomes of mails that fail both (RFC 7489)."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = ".".join(["_dmarc", *labels[start:]])
        found = [text for text in lookups.texts(name) if text.lower().startswith("v=dmarc1")]
        if len(found) > 1:
            text = f"{name} has {len(found)} DMARC records, and so none counts."
            return CheckResult("DMARC", "failure", text, "Make one of them.")
        if found:
            return CheckResult("DMARC", "ok", f"{name}: {found[0]}")
    return CheckResult(
        "DMARC",
        "warning",
        f"{domain} has no DMARC record, which the large mailbox providers ask for.",
        f"Publish a TXT at _dmarc.{domain}, such as `v=DMARC1; p=none`.",
    )


def return_path(lookups: Lookups, domain: str) -> CheckResult:
    """Look whether bounces can come back: they go to the sender's address."""
    servers = lookups.mail_servers(domain)
    part = "return path"
    if servers == ["."]:
        text = f"{domain} takes no mail, so bounces cannot come back, and mails are refused."
        return CheckResult(part, "failure", text, "Publish an MX, or send from another domain.")
    if not servers:
        text = f"Nobody takes mail for {domain}, so bounces cannot come back."
        remedy = f"Publish an MX for {domain}: many servers refuse senders without one."
        return CheckResult(part, "failure", text, remedy)
    return CheckResult(part, "ok", f"Bounces go to {servers[0].rstrip('.')}.")
