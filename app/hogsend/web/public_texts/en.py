"""The texts of the public pages in English."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="this address",
    language="Language",
    save_language="Save language",
    unsubscribe_title="Unsubscribe",
    unsubscribed_title="Unsubscribed",
    unsubscribe_question="Unsubscribe?",
    is_subscribed="{email} is subscribed to “{list}”.",
    unsubscribe="Unsubscribe",
    has_been_unsubscribed="You’ve been unsubscribed",
    gets_list_no_longer="{email} will no longer get “{list}”.",
    gets_nothing=(
        "{email} will no longer get any emails from us, except essential ones such as receipts."
    ),
    undo="Undo",
    is_subscribed_again="You’re subscribed again",
    gets_list_again="{email} will get “{list}” again.",
    is_already_unsubscribed="You’re already unsubscribed",
    does_not_get_list="{email} does not get “{list}”.",
    does_not_get_anything="{email} does not get “{list}” or any other emails.",
    unsubscribe_from_all="Unsubscribe from all emails",
    manage_preferences="Manage your preferences",
    preferences_title="Email preferences",
    choose_emails="Choose which emails {email} gets.",
    has_stopped_everything=(
        "You’ve unsubscribed from all emails, except essential ones such as receipts."
    ),
    resubscribe="Resubscribe",
    choices_are_kept="The choices below are kept and apply again when you resubscribe.",
    essential_list="Essential emails cannot be turned off.",
    save_preferences="Save preferences",
    saving="Saving…",
    saved="Your preferences are saved.",
    not_saved="Not saved. Check your connection and try again.",
    pause="Pause for 30 days",
    pause_explanation="Only essential emails, such as receipts, arrive during a pause.",
    is_paused="Emails are paused until {date}, except essential ones such as receipts.",
    end_pause="End the pause now",
    press_again_title="Please confirm",
    press_again=(
        "Some mail systems press the buttons in emails automatically. "
        "Press the button below so that we know it was you."
    ),
    press_again_button="Yes, that was me",
    tap_again="Please tap the switch again, so that we know it was you.",
    link_is_incomplete="This link is incomplete.",
    open_from_email="Open it from the email again.",
    link_is_invalid="This link is no longer valid.",
    recipient_was_removed="Its recipient was removed and gets no more email.",
    email_is_gone="This email is no longer available.",
    emails_are_kept_for_a_time="Emails are kept for a limited time.",
    not_possible_now="This is not possible right now.",
    try_later="Try again later.",
    page_does_not_exist="This page does not exist.",
    check_address="Check its address: it may be incomplete, or the page may have moved.",
    request_is_wrong="This page does not support that request.",
    open_with_link="Open it with a link or a form.",
    something_went_wrong="Something went wrong.",
    date="{day} {month} {year}",
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
)  # fmt: skip
