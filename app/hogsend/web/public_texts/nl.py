"""The texts of the public pages in Dutch."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="dit adres",
    language="Taal",
    save_language="Taal opslaan",
    unsubscribe_title="Afmelden",
    unsubscribed_title="Afgemeld",
    unsubscribe_question="Afmelden?",
    is_subscribed="{email} ontvangt “{list}”.",
    unsubscribe="Afmelden",
    has_been_unsubscribed="U bent afgemeld",
    gets_list_no_longer="{email} ontvangt “{list}” niet meer.",
    gets_nothing=(
        "{email} ontvangt geen e-mails meer van ons, behalve noodzakelijke zoals facturen."
    ),
    undo="Ongedaan maken",
    is_subscribed_again="U bent weer aangemeld",
    gets_list_again="{email} ontvangt “{list}” weer.",
    is_already_unsubscribed="U was al afgemeld",
    does_not_get_list="{email} ontvangt “{list}” niet.",
    does_not_get_anything="{email} ontvangt “{list}” en andere e-mails niet.",
    unsubscribe_from_all="Afmelden voor alle e-mails",
    manage_preferences="Voorkeuren beheren",
    preferences_title="E-mailvoorkeuren",
    choose_emails="Kies welke e-mails {email} ontvangt.",
    has_stopped_everything=(
        "U bent afgemeld voor alle e-mails, behalve noodzakelijke zoals facturen."
    ),
    resubscribe="Weer aanmelden",
    choices_are_kept="De keuzes hieronder blijven bewaard en gelden weer zodra u zich aanmeldt.",
    essential_list="Noodzakelijke e-mails kunnen niet worden uitgeschakeld.",
    save_preferences="Voorkeuren opslaan",
    saving="Opslaan…",
    saved="Uw voorkeuren zijn opgeslagen.",
    not_saved="Niet opgeslagen. Controleer uw verbinding en probeer het opnieuw.",
    pause="30 dagen pauzeren",
    pause_explanation="Tijdens een pauze komen alleen noodzakelijke e-mails aan, zoals facturen.",
    is_paused="E-mails zijn gepauzeerd tot {date}, behalve noodzakelijke zoals facturen.",
    end_pause="Pauze nu beëindigen",
    press_again_title="Bevestig dit even",
    press_again=(
        "Sommige mailsystemen drukken automatisch op de knoppen in e-mails. "
        "Druk op de knop hieronder, zodat we weten dat u het was."
    ),
    press_again_button="Ja, dat was ik",
    tap_again="Tik nog een keer op de schakelaar, zodat we weten dat u het was.",
    link_is_incomplete="Deze link is onvolledig.",
    open_from_email="Open hem opnieuw vanuit de e-mail.",
    link_is_invalid="Deze link is niet meer geldig.",
    recipient_was_removed="De ontvanger is verwijderd en krijgt geen e-mails meer.",
    email_is_gone="Deze e-mail is niet meer beschikbaar.",
    emails_are_kept_for_a_time="E-mails worden een beperkte tijd bewaard.",
    not_possible_now="Dit is op dit moment niet mogelijk.",
    try_later="Probeer het later opnieuw.",
    page_does_not_exist="Deze pagina bestaat niet.",
    check_address=(
        "Controleer het adres: misschien is het onvolledig of is de pagina verplaatst."
    ),
    request_is_wrong="Deze pagina ondersteunt dat verzoek niet.",
    open_with_link="Open haar via een link of een formulier.",
    something_went_wrong="Er is iets misgegaan.",
    date="{day} {month} {year}",
    months=(
        "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september",
        "oktober", "november", "december",
    ),
)  # fmt: skip
