"""Selects, of the contacts that an event names, those that can be one person."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.contact import Contact
from ..errors import Forbidden
from .contact_state import ContactState


def select_same_person(
    states: Sequence[ContactState], user_id: str | None, *, is_public: bool = False
) -> list[ContactState]:
    """Return the contacts that can be one person, in the order of `states`.

    Two contacts with different user ids are never one person: without a user id in the event, the
    first contact that has one decides.

    Args:
        states: the contacts that an event names.
        user_id: the user id that it names, if any.
        is_public: whether a web page sent it.

    Raises:
        Forbidden: a web page names a known person by a browser only.
    """
    if is_public:
        states = _drop_unproven(states, user_id)
    matching: list[ContactState] = []
    for state in states:
        own_user_id = state.contact.user_id
        if user_id and own_user_id and own_user_id != user_id:
            continue
        user_id = user_id or own_user_id
        matching.append(state)
    return matching


def _drop_unproven(states: Sequence[ContactState], user_id: str | None) -> list[ContactState]:
    """Return contacts without the known people whom a web page names by an anonymous id only.

    A page proves its user id by a token, but can name the anonymous id of any browser. So it gets a
    contact that is only a browser, and never a contact with an address or another user id.

    Args:
        states: the contacts that the page names.
        user_id: the user id that it proves; None for none.

    Raises:
        Forbidden: the page proves no user id, and names a known person.
    """
    if not user_id and any(_is_known(state.contact) for state in states):
        raise Forbidden(
            "publishable anonymous write cannot attach to or merge an identified contact"
        )
    return [
        state
        for state in states
        if state.contact.user_id == user_id or not _is_known(state.contact)
    ]


def _is_known(contact: Contact) -> bool:
    return bool(contact.user_id or contact.email)
