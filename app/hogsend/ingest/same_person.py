"""Which of the contacts that an event names can be its person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from ..domain.contact import Contact
from ..errors import Forbidden


class _HasContact(Protocol):
    @property
    def contact(self) -> Contact: ...


StateT = TypeVar("StateT", bound=_HasContact)


def select_same_person(
    states: Sequence[StateT], user_id: str | None, *, is_public: bool = False
) -> list[StateT]:
    """Return the contacts that can be one person, in the order of `states`.

    Two contacts with different user ids are never one person.

    Args:
        states: the contacts that an event names.
        user_id: the user id that it names, if any.
        is_public: whether a web page sent it.

    Raises:
        Forbidden: a web page names a known person by a browser only.
    """
    if is_public:
        states = _drop_unproven(states, user_id)
    matching: list[StateT] = []
    for state in states:
        own_user_id = state.contact.user_id
        if user_id and own_user_id and own_user_id != user_id:
            continue
        user_id = user_id or own_user_id
        matching.append(state)
    return matching


def _drop_unproven(states: Sequence[StateT], user_id: str | None) -> list[StateT]:
    """Return contacts without the known people that a web page names by a browser only.

    A page proves the user id that it names, and nothing proves that a browser is its own: what is
    known of a browser only becomes the user's, and a contact with an address stays apart.

    Args:
        states: the contacts that the page names.
        user_id: the user id that it proves; None for none.

    Raises:
        Forbidden: the page proves nothing, and names a known person.
    """
    if not user_id and any(_is_known(state.contact) for state in states):
        raise Forbidden(
            "publishable anonymous write cannot attach to or merge an identified contact"
        )
    return [s for s in states if s.contact.user_id == user_id or not _is_known(s.contact)]


def _is_known(contact: Contact) -> bool:
    return bool(contact.user_id or contact.email)
