"""What a merge of two contacts records, so that it can be undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from .contact import Contact

# The source of merges that an event has caused.
BY_EVENT = "event"
# The source of choices that came from a merged contact.
MERGED = "merge"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a contact chose about a list.

    Args:
        subscribed: whether the contact subscribed.
        at: when it was chosen.
        source: who chose.
        send_id: the mail in which the contact chose.
    """

    subscribed: bool
    at: datetime
    source: str
    send_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MergeUndo:
    """What the survivor of a merge was, and what came to it from the merged contact.

    The row of the merged contact keeps its own properties and choices.

    Args:
        identities: the identities of the merged contact, as stored.
        merged_before: the contacts that had been merged into the merged contact.
        email: the survivor's address before.
        anonymous_id: the survivor's browser id before.
        first_seen_at: when the survivor was first seen, before.
        filled_in: the properties that the survivor has got from the merged contact.
        choices: for each list whose choice the survivor has got from the merged contact, its own
            choice, if it had made one; no choice that came from an earlier merge is its own.
        enrollments: the enrollments of the merged contact that were live.
        sends: the pending mails to the merged contact.
        sends_on_behalf: the pending mails that enrollments of the merged contact sent to others.
    """

    identities: Sequence[str] = ()
    merged_before: Sequence[UUID] = ()
    email: str | None = None
    anonymous_id: str | None = None
    first_seen_at: datetime | None = None
    filled_in: Mapping[str, Any] = field(default_factory=dict[str, Any])
    choices: Mapping[str, Choice | None] = field(default_factory=dict[str, Choice | None])
    enrollments: Sequence[UUID] = ()
    sends: Sequence[UUID] = ()
    sends_on_behalf: Sequence[UUID] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "identities": [*self.identities],
            "mergedBefore": _to_texts(self.merged_before),
            "email": self.email,
            "anonymousId": self.anonymous_id,
            "firstSeenAt": self.first_seen_at.isoformat() if self.first_seen_at else None,
            "filledIn": dict(self.filled_in),
            "choices": {
                list_id: _choice_to_json(choice) for list_id, choice in self.choices.items()
            },
            "enrollments": _to_texts(self.enrollments),
            "sends": _to_texts(self.sends),
            "sendsOnBehalf": _to_texts(self.sends_on_behalf),
        }

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> MergeUndo:
        """Return what `to_json` stored."""
        first_seen_at = stored["firstSeenAt"]
        return MergeUndo(
            identities=tuple(stored["identities"]),
            merged_before=_to_ids(stored["mergedBefore"]),
            email=stored["email"],
            anonymous_id=stored["anonymousId"],
            first_seen_at=datetime.fromisoformat(first_seen_at) if first_seen_at else None,
            filled_in=stored["filledIn"],
            choices={
                list_id: _choice_from_json(choice) for list_id, choice in stored["choices"].items()
            },
            enrollments=_to_ids(stored["enrollments"]),
            sends=_to_ids(stored["sends"]),
            sends_on_behalf=_to_ids(stored["sendsOnBehalf"]),
        )


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """A merge of one contact into another.

    Args:
        id: our id.
        survivor_id: the contact that remains.
        merged_id: the contact that was merged into it.
        at: when.
        source: who merged them: `event`, or the name of an operator, a key or the command line.
        note: why, as an operator wrote it; may be empty.
        undo: what an unmerge needs.
        undone_at: when the merge was undone; None while it holds.
        undone_by: who undid it.
    """

    id: UUID
    survivor_id: UUID
    merged_id: UUID
    at: datetime
    source: str
    note: str
    undo: MergeUndo
    undone_at: datetime | None = None
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateEnrollment:
    """An enrollment that a merge has ended, because both contacts were in the journey."""

    id: UUID
    contact_id: UUID
    journey_id: str


@dataclass(frozen=True, slots=True)
class OtherMerge:
    """Another merge into the same survivor, which holds.

    Args:
        record: the merge.
        properties: the properties of its merged contact.
        choices: whether its merged contact subscribed, by list.
    """

    record: MergeRecord
    properties: Mapping[str, Any]
    choices: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Unmerge:
    """The decision how to split two contacts that were merged.

    Args:
        survivor: the survivor without what came from the merged contact.
        merged: the merged contact.
        identities: the identities that return to the merged contact.
        restored: the choices that the survivor has from now on, by list; None removes a choice.
        copied: the lists that both are unsubscribed from, because somebody unsubscribed from them
            while the two were one contact.
        handed_on: the properties of the survivor that another merged contact gives from now on, by
            the record of that merge.
    """

    survivor: Contact
    merged: Contact
    identities: Sequence[str]
    restored: Mapping[str, Choice | None]
    copied: Collection[str]
    handed_on: Mapping[UUID, Mapping[str, Any]]


