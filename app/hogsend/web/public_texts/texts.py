"""The texts of the public pages: which there are, and how a date is written among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTexts:
    """The texts of the public pages in one language.

    Names in braces are replaced: `{email}` by a masked address, `{list}` by a list's name, `{date}`
    by a date. A language without one of the texts cannot be loaded.
    """

    this_address: str
    language: str
    save_language: str
    # The page that unsubscribes.
    unsubscribe_title: str
    unsubscribed_title: str
    unsubscribe_question: str
    is_subscribed: str
    unsubscribe: str
    has_been_unsubscribed: str
    gets_list_no_longer: str
    gets_nothing: str
    undo: str
    is_subscribed_again: str
    gets_list_again: str
    is_already_unsubscribed: str
    does_not_get_list: str
    does_not_get_anything: str
    unsubscribe_from_all: str
    manage_preferences: str
    # The preference page.
    preferences_title: str
    choose_emails: str
    has_stopped_everything: str
    resubscribe: str
    choices_are_kept: str
    essential_list: str
    save_preferences: str
    saving: str
    saved: str
    not_saved: str
    pause: str
    pause_explanation: str
    is_paused: str
    end_pause: str
    # The question of a form that a program may have submitted.
    press_again_title: str
    press_again: str
    press_again_button: str
    tap_again: str
    # Errors.
    link_is_incomplete: str
    open_from_email: str
    link_is_invalid: str
    recipient_was_removed: str
    email_is_gone: str
    emails_are_kept_for_a_time: str
    not_possible_now: str
    try_later: str
    page_does_not_exist: str
    check_address: str
    request_is_wrong: str
    open_with_link: str
    something_went_wrong: str
    # How a date is written: `{day}`, `{month}`, `{year}`; the names of the months.
    date: str
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]

    def format_date(self, day: date) -> str:
        """Return a date as people write it in this language."""
        return self.date.format(day=day.day, month=self.months[day.month - 1], year=day.year)
