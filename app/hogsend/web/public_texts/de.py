"""The texts of the public pages in German."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="diese Adresse",
    language="Sprache",
    save_language="Sprache speichern",
    unsubscribe_title="Abmelden",
    unsubscribed_title="Abgemeldet",
    unsubscribe_question="Abmelden?",
    is_subscribed="{email} erhält „{list}“.",
    unsubscribe="Abmelden",
    has_been_unsubscribed="Sie sind abgemeldet",
    gets_list_no_longer="{email} erhält „{list}“ nicht mehr.",
    gets_nothing=(
        "{email} erhält keine E-Mails mehr von uns, außer notwendigen wie etwa Rechnungen."
    ),
    undo="Rückgängig machen",
    is_subscribed_again="Sie sind wieder angemeldet",
    gets_list_again="{email} erhält „{list}“ wieder.",
    is_already_unsubscribed="Sie sind bereits abgemeldet",
    does_not_get_list="{email} erhält „{list}“ nicht.",
    does_not_get_anything="{email} erhält weder „{list}“ noch andere E-Mails.",
    unsubscribe_from_all="Alle E-Mails abbestellen",
    manage_preferences="Einstellungen verwalten",
    preferences_title="E-Mail-Einstellungen",
    choose_emails="Wählen Sie aus, welche E-Mails {email} erhält.",
    has_stopped_everything=(
        "Sie haben alle E-Mails abbestellt, außer notwendigen wie etwa Rechnungen."
    ),
    resubscribe="Wieder anmelden",
    choices_are_kept=(
        "Die folgende Auswahl bleibt gespeichert und gilt wieder, sobald Sie sich anmelden."
    ),
    essential_list="Notwendige E-Mails lassen sich nicht abbestellen.",
    save_preferences="Einstellungen speichern",
    saving="Wird gespeichert …",
    saved="Ihre Einstellungen sind gespeichert.",
    not_saved="Nicht gespeichert. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
    pause="30 Tage pausieren",
    pause_explanation=(
        "Während einer Pause kommen nur notwendige E-Mails an, wie etwa Rechnungen."
    ),
    is_paused="Die E-Mails pausieren bis zum {date}, außer notwendigen wie etwa Rechnungen.",
    end_pause="Pause jetzt beenden",
    press_again_title="Bitte bestätigen Sie",
    press_again=(
        "Manche Mailsysteme betätigen die Schaltflächen in E-Mails automatisch. "
        "Klicken Sie auf die Schaltfläche, damit wir wissen, dass Sie es waren."
    ),
    press_again_button="Ja, das war ich",
    tap_again="Bitte tippen Sie noch einmal auf den Schalter, damit wir wissen, dass Sie es waren.",
    link_is_incomplete="Dieser Link ist unvollständig.",
    open_from_email="Öffnen Sie ihn noch einmal aus der E-Mail.",
    link_is_invalid="Dieser Link ist nicht mehr gültig.",
    recipient_was_removed="Die Adresse wurde entfernt und erhält keine E-Mails mehr.",
    email_is_gone="Diese E-Mail ist nicht mehr verfügbar.",
    emails_are_kept_for_a_time="E-Mails werden nur eine begrenzte Zeit aufbewahrt.",
    not_possible_now="Das ist im Moment nicht möglich.",
    try_later="Versuchen Sie es später noch einmal.",
    page_does_not_exist="Diese Seite gibt es nicht.",
    check_address=(
        "Prüfen Sie die Adresse: Sie ist vielleicht unvollständig, oder die Seite ist umgezogen."
    ),
    request_is_wrong="Diese Seite kann mit der Anfrage nichts anfangen.",
    open_with_link="Öffnen Sie sie über einen Link oder ein Formular.",
    something_went_wrong="Etwas ist schiefgegangen.",
    date="{day}. {month} {year}",
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
        "Oktober", "November", "Dezember",
    ),
)  # fmt: skip
