"""Decides what becomes of the enrollments and mails of two contacts that are one person.

The rule is that the person goes through a journey once where one contact would have, and gets each
of its mails once, whatever the order of events (docs/decisions/0020-merges-lose-no-mail.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from .enrollment import LIVE_STATES
from .journey import Entry
from .send_policy import UNSENT

REASON = "merged"
# The kinds of journal entries with an effect that a merge does not repeat, besides mails.
EFFECTS = ("trigger", "step")
_REFUSED = ("skipped", "suppressed", "cancelled")


@dataclass(frozen=True, slots=True)
class PastEnrollment:
    """The fields of an enrollment, live or ended, by which a merge decides."""

    id: UUID
    contact_id: UUID
    journey_id: str
    entry_key: str
    trigger_event_id: UUID
    state: str
    sends: int
    entered_at: datetime
    ended_at: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether the enrollment has not ended."""
        return self.state in LIVE_STATES

    @property
    def is_entry(self) -> bool:
        """Whether the enrollment counts as an entry; a failure before the first send does not."""
        return self.state != "held_out" and (self.state != "failed" or self.sends > 0)


@dataclass(frozen=True, slots=True)
class PastMail:
    """The fields of an enrollment's mail by which a merge decides."""

    id: UUID
    enrollment_id: UUID
    journey_id: str
    step_key: str
    status: str
    reason: str | None

    @property
    def is_missed(self) -> bool:
        """Whether the mail was not sent because the contact had no address."""
        return self.reason == "no_address"

    @property
    def is_under_way(self) -> bool:
        """Whether the mail was sent or is going to be; failed and bounced mails count as sent."""
        return self.status not in _REFUSED

    @property
    def is_queued(self) -> bool:
        """Whether the mail waits for its hand-over, or for its template."""
        return self.status in UNSENT


@dataclass
class MergeDecision:
    """The decision about the enrollments of two contacts.

    Args:
        ended: the enrollments that exit, each with the reason.
        counterparts: for each live enrollment that continues, the enrollments of the other contact
            that were the same entry of the person.
        adopted: the mails of counterparts that an enrollment does not send again.
        covered: for each enrollment, how many of the mails that it has missed its counterparts have
            sent.
        cancelled: the queued mails that would be duplicates, because the other contact has got them
            or is going to get them, each with the reason.
    """

    ended: dict[UUID, str] = field(default_factory=dict[UUID, str])
    counterparts: dict[UUID, list[UUID]] = field(default_factory=dict[UUID, list[UUID]])
    adopted: dict[UUID, list[PastMail]] = field(default_factory=dict[UUID, list[PastMail]])
    covered: Counter[UUID] = field(default_factory=Counter[UUID])
    cancelled: dict[UUID, str] = field(default_factory=dict[UUID, str])


def decide_merge(
    own: Collection[PastEnrollment],
    others: Collection[PastEnrollment],
    mails: Iterable[PastMail],
    *,
    exits: Mapping[UUID, str],
    withdrawn: Collection[UUID],
    find_entry_rule: Callable[[str], Entry | None],
) -> MergeDecision:
    """Decide about the enrollments of two contacts that become one.

    Args:
        own: the enrollments of one contact.
        others: the enrollments of the other contact.
        mails: the mails of all these enrollments.
        exits: the live enrollments that an event of the other contact has ended, with the reason.
        withdrawn: the queued mails that such an event has cancelled.
        find_entry_rule: returns how often a contact may enter a journey, if that is known.
    """
    decision = MergeDecision(ended=dict(exits))
    mails_by_enrollment: dict[UUID, list[PastMail]] = {}
    for mail in mails:
        if mail.id not in withdrawn:
            mails_by_enrollment.setdefault(mail.enrollment_id, []).append(mail)
    pairs = [
        _Pair(first, second, mails_by_enrollment)
        for first, second in _pair_up(own, others, find_entry_rule)
    ]
    for pair in pairs:
        if pair.older.is_live and pair.younger.is_live and not pair.has_exit(decision):
            decision.ended[pair.choose_to_end().id] = REASON
    for pair in pairs:
        pair.adopt(decision)
    for pair in pairs:
        pair.cancel_duplicates(decision)
    return decision


