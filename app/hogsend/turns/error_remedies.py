"""What to do about errors of authors' code that Python's own message leaves open."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.history import EmailPast, JourneyPast
from .author_imports import explain_import_error
from .call_results import Sent, Throttle, Waited
from .calls.when import Day, When
from .context import Context
from .history import History

# What authors get, and how a message names it.
NOUNS: Mapping[type, str] = {
    Contact: "A contact",
    Event: "An event",
    Context: "The context",
    History: "`ctx.history`",
    When: "`ctx.when`",
    Day: "A day of `ctx.when`",
    Sent: "The result of `ctx.send`",
    Waited: "The result of a wait",
    Throttle: "The result of `ctx.throttle`",
    JourneyPast: "The result of `ctx.history.journey`",
    EmailPast: "The result of `ctx.history.email`",
}


def explain_error(error: BaseException) -> str:
    """Return what to do about an error of an author's code; empty if its message is enough."""
    if isinstance(error, AttributeError) and type(error.obj) in NOUNS and error.name:
        noun = NOUNS[type(error.obj)]
        return f"{noun} has no `{error.name}`. {find_attribute_remedy(error.obj, error.name)}"
    return explain_import_error(error)


def find_attribute_remedy(owner: object, name: str, code: str = "") -> str:
    """Return what to write instead of an attribute that does not exist.

    Args:
        owner: the object.
        name: the attribute.
        code: how the author's code names the object.
    """
    names = [known for known in dir(owner) if not known.startswith("_")]
    has_close = bool(difflib.get_close_matches(name, names, n=1))
    if isinstance(owner, Contact | Event) and not has_close:
        return f'What your product sent is in `{code or "…"}.properties["{name}"]`.'
    return suggest(name, names)


def suggest(name: str, known: Sequence[str]) -> str:
    """Return the nearest of the known names as a question, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"It has {', '.join(sorted(known))}."
