"""How mail is sent, as an author declares it: providers, senders, rates, caps and quiet hours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from .times import Window

WhenCapped = Literal["skip", "defer"]

_DAY = timedelta(days=1)
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})+")
_PROVIDER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Rate:
    """A greatest number of mails in a period, spread evenly over it.

    Args:
        mails: how many mails, at least 1.
        per: the period, from a second to a day.

    Raises:
        ValueError: the number or the period is out of range.
    """

    mails: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.mails < 1 or not timedelta(seconds=1) <= self.per <= _DAY:
            raise ValueError("a rate needs at least one mail in a period from a second to a day")

    def compute_per_second(self) -> float:
        """Return the mails a second."""
        return self.mails / self.per.total_seconds()


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A plan by which a new sender mails a little more every day, until it is known.

    Args:
        starts: the first day, UTC.
        first_day: the mails of the first day.
        growth: the factor from one day to the next, more than 1.
        until: the mails a day after which there is no limit any more.

    Raises:
        ValueError: a value is out of range.
    """

    starts: date
    first_day: int = 50
    growth: float = 1.5
    until: int = 50_000

    def __post_init__(self) -> None:
        if self.first_day < 1 or not 1 < self.growth <= 10 or self.until < self.first_day:
            raise ValueError(
                "a warm-up needs a first day of at least one mail, a growth from 1 to 10 and an "
                "end beyond the first day"
            )

    def compute_rate(self, now: datetime) -> Rate | None:
        """Return the limit of the day of an instant; None when the plan has ended.

        Before the first day the limit is that of the first day.
        """
        day = max((now.date() - self.starts).days, 0)
        # A power that no integer holds is beyond the end of the plan anyway.
        mails = self.first_day * self.growth ** min(day, 400)
        return None if mails > self.until else Rate(int(mails), _DAY)


@dataclass(frozen=True, slots=True)
class Sender:
    """What applies to mail from the addresses of a domain.

    Args:
        domain: the domain of the `From` address, such as `news.example.com`.
        rate: the most mails from it.
        warm_up: the plan for a domain that has not sent much mail yet.

    Raises:
        ValueError: the domain is not valid.
    """

    domain: str
    rate: Rate | None = None
    warm_up: WarmUp | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.domain):
            raise ValueError(f"{self.domain!r} is not a domain in lower case")


@dataclass(frozen=True, slots=True)
class MailRoute:
    """Which providers take a mail. A route without conditions takes every mail.

    Args:
        providers: the name of a provider, or several with their weights.
        failover: the providers that take the mail, in this order, when the chosen one refuses mail
            for now. A mail that may have left is never given to another provider.
        lists: only mail of these lists.
        senders: only mail from these domains.
        recipients: only mail to these domains.

    Raises:
        ValueError: there is no provider, or a name or a weight is not valid.
    """

    providers: str | Mapping[str, int]
    failover: Sequence[str] = ()
    lists: Sequence[str] = ()
    senders: Sequence[str] = ()
    recipients: Sequence[str] = ()

    def __post_init__(self) -> None:
        names = [*self.weights, *self.failover]
        if not self.weights or not all(1 <= weight <= 1000 for weight in self.weights.values()):
            raise ValueError("a route needs a provider, and weights from 1 to 1000")
        for name in names:
            if not _PROVIDER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of a provider")

    @property
    def weights(self) -> Mapping[str, int]:
        """The providers, each with its weight."""
        return {self.providers: 1} if isinstance(self.providers, str) else self.providers

    def matches(self, list_id: str, sender: str, recipient: str) -> bool:
        """Return whether the route takes a mail.

        Args:
            list_id: the mail's list.
            sender: the domain of its sender.
            recipient: the domain of its recipient.
        """
        return (
            (not self.lists or list_id in self.lists)
            and (not self.senders or sender in self.senders)
            and (not self.recipients or recipient in self.recipients)
        )

    def order(self, number: int) -> Sequence[str]:
        """Return the providers that may take a mail, the preferred one first.

        Args:
            number: a number that belongs to the mail, so that its provider does not change.
        """
        names = [name for name, weight in self.weights.items() for _ in range(weight)]
        return tuple(dict.fromkeys([names[number % len(names)], *self.failover]))


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """The most mails that one contact gets in a period; transactional mail does not count.

    Args:
        mails: how many mails, at least 1.
        per: the period, up to 90 days.
        then: whether a mail beyond the cap is skipped or waits.

    Raises:
        ValueError: a value is out of range.
    """

    mails: int
    per: timedelta
    then: WhenCapped = "skip"

    def __post_init__(self) -> None:
        if self.mails < 1 or not timedelta() < self.per <= timedelta(days=90):
            raise ValueError("a frequency cap needs at least one mail in up to 90 days")
        if self.then not in ("skip", "defer"):
            raise ValueError('then must be "skip" or "defer"')


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """How mail is sent. The journeys' folder has at most one.

    Args:
        routes: which providers take which mails; the first one that matches counts, and without one
            the first provider of `HOGSEND_MAIL`.
        senders: what applies to mail from a domain.
        provider_rates: the most mails through a provider, by its name.
        recipient_rates: the most mails to the addresses of a domain, by the domain.
        quiet_hours: when no mail leaves, in the recipient's time zone, such as
            `("21:00", "08:00")`; transactional mail always leaves.
        frequency_cap: the most mails that one contact gets.
        max_bounce_rate: the share of bounces of a sender at which its mail stops.
        max_complaint_rate: the share of complaints at which it stops.
        min_sample: the mails of two days from which on these shares count.

    Raises:
        ValueError: a value is out of range, or a sender is there twice.
    """

    routes: Sequence[MailRoute] = ()
    senders: Sequence[Sender] = ()
    provider_rates: Mapping[str, Rate] = field(default_factory=dict[str, Rate])
    recipient_rates: Mapping[str, Rate] = field(default_factory=dict[str, Rate])
    quiet_hours: tuple[str, str] | None = None
    frequency_cap: FrequencyCap | None = None
    max_bounce_rate: float = 0.05
    max_complaint_rate: float = 0.001
    min_sample: int = 500

    def __post_init__(self) -> None:
        domains = [sender.domain for sender in self.senders]
        if len(set(domains)) < len(domains):
            raise ValueError("a sender is there twice")
        if self.quiet_hours is not None:
            Window.parse(*self.quiet_hours)
        shares = (self.max_bounce_rate, self.max_complaint_rate)
        if not all(0 < share <= 1 for share in shares) or self.min_sample < 1:
            raise ValueError("the greatest shares are above 0 and up to 1, the sample at least 1")

    def find_sender(self, domain: str) -> Sender | None:
        """Return what applies to mail from a domain."""
        return next((sender for sender in self.senders if sender.domain == domain), None)

    def find_route(self, list_id: str, sender: str, recipient: str) -> MailRoute | None:
        """Return the first route that takes a mail; see `MailRoute.matches`."""
        return next(
            (route for route in self.routes if route.matches(list_id, sender, recipient)), None
        )

    def list_provider_names(self) -> set[str]:
        """Return the names of all providers that the policy mentions."""
        routed = {name for route in self.routes for name in (*route.weights, *route.failover)}
        return {*routed, *self.provider_rates}


NO_POLICY = SendingPolicy()