def _pair_up(
    own: Collection[PastEnrollment],
    others: Collection[PastEnrollment],
    find_entry_rule: Callable[[str], Entry | None],
) -> Iterable[tuple[PastEnrollment, PastEnrollment]]:
    """Return the pairs of enrollments that are one entry of the person, the older one first."""
    others_by_entry: dict[tuple[str, str], list[PastEnrollment]] = {}
    for enrollment in others:
        if enrollment.is_entry:
            entry = enrollment.journey_id, enrollment.entry_key
            others_by_entry.setdefault(entry, []).append(enrollment)
    for enrollment in sorted(own, key=lambda e: e.id):
        if enrollment.is_entry:
            entry = enrollment.journey_id, enrollment.entry_key
            for other in others_by_entry.get(entry, ()):
                older, younger = sorted((enrollment, other), key=lambda e: e.id)
                if _are_one_entry(find_entry_rule(enrollment.journey_id), older, younger):
                    yield older, younger


def _are_one_entry(rule: Entry | None, older: PastEnrollment, younger: PastEnrollment) -> bool:
    """Return whether one contact could not have begun the younger enrollment after the older."""
    if older.ended_at is None or older.ended_at > younger.entered_at:
        return True
    if rule is None or rule.limit == "unlimited":
        return False
    return rule.period is None or younger.entered_at - older.entered_at < rule.period


class _Pair:
    """Two enrollments that are one entry of the person, and the keys of their mails."""

    def __init__(
        self,
        older: PastEnrollment,
        younger: PastEnrollment,
        mails: Mapping[UUID, Sequence[PastMail]],
    ) -> None:
        self.older = older
        self.younger = younger
        self._mails = {e.id: mails.get(e.id, ()) for e in (older, younger)}

    def has_exit(self, decision: MergeDecision) -> bool:
        """Return whether a decision already exits one of the two."""
        return bool({self.older.id, self.younger.id} & decision.ended.keys())

    def choose_to_end(self) -> PastEnrollment:
        """Return which of two live enrollments ends.

        The older one continues, unless only it has missed mails for want of an address.
        """
        older_has_missed = self._has_missed(self.older, self.younger)
        younger_has_missed = self._has_missed(self.younger, self.older)
        return self.older if older_has_missed and not younger_has_missed else self.younger

    def _has_missed(self, enrollment: PastEnrollment, other: PastEnrollment) -> bool:
        """Return whether an enrollment has missed a mail that the other one has not sent."""
        sent = {mail.step_key for mail in self._mails[other.id] if mail.is_under_way}
        return any(m.is_missed and m.step_key not in sent for m in self._mails[enrollment.id])

    def adopt(self, decision: MergeDecision) -> None:
        """Decide that a live enrollment does not repeat the mails that its counterpart has sent."""
        for enrollment, other in ((self.older, self.younger), (self.younger, self.older)):
            if not enrollment.is_live or enrollment.id in decision.ended:
                continue
            decision.counterparts.setdefault(enrollment.id, []).append(other.id)
            adopted = decision.adopted.setdefault(enrollment.id, [])
            known = {mail.step_key for mail in (*self._mails[enrollment.id], *adopted)}
            missed = {mail.step_key for mail in self._mails[enrollment.id] if mail.is_missed}
            sent = [mail for mail in self._mails[other.id] if mail.is_under_way]
            adopted += [mail for mail in sent if mail.step_key not in known]
            decision.covered[enrollment.id] += sum(mail.step_key in missed for mail in sent)

    def cancel_duplicates(self, decision: MergeDecision) -> None:
        """Decide to cancel queued mails that the other enrollment has sent or is going to send.

        Of two queued mails, that of the enrollment that continues is kept.
        """
        younger_by_key = {m.step_key: m for m in self._mails[self.younger.id] if m.is_under_way}
        for older in self._mails[self.older.id]:
            younger = younger_by_key.get(older.step_key)
            if younger is None or not older.is_under_way:
                continue
            if {older.id, younger.id} & decision.cancelled.keys():
                continue
            if older.is_queued and (not younger.is_queued or self.older.id in decision.ended):
                decision.cancelled[older.id] = REASON
            elif younger.is_queued:
                decision.cancelled[younger.id] = REASON
