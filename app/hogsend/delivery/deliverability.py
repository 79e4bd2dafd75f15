"""Counts the outcomes of mails, by template, by sender and by the recipients' mailbox provider."""

from __future__ import annotations

from typing import Final

from ..domain.send_policy import UNSENT, Send
from ..store import counters
from ..store.counters import Tally

# The domains of the large mailbox providers; all others are counted together, because a counter
# for each domain would have no bound.
MAILBOX_PROVIDERS: Final = {
    "gmail.com": "gmail.com",
    "googlemail.com": "gmail.com",
    "outlook.com": "outlook.com",
    "hotmail.com": "outlook.com",
    "live.com": "outlook.com",
    "msn.com": "outlook.com",
    "hotmail.co.uk": "outlook.com",
    "hotmail.fr": "outlook.com",
    "hotmail.de": "outlook.com",
    "outlook.de": "outlook.com",
    "live.nl": "outlook.com",
    "yahoo.com": "yahoo.com",
    "ymail.com": "yahoo.com",
    "aol.com": "yahoo.com",
    "yahoo.co.uk": "yahoo.com",
    "yahoo.fr": "yahoo.com",
    "yahoo.de": "yahoo.com",
    "yahoo.com.br": "yahoo.com",
    "yahoo.co.jp": "yahoo.co.jp",
    "icloud.com": "icloud.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "gmx.de": "gmx.net",
    "gmx.net": "gmx.net",
    "gmx.at": "gmx.net",
    "gmx.com": "gmx.net",
    "web.de": "gmx.net",
    "t-online.de": "t-online.de",
    "freenet.de": "freenet.de",
    "proton.me": "proton.me",
    "protonmail.com": "proton.me",
    "orange.fr": "orange.fr",
    "wanadoo.fr": "orange.fr",
    "free.fr": "free.fr",
    "laposte.net": "laposte.net",
    "sfr.fr": "sfr.fr",
    "libero.it": "libero.it",
    "virgilio.it": "libero.it",
    "ziggo.nl": "ziggo.nl",
    "kpnmail.nl": "kpnmail.nl",
    "uol.com.br": "uol.com.br",
    "terra.com.br": "terra.com.br",
    "sapo.pt": "sapo.pt",
    "telefonica.net": "telefonica.net",
    "comcast.net": "comcast.net",
    "verizon.net": "verizon.net",
    "att.net": "att.net",
    "btinternet.com": "btinternet.com",
    "mail.ru": "mail.ru",
    "yandex.ru": "yandex.ru",
    "qq.com": "qq.com",
    "163.com": "163.com",
    "naver.com": "naver.com",
}
OTHER_DOMAINS: Final = "other"
COUNTED: Final = frozenset({"sent", "delivered", "bounced", "complained", "failed"})


def name_mailbox_provider(address: str) -> str:
    """Return the mailbox provider of an address, or `other`."""
    return MAILBOX_PROVIDERS.get(get_domain(address), OTHER_DOMAINS)


def get_domain(address: str) -> str:
    """Return the domain of an address in lower case; empty when there is none."""
    return address.rpartition("@")[2].lower()


def count_status(tally: Tally, send: Send, sender: str | None = None) -> None:
    """Count that a mail has come to a status.

    Args:
        tally: collects the counts.
        send: the row with the new status.
        sender: the domain of the sender, if it is known.
    """
    if send.status in UNSENT:
        return
    tally.add_today(counters.name_send_total(send.status))
    if not send.to_email or send.status not in COUNTED:
        return
    tally.add_today(counters.name_delivery_total("template", send.template or "-", send.status))
    domain = name_mailbox_provider(send.to_email)
    tally.add_today(counters.name_delivery_total("domain", domain, send.status))
    if sender:
        tally.add_today(counters.name_delivery_total("sender", sender, send.status))