def decide_unmerge(
    record: MergeRecord,
    survivor: Contact,
    merged: Contact,
    *,
    identities: Collection[str],
    choices: Mapping[str, Choice],
    others: Sequence[OtherMerge],
) -> Unmerge:
    """Decide how to split two contacts; what has changed since the merge stays with the survivor.

    Args:
        record: the merge.
        survivor: the contact that remained, as it is now.
        merged: the row of the merged contact, which has not changed since the merge.
        identities: the survivor's identities.
        choices: the survivor's choices, by list.
        others: the other merges into the survivor that hold, the oldest first.
    """
    undo = record.undo
    returned = [identity for identity in undo.identities if identity in identities]
    kept = set(identities) - set(returned)
    properties, handed_on = _return_properties(record, survivor, others)
    revision = max(survivor.revision, merged.revision) + 1
    return Unmerge(
        survivor=replace(
            survivor,
            email=_restore("e:", survivor.email, undo.email, kept),
            anonymous_id=_restore("a:", survivor.anonymous_id, undo.anonymous_id, kept),
            properties=properties,
            revision=revision,
        ),
        merged=replace(merged, revision=revision),
        identities=returned,
        restored={
            list_id: _fold_choices(list_id, record, others)
            for list_id in undo.choices
            if list_id in choices and choices[list_id].source == MERGED
        },
        copied=[
            list_id
            for list_id, choice in choices.items()
            if not choice.subscribed and choice.at >= record.at and choice.source != MERGED
        ],
        handed_on=handed_on,
    )


def _return_properties(
    record: MergeRecord, survivor: Contact, others: Sequence[OtherMerge]
) -> tuple[dict[str, Any], dict[UUID, dict[str, Any]]]:
    """Return the survivor's properties without what only the merged contact gave.

    Then the properties that another merged contact gives from now on, by the record of that merge.
    """
    properties = dict(survivor.properties)
    handed_on: dict[UUID, dict[str, Any]] = {}
    for name, value in record.undo.filled_in.items():
        if name not in properties or properties[name] != value:
            continue
        del properties[name]
        other = next((other for other in others if name in other.properties), None)
        if other is not None:
            properties[name] = other.properties[name]
            handed_on.setdefault(other.record.id, {})[name] = other.properties[name]
    return properties, handed_on


def _restore(
    kind: str, present: str | None, before: str | None, kept: Collection[str]
) -> str | None:
    """Return the value of a kind that the survivor has from now on.

    Args:
        kind: the prefix of identities of this kind.
        present: its value now.
        before: its value before the merge.
        kept: the identities that the survivor keeps.
    """
    for value in (present, before):
        if value is not None and kind + value in kept:
            return value
    # A value that another contact owns is a name that this one was first seen with.
    if present == before:
        return present
    return next((name.removeprefix(kind) for name in sorted(kept) if name.startswith(kind)), None)


def _fold_choices(list_id: str, record: MergeRecord, others: Sequence[OtherMerge]) -> Choice | None:
    """Return the strictest of the survivor's own choice and those of the other merges."""
    records = sorted([record, *(other.record for other in others)], key=lambda r: r.id)
    # The newest merge that has brought the choice knows the newest choice of the survivor itself.
    own = next(r.undo.choices[list_id] for r in reversed(records) if list_id in r.undo.choices)
    brought = [other.choices[list_id] for other in others if list_id in other.choices]
    if own is not None and (not own.subscribed or all(brought)):
        return own
    return Choice(all(brought), others[-1].record.at, MERGED) if brought else None


def get_own_choice(
    list_id: str, present: Choice | None, records: Sequence[MergeRecord]
) -> Choice | None:
    """Return the choice that a contact has made itself, without those that came from merges.

    Args:
        list_id: the list.
        present: the contact's present choice.
        records: the merges into the contact that hold, the oldest first.
    """
    if present is None or present.source != MERGED:
        return present
    choices = (r.undo.choices for r in reversed(records))
    return next((known[list_id] for known in choices if list_id in known), present)


def _choice_to_json(choice: Choice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    return {
        "subscribed": choice.subscribed,
        "at": choice.at.isoformat(),
        "source": choice.source,
        "sendId": str(choice.send_id) if choice.send_id else None,
    }


def _choice_from_json(stored: Mapping[str, Any] | None) -> Choice | None:
    if stored is None:
        return None
    send_id = stored["sendId"]
    return Choice(
        stored["subscribed"],
        datetime.fromisoformat(stored["at"]),
        stored["source"],
        UUID(send_id) if send_id else None,
    )


def _to_texts(ids: Iterable[UUID]) -> list[str]:
    return [str(value) for value in ids]


def _to_ids(texts: Iterable[str]) -> tuple[UUID, ...]:
    return tuple(UUID(text) for text in texts)
