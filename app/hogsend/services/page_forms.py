"""Forms of the public pages: signed with the time, and judged when they are submitted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from ..domain.page_forms import MANY_FORMS_TIME, is_by_person
from .consent import Recipient
from .context import ServiceContext

__all__ = ["FormGuard", "FormVerdict", "SubmittedForm", "sign_form"]

# The links whose last submissions are remembered, the most recent ones.
_MAX_LINKS = 1000


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """A form of a public page as it was submitted.

    Args:
        name: which of the page's forms, such as `unsubscribe`.
        token: the token that the page gave it; empty for none.
        agent: the User-Agent header.
    """

    name: str
    token: str
    agent: str


@dataclass(frozen=True, slots=True)
class FormVerdict:
    """The verdict on a form.

    Args:
        is_by_person: whether a person submitted it; otherwise they are asked to press again.
        has_answered: whether the person was asked before.
    """

    is_by_person: bool
    has_answered: bool


def sign_form(context: ServiceContext, link: str, *, asks_again: bool = False) -> str:
    """Return the token for the forms of a page that is shown now.

    Args:
        context: who signs.
        link: the token of the link that leads to the page.
        asks_again: whether the page asks to press a button again.
    """
    return context.tokens.sign_form(link, context.clock.now(), asks_again=asks_again)


@dataclass(slots=True)
class FormGuard:
    """Judges forms, and remembers which ones of a mail came lately.

    Args:
        context: who signed the forms.
    """

    context: ServiceContext
    _lately: OrderedDict[object, dict[str, datetime]] = field(
        default_factory=OrderedDict[object, dict[str, datetime]]
    )

    def judge(self, link: str, recipient: Recipient, form: SubmittedForm) -> FormVerdict:
        """Judge a form; see `domain.page_forms.is_by_person`.

        Args:
            link: the token of the link that leads to the page.
            recipient: who follows the link.
            form: the form.
        """
        now = self.context.clock.now()
        forms = self._remember(recipient.send_id or recipient.contact.id, form.name, now)
        token = self.context.tokens.read_form(form.token, link) if form.token else None
        accepted = is_by_person(token, form.agent, now, sent_at=recipient.sent_at, forms=forms)
        return FormVerdict(accepted, accepted and token is not None and token.asks_again)

    def _remember(self, mail: object, name: str, now: datetime) -> list[str]:
        """Return the forms of a mail that were submitted lately, with this one."""
        forms = self._lately.setdefault(mail, {})
        self._lately.move_to_end(mail)
        while len(self._lately) > _MAX_LINKS:
            self._lately.popitem(last=False)
        forms[name] = now
        return [other for other, at in forms.items() if now - at < MANY_FORMS_TIME]
