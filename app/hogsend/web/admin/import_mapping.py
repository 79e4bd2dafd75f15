"""The form that says what the columns of a file are imported as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...domain.import_columns import Field, ImportKind, Target, parse_target
from ...domain.journey import MailList
from ...errors import InvalidInput
from ...services.import_uploads import SampleRow

# How many values of a column are shown, and how many characters of each.
_SAMPLES, _SAMPLE_LENGTH = 3, 60
_PROPERTY = "property"
# What a column can be imported as: the labels of the options by their values, in groups.
_IDENTITY = {
    "email": "Email address",
    "userId": "User ID",
    "anonymousId": "Anonymous ID",
}
_PROPERTIES = {
    "property": "Property, as text",
    "property:number": "Property, as a number",
    "property:boolean": "Property, as yes or no",
    "property:json": "Property, as JSON",
    "properties": "Several properties, as a JSON object",
}
_CONSENT = {
    "subscribed": "Wants email: yes or no",
    "unsubscribed": "Unsubscribed from all: yes or no",
    "unsubscribedAt": "When the contact unsubscribed",
    "bouncedAt": "When email bounced",
    "status": "Status, such as subscribed or bounced",
    "suppressed": "Why the address is suppressed",
}
_TIMES = {"firstSeenAt": "When first seen", "lastSeenAt": "When last seen"}
# Columns that only our own exports have.
_EXPORTED = {
    "identities": "Further identities",
    "lists": "Choices about lists, as JSON",
    "suppression": "Suppression, as JSON",
}
_SUPPRESSIONS = {
    "email": "Email address",
    "userId": "User ID",
    "reason": "Reason: unsubscribed, bounced or complained",
    "suppressedAt": "When it happened",
}


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A column in the form.

    Args:
        name: the name of the column.
        samples: some of its values.
        choice: the value of the option that is selected.
        property: the name of the property; empty when the column is not imported as one.
    """

    name: str
    samples: Sequence[str]
    choice: str
    property: str


def list_options(
    kind: ImportKind, lists: Mapping[str, MailList]
) -> Mapping[str, Mapping[str, str]]:
    """Return what a column can be imported as: the labels by value, in groups."""
    nothing = {"ignore": "Do not import"}
    if kind == "suppressions":
        return {"Address": _SUPPRESSIONS, "Nothing": nothing}
    subscriptions = {f"list:{key}": f"Subscribed to {lists[key].name}" for key in lists}
    groups = {
        "Identity": _IDENTITY,
        "Properties": _PROPERTIES,
        "Lists": subscriptions,
        "Consent": _CONSENT,
        "Times": _TIMES,
        "From an export of Hogsend": _EXPORTED,
        "Nothing": nothing,
    }
    return {label: options for label, options in groups.items() if options}


def build_columns(columns: Mapping[str, str], sample: Sequence[SampleRow]) -> list[ColumnField]:
    """Return the columns of the form.

    Args:
        columns: what each column is imported as now.
        sample: the first rows of the file.
    """
    return [_build_column(name, parse_target(text), sample) for name, text in columns.items()]


def _build_column(name: str, target: Target, sample: Sequence[SampleRow]) -> ColumnField:
    values = dict.fromkeys(row.cells.get(name, "").strip() for row in sample)
    samples = [
        value if len(value) <= _SAMPLE_LENGTH else f"{value[:_SAMPLE_LENGTH]}…"
        for value in values
        if value
    ]
    if target.field is Field.PROPERTY:
        suffix = "" if target.type == "text" else f":{target.type}"
        return ColumnField(name, samples[:_SAMPLES], _PROPERTY + suffix, target.name)
    return ColumnField(name, samples[:_SAMPLES], str(target), "")


def parse_columns(columns: Sequence[str], form: Mapping[str, str]) -> dict[str, str]:
    """Read what each column is imported as from a posted form.

    Args:
        columns: the names of the columns, in the order of the form.
        form: the fields `target-N` and `name-N` of each column; what the form has no field for is
            guessed later.

    Raises:
        InvalidInput: a property has no name.
    """
    chosen: dict[str, str] = {}
    for number, name in enumerate(columns):
        choice = form.get(f"target-{number}", "")
        head, _, value_type = choice.partition(":")
        if head == _PROPERTY:
            # A JSON object may have a field whose name is empty.
            property_name = form.get(f"name-{number}", "").strip() or name.strip()
            if not property_name:
                raise InvalidInput("A property has no name.", "Name it, or do not import it.")
            choice = f"{_PROPERTY}:{property_name}:{value_type or 'text'}"
        if choice:
            chosen[name] = choice
    return chosen
