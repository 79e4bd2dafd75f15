"""Merges two contacts in the model: which enrollments continue, and which mails leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product

from .model_values import ModelContact, ModelEnrollment, ModelEvent, ModelMerge, ModelSend
from .reference_model import ReferenceModel, find_exit_rule


def merge(model: ReferenceModel, survivor: ModelContact, other: ModelContact) -> None:
    """Merge a contact into another one."""
    own, theirs = (_list_enrollments(model, person) for person in (survivor, other))
    foreign = ((own, model.find_events(other)), (theirs, model.find_events(survivor)))
    awaited = [
        (enrollment, event)
        for enrollments, events in foreign
        for enrollment in enrollments
        for event in events
        if enrollment.is_live and enrollment.look_back.includes(event)
    ]
    exits = [
        exit
        for enrollments, events in foreign
        for enrollment in enrollments
        for exit in _list_exits(model, enrollment, events)
    ]
    _record(model, survivor, other)
    other.merged_into = survivor
    for ended, reason in exits:
        if isinstance(ended, ModelSend):
            ended.cancel(reason)
        elif ended.is_live:
            model.end(ended, reason)
    pairs = [pair for pair in product(own, theirs) if _are_one_entry(model, *pair)]
    ended_now = [
        _end_one(model, *sorted((first, second), key=lambda e: e.number))
        for first, second in pairs
        if first.is_live and second.is_live
    ]
    doubles = [(first, second, _list_doubles(model, first, second)) for first, second in pairs]
    for first, second in pairs:
        _adopt(model, first, second)
        _adopt(model, second, first)
    for first, second, mails in doubles:
        older = min((first, second), key=lambda e: e.number)
        for mail, double in mails:
            _cancel_double(mail, double, prefers_double=older in ended_now)
    for enrollment, event in awaited:
        model.apply_event(enrollment, event)
    survivor.ends = survivor.ends or other.ends
    survivor.email = survivor.email or other.email
    for enrollment in model.find_live(survivor):
        model.move(enrollment)


def _record(model: ReferenceModel, survivor: ModelContact, other: ModelContact) -> None:
    """Record the merge, and give the survivor the stricter choices of the other contact."""
    brought = {
        list_id: subscribed
        for list_id, subscribed in other.subscriptions.items()
        if list_id not in survivor.subscriptions
        or (survivor.subscriptions[list_id] and not subscribed)
    }
    own = {list_id: _find_own_choice(model, survivor, list_id) for list_id in brought}
    gave_ends = survivor.ends is None and other.ends is not None
    model.merges.append(ModelMerge(survivor, other, model.now, survivor.email, own, gave_ends))
    survivor.subscriptions |= brought
    survivor.merged_lists |= set(brought)


def _find_own_choice(model: ReferenceModel, person: ModelContact, list_id: str) -> bool | None:
    """Return what a contact has chosen itself, without what came from merges."""
    present = person.subscriptions.get(list_id)
    if list_id not in person.merged_lists:
        return present
    known = (m.choices for m in reversed(_list_merges(model, person)))
    return next((choices[list_id] for choices in known if list_id in choices), present)


def _list_merges(model: ReferenceModel, survivor: ModelContact) -> list[ModelMerge]:
    """Return the merges into a contact that hold."""
    return [m for m in model.merges if m.survivor is survivor]


def list_undoable(model: ReferenceModel) -> list[ModelMerge]:
    """Return the merges whose survivor was not merged itself."""
    return [m for m in model.merges if m.survivor.merged_into is None]


def undo(model: ReferenceModel, record: ModelMerge) -> None:
    """Split two contacts; what has changed since the merge stays with the survivor."""
    survivor, merged = record.survivor, record.merged
    merged.merged_into = None
    others = [m for m in _list_merges(model, survivor) if m is not record]
    records = _list_merges(model, survivor)
    kept = {
        name.removeprefix("e:")
        for name, owner in model.contacts_by_identity.items()
        if name.startswith("e:") and owner.survivor is survivor
    }
    candidates = [e for e in (survivor.email, record.email) if e in kept]
    if survivor.email != record.email or candidates:
        survivor.email = next(iter([*candidates, *sorted(kept)]), None)
    if record.gave_ends and survivor.ends == merged.ends:
        donor = next((m for m in others if m.merged.ends is not None), None)
        survivor.ends = donor.merged.ends if donor else None
        if donor:
            donor.gave_ends = True
    _restore_choices(record, records, others)
    for mail in model.mails:
        owner = mail.enrollment.person.survivor
        if mail.status == "queued" and not mail.to and owner in (survivor, merged):
            mail.recipient = owner
    model.merges.remove(record)
    for enrollment in [*model.find_live(survivor), *model.find_live(merged)]:
        model.move(enrollment)


def _restore_choices(
    record: ModelMerge, records: list[ModelMerge], others: list[ModelMerge]
) -> None:
    survivor, merged = record.survivor, record.merged
    for list_id in record.choices:
        if list_id in survivor.merged_lists:
            _restore_choice(survivor, list_id, records, others)
    for list_id, at in survivor.left_at.items():
        is_left = survivor.subscriptions.get(list_id) is False
        if is_left and at >= record.at and list_id not in survivor.merged_lists:
            merged.subscriptions[list_id] = False
            merged.merged_lists.add(list_id)


def _restore_choice(
    survivor: ModelContact, list_id: str, records: list[ModelMerge], others: list[ModelMerge]
) -> None:
    own = next(m.choices[list_id] for m in reversed(records) if list_id in m.choices)
    brought = [m.merged.subscriptions[list_id] for m in others if list_id in m.merged.subscriptions]
    if own is not None and (not own or all(brought)):
        survivor.subscriptions[list_id] = own
        survivor.merged_lists.discard(list_id)
    elif brought:
        survivor.subscriptions[list_id] = all(brought)
    else:
        del survivor.subscriptions[list_id]
        survivor.merged_lists.discard(list_id)


def _list_exits(
    model: ReferenceModel, enrollment: ModelEnrollment, events: Sequence[ModelEvent]
) -> Iterator[tuple[ModelEnrollment | ModelSend, str]]:
    """Yield the enrollment and its mails that the events of the other contact end."""
    plan = model.known_code[enrollment.journey]
    for event in events:
        rule = find_exit_rule(plan, event, enrollment)
        if rule is None:
            continue
        reason = f"exit_on {rule.event}"
        if enrollment.is_live and event.number > enrollment.trigger.number:
            yield enrollment, reason
        for mail in model.mails:
            if mail.enrollment is enrollment and event.number > mail.number:
                yield mail, reason


def _list_enrollments(model: ReferenceModel, person: ModelContact) -> list[ModelEnrollment]:
    return [e for e in model.enrollments if e.person.survivor is person]


def _are_one_entry(model: ReferenceModel, first: ModelEnrollment, second: ModelEnrollment) -> bool:
    """Return whether one contact could not have begun both."""
    if (first.journey, first.key) != (second.journey, second.key):
        return False
    if "held_out" in (first.state, second.state) or not (first.is_entry and second.is_entry):
        return False
    older, younger = sorted((first, second), key=lambda e: e.number)
    if older.is_live or (older.ended_at and older.ended_at > younger.entered_at):
        return True
    rule = model.known_code[first.journey].entry
    if isinstance(rule, timedelta):
        return younger.entered_at - older.entered_at < rule
    return rule == "once"


def _list_mails(model: ReferenceModel, enrollment: ModelEnrollment) -> dict[str, ModelSend]:
    return {mail.key: mail for mail in model.mails if mail.enrollment is enrollment}


def _list_sent(model: ReferenceModel, enrollment: ModelEnrollment) -> dict[str, ModelSend]:
    return {key: m for key, m in _list_mails(model, enrollment).items() if m.is_under_way}


def _list_missed(model: ReferenceModel, enrollment: ModelEnrollment) -> set[str]:
    mails = _list_mails(model, enrollment)
    return {key for key, mail in mails.items() if mail.reason == "no_address"}


def _end_one(
    model: ReferenceModel, older: ModelEnrollment, younger: ModelEnrollment
) -> ModelEnrollment:
    """End the younger one, unless only the older one has missed mails."""
    older_missed = _list_missed(model, older) - _list_sent(model, younger).keys()
    younger_missed = _list_missed(model, younger) - _list_sent(model, older).keys()
    ended = older if older_missed and not younger_missed else younger
    model.end(ended, "merged", keeps_mails=True)
    return ended


def _list_doubles(
    model: ReferenceModel, first: ModelEnrollment, second: ModelEnrollment
) -> list[tuple[ModelSend, ModelSend]]:
    """Return the mails that both send, the older enrollment's first."""
    older, younger = sorted((first, second), key=lambda e: e.number)
    mails = _list_sent(model, younger)
    return [(m, mails[key]) for key, m in _list_sent(model, older).items() if key in mails]


def _adopt(model: ReferenceModel, enrollment: ModelEnrollment, other: ModelEnrollment) -> None:
    """Record what the other one has done, so that it is not done again."""
    if not enrollment.is_live:
        return
    missed = _list_missed(model, enrollment)
    for key, mail in _list_sent(model, other).items():
        if key not in enrollment.journal and key not in enrollment.pauses:
            enrollment.journal[key] = True
            enrollment.sends += 1
            if mail.status == "queued":
                mail.enrollment = enrollment
        elif key in missed:
            enrollment.sends += 1
    for key, answer in other.journal.items():
        is_effect = key.startswith(("trigger:", "step:"))
        if is_effect and key not in other.passed and key not in enrollment.pauses:
            enrollment.journal.setdefault(key, answer)


def _cancel_double(mail: ModelSend, double: ModelSend, *, prefers_double: bool) -> None:
    """Cancel one of two mails, unless both have left."""
    if not (mail.is_under_way and double.is_under_way):
        return
    if mail.status == "queued" and (double.status != "queued" or prefers_double):
        mail.cancel("merged")
    elif double.status == "queued":
        double.cancel("merged")
